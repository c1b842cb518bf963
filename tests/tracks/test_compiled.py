import os
import subprocess
import sys

import pytest

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from kernel import double
print(double(21))
"""

KERNEL = """
from hairpin.tracks.compiled import compiled

@compiled
def double(x: int) -> int:
    return 2 * x
"""


@pytest.mark.parametrize("home", ["folder", "file"])
def test_code_runs_where_its_folder_cannot_be_written_to(tmp_path, home):
    (tmp_path / "kernel.py").write_text(KERNEL)
    (tmp_path / "__pycache__").write_text("")  # a file in the way stops even root
    if home == "file":
        (tmp_path / "home").write_text("")
    else:
        (tmp_path / "home").mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    environment |= {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home" / "cache")}
    run = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(run, env=environment, capture_output=True, text=True)
    assert done.stdout == "42\n", done.stderr
    kept = list((tmp_path / "home").rglob("*.nbc")) if home == "folder" else []
    assert bool(kept) == (home == "folder")
