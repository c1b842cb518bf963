"""What the car's side may not bring in, and what it brings in only when asked."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

FORBIDDEN = {
    *("torch", "gymnasium", "pybullet", "stable_baselines3", "matplotlib", "numba", "cv2", "tensorboard"),
    *("starlette", "uvicorn", "websockets", "anyio"),
    *("hairpin.sim", "hairpin.agents", "hairpin.tracks", "hairpin.rewards"),
}


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


@pytest.mark.parametrize(
    "module",
    [
        "hairpin.edge",
        *(f"hairpin.edge.{name}" for name in ("policy", "runtime", "rehearsal", "bench", "cli")),
    ],
)
def test_nothing_of_the_workstation(module: str) -> None:
    assert not FORBIDDEN & modules_after(f"import {module}")


@pytest.mark.parametrize("module", ["hairpin.edge", "hairpin.edge.contract", "hairpin.edge.cli"])
def test_openvino_only_when_a_policy_is_loaded(module: str) -> None:
    assert "openvino" not in modules_after(f"import {module}")


def test_public_names_exist() -> None:
    import hairpin.edge

    for name in hairpin.edge.__all__:
        assert getattr(hairpin.edge, name)
    with pytest.raises(AttributeError, match="no attribute 'Polizy'"):
        _ = hairpin.edge.Polizy
