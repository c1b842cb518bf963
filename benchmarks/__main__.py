"""All benchmarks, one after the other: `python -m benchmarks [--peers PYTHON]`, or `make bench`."""

from __future__ import annotations

import subprocess
import sys

#: Not among them: `edge`, which needs a run, `original` and `real_logs`, which need files of DeepRacer's,
#: `soak`, and what takes an hour and more: `general`, `swing`, `race`, `off_policy`.
_ALL = ("throughput", "scaling", "camera", "dynamics", "laps", "first_lap", "rewards")


def main() -> None:
    """Run each in a process of its own."""
    for name in _ALL:
        print(f"\n== {name}", flush=True)
        arguments = sys.argv[1:] if name == "throughput" else []
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], check=True)


if __name__ == "__main__":
    main()
