"""`hairpin train`, `evaluate`, `export` and `demo`: what they print, and what odd input gives."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from hairpin.agents import demo as demo_module
from hairpin.agents import open_run, train
from hairpin.agents.presets import PRESETS

_WITHOUT = """
import sys
for name in {modules!r}:
    sys.modules[name] = None
sys.argv = ["hairpin", *{arguments!r}]
from hairpin.agents.cli.main import main
main()
"""
TRAIN_EXTRA = (
    "torch",
    "stable_baselines3",
    "gymnasium",
    "numba",
    "cv2",
    "matplotlib",
    "pybullet",
    "imageio_ffmpeg",
)


def without(modules, *arguments) -> subprocess.CompletedProcess:
    code = _WITHOUT.format(modules=modules, arguments=[str(argument) for argument in arguments])
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--help"], "rehearse it"),
        (["tracks", "list"], "reinvent_2018"),
        (["train", "--help"], "--resume"),
    ],
)
def test_the_base_installation_answers(arguments, text) -> None:
    result = without(TRAIN_EXTRA, *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert text in result.stdout


@pytest.mark.parametrize("command", ["train", "demo", "evaluate run", "export run --out a.tar.gz"])
def test_the_base_installation_says_what_it_lacks(command) -> None:
    result = without(TRAIN_EXTRA, *command.split())
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("error: this needs ")
    assert result.stderr.endswith("pip install 'hairpin[train]'\n") and result.stderr.count("\n") == 1


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['hairpin', '--help']\n"
        "from hairpin.agents.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'torch', 'gymnasium', 'openvino', 'matplotlib', 'numba', 'cv2', 'hairpin.sim'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stderr == "[]\n"


def test_train_prints_the_folder_and_what_to_do_next(inputs, hairpin, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ["--preset", "tiny", "--steps", 256, "--reward", inputs / "mine.py", "--seed", 4]
    code, output, errors = hairpin("train", "--track", "oval", *settings)
    assert (code, output) == (0, "runs/oval-001\n"), errors
    assert errors.splitlines()[-2:] == [
        "to train on: hairpin train --resume runs/oval-001 --steps N",
        "next: hairpin evaluate runs/oval-001 --video runs/oval-001/laps.mp4",
    ]
    assert open_run("runs/oval-001").settings["settings"]["seed"] == 4
    code, output, errors = hairpin("export", "runs/oval-001", "--out", "a.tar.gz", "--json")
    assert code == 0 and json.loads(output)["agreement"] == 1.0
    code, output, errors = hairpin("export", "runs/oval-001", "--out", "a.tar.gz", "--precision", "fp16")
    assert code == 0 and output.startswith("a.tar.gz: fp16, ")


def test_a_folder_with_a_space_can_be_copied_from_what_to_do_next(discrete_run, copy_of, hairpin) -> None:
    run = copy_of(discrete_run, "my run")
    code, _, errors = hairpin("train", "--resume", run.path)
    assert code == 0 and f"next: hairpin evaluate '{run.path}' --video '{run.path}'/laps.mp4" in errors


def test_evaluate_leaves_json_alone_on_standard_output(ring_run, hairpin, tmp_path) -> None:
    video, plot = tmp_path / "laps.mp4", tmp_path / "laps.png"
    settings = ["--trials", 1, "--laps", 1, "--direction", "ccw", "--video", video, "--plot", plot, "--json"]
    code, output, errors = hairpin("evaluate", ring_run.path, *settings)
    assert code == 0, errors
    report = json.loads(output)
    assert (report["physics"], report["direction"], report["completed"]) == ("bullet", "ccw", 1)
    assert video.exists() and plot.exists()


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("evaluate nowhere", "no run at nowhere: the runs here are none (hairpin train makes one)"),
        ("evaluate {run} --track ovall", "no track named 'ovall'; did you mean oval"),
        ("evaluate {run} --trials 0", "trials is 0: give a whole number of at least 1"),
        ("evaluate {run} --physics mujoco", "unknown physics 'mujoco'"),
        ("evaluate {run} --video laps.gif", "video laps.gif: give the name of a file that ends in .mp4"),
        ("evaluate {run} --plot laps.pdf", "picture laps.pdf: give a name that ends in .png"),
        ("evaluate {run} --video file/laps.mp4", "video file/laps.mp4 cannot be written: "),
        ("evaluate {run} --trials 1 --physics single_track --plot file/laps.png", "cannot be written: "),
        ("evaluate file", "file: "),
        ("export {run} --out a.zip", "bundle a.zip: give a name that ends in .tar.gz"),
        ("export {run} --out file/a.tar.gz", "cannot write file/a.tar.gz"),
        ("export file --out a.tar.gz", "file is not a run: it has no run.json"),
        ("train --track ovall", "no track named 'ovall'; did you mean oval"),
        ("train --reward centre_line", "center_line"),
        ("train --reward nowhere.py", "nowhere.py"),
        ("train --preset slow", "unknown preset 'slow'"),
        ("train --num-envs 3000000000", "not enough memory"),
        ("train --steps 0", "steps is 0: give a whole number of at least 1"),
        ("train --steps 1 --out file", "file exists and is not empty"),
        ("train --steps 1 --out file/run", "file/run cannot be made"),
        ("train --from nowhere --steps 1", "no run at nowhere"),
        ("train --resume nowhere", "no run at nowhere"),
        ("train --model-metadata nowhere.json", "nowhere.json"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(
    command, text, discrete_run, hairpin, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("text")
    code, output, errors = hairpin(*command.format(run=discrete_run.path).split())
    assert (code, output) == (2, "")
    assert errors.startswith("error: ") and errors.count("\n") == 1
    assert text in errors
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_without_pybullet_evaluation_says_what_to_do(discrete_run, hairpin, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pybullet", None)
    code, output, errors = hairpin("evaluate", discrete_run.path)
    assert (code, output) == (2, "")
    assert errors.startswith(
        "error: PyBullet is not installed: pip install 'hairpin[bullet]', or use physics="
    )


@pytest.fixture
def short_demo(monkeypatch, tmp_path):
    """The demo with a training and trials of nearly nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(PRESETS, "fast", PRESETS["tiny"])
    monkeypatch.setattr(demo_module, "_TRIALS", 2)
    monkeypatch.setattr(demo_module, "_LAPS", 1)

    def short(config, **more):
        import dataclasses

        return train(dataclasses.replace(config, steps=256), **more)

    monkeypatch.setattr(demo_module, "train", short)


def test_demo_leaves_everything_in_one_folder_and_may_be_repeated(short_demo, hairpin, tmp_path) -> None:
    for _ in range(2):
        code, output, errors = hairpin("demo", "--track", "oval")
        assert code == 1, errors  # so short a training does not lap
        assert "its bundle" in output and "0 of 2" in output and "not all laps were driven" in output
        (tmp_path / "runs" / "demo" / "mark").touch()
    left = {path.name for path in (tmp_path / "runs" / "demo").iterdir()}
    assert left >= {"policy.tar.gz", "laps.mp4", "laps-bullet.png", "laps-single_track.png", "learning.png"}
    for name in sorted(left & {"policy.tar.gz", "laps.mp4", "learning.png"}):
        assert f"runs/demo/{name}" in output


def test_demo_replaces_only_its_own_folder(hairpin, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("mine", "runs/demo"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "run.json").touch()
    code, _, errors = hairpin("demo", "--out", "mine")
    assert code == 2 and "mine exists and is not empty: give another --out" in errors
    code, _, errors = hairpin("demo", "--track", "ovall")
    assert code == 2 and "did you mean oval" in errors
    assert (tmp_path / "mine" / "run.json").exists() and (tmp_path / "runs" / "demo" / "run.json").exists()
