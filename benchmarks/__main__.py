"""All benchmarks, one after the other: `python -m benchmarks`, or `make bench`."""

from __future__ import annotations

import subprocess
import sys

#: Not among them, for they take an hour and more: `general` and `swing`.
_ALL = ("throughput", "camera", "dynamics", "laps", "first_lap", "rewards")


def main() -> None:
    """Run each in a process of its own."""
    for name in _ALL:
        print(f"\n== {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)


if __name__ == "__main__":
    main()
