"""The command `hairpin-car`, as a user runs it and in this process."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_policies import CONTINUOUS, DISCRETE, WriteBundle, golden_frames

from hairpin.edge import Contract, Policy, observe
from hairpin.edge import rehearsal as rehearsal_module
from hairpin.edge.bench import _ISAS, camera_size, instruction_set, pictures
from hairpin.edge.cli import main
from hairpin.edge.drivers.jpeg import decode

SUMMARY = {
    "track": "oval",
    "physics": "bullet",
    "direction": "both",
    "trials": 2,
    "completed": 2,
    "completion_rate": 1.0,
    "lap_times": [10.0, 11.0],
    "best_lap": 10.0,
    "mean_lap": 10.5,
    "off_tracks": 0,
    "mean_speed": 1.5,
}


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from hairpin.edge.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """Run the command in this process; its exit status."""
    monkeypatch.setattr(sys, "argv", ["hairpin-car", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        main()
    return int(caught.value.code or 0)


def simulator(monkeypatch: pytest.MonkeyPatch, rehearse: Any) -> None:
    """Install a simulator, or an entry point that cannot be loaded."""
    point = EntryPoint("simulator", "nowhere:rehearse", rehearsal_module.GROUP)
    if rehearse is not None:
        monkeypatch.setattr(EntryPoint, "load", lambda self: rehearse)
    monkeypatch.setattr(rehearsal_module, "entry_points", lambda group: [point])


def test_inspect_as_json(write: WriteBundle) -> None:
    result = run("inspect", write(origin="oval-1"), "--json")
    assert (result.returncode, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert found["verified"] is True
    assert found["precision"] == "fp32"
    assert found["golden_frames"] == 6
    assert Contract.from_json(json.dumps(found["contract"])) == DISCRETE


@pytest.mark.parametrize("contract", [DISCRETE, CONTINUOUS])
def test_inspect_for_people(
    write: WriteBundle,
    contract: Contract,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(monkeypatch, "inspect", write(contract)) == 0
    shown = capsys.readouterr().out
    assert "verified on OpenVINO" in shown
    assert "-30" in shown
    assert f"{contract.observation.width}x{contract.observation.height}" in shown


def test_a_broken_bundle_is_one_line_and_status_2(write: WriteBundle) -> None:
    path = write()
    path.write_bytes(path.read_bytes()[:-100])
    for command in ("inspect", "bench", "rehearse"):
        result = run(command, path, "--json")
        assert result.returncode == 2
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith(f"error: {path}: it is truncated")


def test_wrong_usage_is_status_2_and_help_is_0() -> None:
    assert run("inspect").returncode == 2
    assert run("bench", "x.tar.gz", "--frames", "0").returncode == 2
    shown = run("rehearse", "--help")
    assert shown.returncode == 0
    assert "--track" in shown.stdout
    assert "Example" in shown.stdout


def test_bench(
    write: WriteBundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(fp16=True)
    assert call(monkeypatch, "bench", path, "--frames", "20", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert 0 < found["p50_ms"] <= found["p90_ms"] <= found["p99_ms"]
    assert found["precision"] == "fp16"
    assert list(found["stages"]) == ["decode", "observe", "infer", "map"]
    assert found["fits"] == {rate: found["p99_ms"] <= 1e3 / int(rate) for rate in ("15", "30", "60")}
    assert found["kernels"]
    assert found["instruction_set"] in (*_ISAS, "unknown")
    assert 20 < found["resident_mib"] <= found["resident_peak_mib"]
    assert call(monkeypatch, "bench", path, "--frames", "20") == 0
    shown = capsys.readouterr().out
    for word in ("decode", "infer", "30 frames/s fit", "kernels", "MiB resident"):
        assert word in shown


def test_the_instruction_set_is_the_best_of_the_kernels() -> None:
    assert instruction_set(["brgconv_avx512_f32", "jit_avx2_f32"]) == "avx512"
    assert instruction_set(["jit_gemm_f32", "jit_sse42_f32"]) == "sse42"
    assert instruction_set(["jit_avx_f32"]) == "avx"
    assert instruction_set(["gemm_mlas_f32"]) == "unknown"


def test_the_benchs_frames_show_what_the_policy_has_seen(write: WriteBundle) -> None:
    policy = Policy.load(write())
    spec = policy.contract.observation
    for (jpeg,), golden in zip(pictures(policy), policy.bundle.golden.frames, strict=True):
        seen = observe(decode(jpeg, spec), spec)
        assert np.corrcoef(seen.ravel(), golden.ravel())[0, 1] > 0.95


def test_the_benchs_camera_is_a_multiple_of_the_contract() -> None:
    assert camera_size(DISCRETE.observation) == (640, 480)


def test_rehearse_drives_the_simulator_with_the_runtime(
    write: WriteBundle, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Trial:
        def __init__(self) -> None:
            self.frames = iter(golden_frames(DISCRETE))
            self.commands: list[Any] = []

        def read(self) -> np.ndarray | None:
            return next(self.frames, None)

        def write(self, command: Any) -> Any:
            self.commands.append(command)
            return command

        def neutral(self) -> None:
            self.commands.append(None)

    trials = [Trial(), Trial()]
    told = {}

    def rehearse(contract: Contract, drive: Any, **settings: Any) -> dict[str, Any]:
        told.update(settings)
        ctypes.CDLL(None).printf(b"a greeting from C\n")
        print("a greeting from Python")
        assert contract == DISCRETE
        assert [drive(trial, trial).frames for trial in trials] == [6, 6]
        return SUMMARY

    simulator(monkeypatch, rehearse)
    options = ("--laps", "2", "--trials", "2", "--physics", "single_track", "--direction", "ccw")
    path = write()
    assert call(monkeypatch, "rehearse", path, *options, "--speed-limit", "0.9", "--json") == 0
    out, err = capfd.readouterr()
    found = json.loads(out)
    assert found.items() >= SUMMARY.items()
    assert set(found["latency_ms"]) == {"observe", "infer", "map", "total"}
    assert "a greeting from C" in err
    assert told == {
        "track": None,
        "laps": 2,
        "trials": 2,
        "physics": "single_track",
        "direction": "ccw",
        "seed": 0,
        "latency": 0.0,
    }
    assert all(trial.commands[-1] is None for trial in trials)
    assert {command.speed for trial in trials for command in trial.commands[:-1]} == {0.9}


def test_rehearse_for_people(
    write: WriteBundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = {**SUMMARY, "completed": 0, "best_lap": None, "mean_lap": None, "lap_times": []}
    for summary, shown in ((SUMMARY, "10.000 s"), (nothing, "0 of 2")):
        simulator(monkeypatch, lambda *a, summary=summary, **k: summary)
        assert call(monkeypatch, "rehearse", write()) == 0
        assert shown in capsys.readouterr().out


def test_a_latency_sweep_stops_at_the_first_failure(
    write: WriteBundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried: list[float] = []

    def rehearse(contract: Contract, drive: Any, *, latency: float, **settings: Any) -> dict[str, Any]:
        tried.append(round(latency, 3))
        return {**SUMMARY, "completed": 2 if latency < 0.05 else 1, "wheels_out": 0}

    simulator(monkeypatch, rehearse)
    assert call(monkeypatch, "rehearse", write(), "--latency-sweep", "--json") == 0
    out, err = capsys.readouterr()
    assert tried == [0.0, 0.02, 0.04, 0.06]
    assert json.loads(out)["survives_ms"] == 40
    assert "1 of 2" in err
    simulator(monkeypatch, lambda *a, **k: SUMMARY | {"completed": 0})
    assert call(monkeypatch, "rehearse", write(), "--latency-sweep") == 0
    assert "it fails without any added latency" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--drop", "0.1"), "--drop needs --real-time"),
        (("--fps", "60"), "--fps needs --real-time"),
        (("--latency-sweep", "--real-time"), "leave out others"),
        (("--real-time",), "rehearse needs the simulator"),
    ],
)
def test_options_of_the_rehearsal_that_do_not_go_together(
    write: WriteBundle,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    message: str,
) -> None:
    simulator(monkeypatch, lambda *a, **k: SUMMARY)  # which cannot do it in real time
    assert call(monkeypatch, "rehearse", write(), *options) == 2
    assert message in capsys.readouterr().err


def test_without_a_simulator(
    write: WriteBundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write()
    simulator(monkeypatch, None)
    assert call(monkeypatch, "rehearse", path) == 2
    assert "rehearse needs the simulator: pip install 'hairpin[train]'" in capsys.readouterr().err
    monkeypatch.setattr(rehearsal_module, "entry_points", lambda group: [])
    assert call(monkeypatch, "rehearse", path) == 2
    assert "rehearse needs the simulator" in capsys.readouterr().err


def test_the_simulators_complaints_are_bad_input(
    write: WriteBundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class TrackError(ValueError):
        pass

    def rehearse(*arguments: Any, **settings: Any) -> dict[str, Any]:
        raise TrackError("no track 'ovall': did you mean 'oval'?")

    simulator(monkeypatch, rehearse)
    assert call(monkeypatch, "rehearse", write()) == 2
    assert capsys.readouterr().err == "error: no track 'ovall': did you mean 'oval'?\n"
