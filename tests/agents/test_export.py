"""Export: the bundle does what the model does."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from hairpin.agents import RunError, evaluate, export
from hairpin.agents.learner import load_model
from hairpin.edge import BundleError
from hairpin.edge.bundle import read_bundle
from hairpin.edge.policy import TOLERANCE, Policy

RUNS = ("discrete_run", "continuous_run", "sac_run")


@pytest.fixture(scope="session")
def bundles(request, tmp_path_factory):
    """Exports a run once per precision."""
    made = {}

    def bundle(fixture: str, precision: str):
        if (fixture, precision) not in made:
            out = tmp_path_factory.mktemp("bundles") / f"{fixture}-{precision}.tar.gz"
            made[fixture, precision] = out, export(request.getfixturevalue(fixture), out, precision=precision)
        return made[fixture, precision]

    return bundle


@pytest.mark.parametrize("fixture", RUNS)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_bundle_acts_as_its_model(fixture, precision, bundles, request) -> None:
    run = request.getfixturevalue(fixture)
    file, parity = bundles(fixture, precision)
    assert parity.agreement >= 0.99 and parity.precision == precision
    assert parity.largest_difference < {"fp32": 1e-5, "fp16": 1e-2}[precision]
    assert parity.size == file.stat().st_size and parity.frames > 10

    policy = Policy.load(file)
    assert policy.contract == run.contract
    frames = policy.bundle.golden.frames
    model = load_model(run.best.path, run.contract.algorithm)
    expected, _ = model.predict(np.moveaxis(frames, -1, 1), deterministic=True)
    acted = policy.act(frames)
    if fixture == "discrete_run":
        assert acted.tolist() == expected.tolist()
    else:
        assert np.abs(acted - expected).max() < {"fp32": 1e-5, "fp16": 1e-2}[precision]


@pytest.mark.parametrize("fixture", ["discrete_run", "sac_run"])
def test_int8_is_smaller_and_acts_nearly_the_same(fixture, request, tmp_path, hairpin, bundles) -> None:
    pytest.importorskip("nncf")
    run, out = request.getfixturevalue(fixture), tmp_path / "int8.tar.gz"
    code, output, errors = hairpin("export", run.path, "--out", out, "--precision", "int8", "--json")
    assert code == 0, errors
    parity = json.loads(output)
    assert parity["agreement"] >= 0.99 and parity["precision"] == "int8"
    policy = Policy.load(out)
    assert policy.contract == run.contract
    assert policy.golden_difference <= TOLERANCE["int8"]
    assert any(kernel.endswith("I8") for kernel in policy.kernels()), policy.kernels()
    assert (
        policy.bundle.sizes["model.bin"] < 0.4 * read_bundle(bundles(fixture, "fp32")[0]).sizes["model.bin"]
    )


def test_int8_that_acts_otherwise_is_refused_with_the_figure(sac_run, tmp_path, monkeypatch) -> None:
    pytest.importorskip("nncf")
    from hairpin.agents import quantization

    real = quantization.quantize

    def calibrate_on_darkness(xml: bytes, weights: bytes, seen: dict[str, np.ndarray]) -> tuple[bytes, bytes]:
        [frames] = seen.values()
        assert 10 < len(frames) <= 300 and frames.dtype == np.uint8
        return real(xml, weights, {name: np.zeros_like(values) for name, values in seen.items()})

    monkeypatch.setattr(quantization, "quantize", calibrate_on_darkness)
    out = tmp_path / "int8.tar.gz"
    with pytest.raises(RunError, match=r"another action on \d+\.\d% of the frames, at most 1% .* use fp32"):
        export(sac_run, out, precision="int8")
    assert not out.exists()


def test_without_nncf_there_is_one_clear_line(discrete_run, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(RunError, match=r"pip install 'hairpin\[int8\]'"):
        export(discrete_run, tmp_path / "int8.tar.gz", precision="int8")


@pytest.mark.parametrize("fixture", RUNS)
def test_half_precision_halves_the_weights(fixture, bundles) -> None:
    whole, half = (
        read_bundle(bundles(fixture, precision)[0]).sizes["model.bin"] for precision in ("fp32", "fp16")
    )
    assert half == pytest.approx(whole / 2, rel=0.02)


def test_a_bundle_carries_where_it_comes_from(discrete_run, bundles) -> None:
    bundle = read_bundle(bundles("discrete_run", "fp32")[0])
    assert bundle.origin == "discrete"
    assert bundle.extras["reward_function.py"] == (discrete_run.path / "reward_function.py").read_bytes()
    assert 1 < len(bundle.golden.frames) <= 16
    assert len(np.unique(bundle.golden.frames, axis=0)) > 1


@pytest.mark.parametrize("fixture", RUNS)
def test_a_bundle_evaluates_as_its_run_does(fixture, bundles, request) -> None:
    run = request.getfixturevalue(fixture)
    settings = {"track": run.track, "physics": "single_track", "trials": 4, "laps": 1}
    from_run, from_bundle = (
        evaluate(source, **settings).report for source in (run.path, bundles(fixture, "fp32")[0])
    )
    assert from_bundle.statuses == from_run.statuses
    assert from_bundle.distance == pytest.approx(from_run.distance, rel=1e-3)


def test_a_lapping_policy_laps_as_a_bundle_and_with_the_cars_runtime(
    ring_run, inputs, hairpin_car, tmp_path
) -> None:
    file = tmp_path / "ring.tar.gz"
    export(ring_run, file)
    with pytest.raises(RunError, match="was trained on 'ring', which is not a built-in track: give --track"):
        evaluate(file)
    ring = inputs / "ring.npy"
    report = evaluate(file, track=ring, trials=2, laps=1, direction="ccw").report
    assert (report.track, report.physics, report.completed) == ("ring", "bullet", 2)
    code, output, errors = hairpin_car(
        *("rehearse", file, "--track", ring, "--laps", 1, "--trials", 1, "--direction", "ccw", "--json")
    )
    assert code == 0, errors
    rehearsed = json.loads(output)
    assert (rehearsed["completed"], rehearsed["off_tracks"]) == (1, 0)
    assert rehearsed["best_lap"] == pytest.approx(report.best_lap, abs=0.3)


def test_a_track_of_another_shape_with_a_built_in_name_is_not_taken_for_it(
    continuous_run, copy_of, tmp_path
) -> None:
    run = copy_of(continuous_run)
    settings = json.loads((run.path / "run.json").read_text())
    settings["contract"]["track"]["name"] = "oval"
    (run.path / "run.json").write_text(json.dumps(settings))
    export(run.path, tmp_path / "a.tar.gz")
    with pytest.raises(RunError, match="was trained on 'oval', which is not a built-in track"):
        evaluate(tmp_path / "a.tar.gz", physics="single_track")


def test_what_is_refused(discrete_run, tmp_path) -> None:
    with pytest.raises(RunError, match="unknown precision 'int4': choose one of fp32, fp16, int8"):
        export(discrete_run, tmp_path / "a.tar.gz", precision="int4")
    with pytest.raises(RunError, match=r"give a name that ends in .tar.gz"):
        export(discrete_run, tmp_path / "a.zip")
    with pytest.raises(RunError, match="no run at"):
        export(tmp_path / "nowhere", tmp_path / "a.tar.gz")
    (tmp_path / "file").touch()
    with pytest.raises(BundleError, match="cannot write"):
        export(discrete_run, tmp_path / "file" / "a.tar.gz")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_export_that_is_not_the_model_is_refused(discrete_run, tmp_path, monkeypatch) -> None:
    from hairpin.agents import exporting

    infer = exporting._infer
    monkeypatch.setattr(exporting, "_infer", lambda *a: np.roll(infer(*a), 1, axis=1))
    with pytest.raises(RunError, match=r"chooses another action on 100.0% of the frames"):
        export(discrete_run, tmp_path / "a.tar.gz")
    assert not list(tmp_path.iterdir())
