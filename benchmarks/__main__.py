"""All benchmarks, one after the other: `python -m benchmarks [--peers PYTHON]`, or `make bench`."""

from __future__ import annotations

import subprocess
import sys

#: Not among them: `edge`, which needs a run, and `general`, `swing` and `race`, which take an hour and more.
_ALL = ("throughput", "scaling", "camera", "dynamics", "laps", "first_lap", "rewards")


def main() -> None:
    """Run each in a process of its own."""
    for name in _ALL:
        print(f"\n== {name}", flush=True)
        arguments = sys.argv[1:] if name == "throughput" else []
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], check=True)


if __name__ == "__main__":
    main()
