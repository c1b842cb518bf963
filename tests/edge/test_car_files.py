"""Calibration files, the doctor, other drivers, and the files that are installed on the car."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from car_rig import GuardProcess, make_tree
from typer.main import get_command

from hairpin.edge.calibration import Axis, Calibration, read_calibration, write_calibration
from hairpin.edge.cli import app
from hairpin.edge.doctor import examine, findings_as_text
from hairpin.edge.drivers.battery import level_of
from hairpin.edge.drivers.pca9685 import Pca9685Pulses
from hairpin.edge.errors import CarError

SYSTEMD = Path(__file__).parents[2] / "edge/systemd"


def test_pulses_are_those_of_the_cars_own_software() -> None:
    axes = Calibration()
    assert [axes.servo.pulse(value) for value in (-1, -0.5, 0, 0.5, 1, 7)] == [
        *(1_200_000, 1_325_000, 1_450_000, 1_575_000, 1_700_000, 1_700_000),
    ]
    assert [axes.motor.pulse(value) for value in (-1, 0, 0.5, 1)] == [
        1_603_500,
        1_446_000,
        1_378_500,
        1_311_000,
    ]


def test_a_calibration_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    calibration = Calibration(Axis(1_100_000, 1_400_000, 1_900_000, -1))
    write_calibration(path, calibration)
    assert read_calibration(path) == calibration
    assert json.loads(path.read_text())["Calibration"]["Motor"] == {
        **{"min": 1311000, "mid": 1446000, "max": 1603500, "polarity": -1}
    }
    assert [entry.name for entry in tmp_path.iterdir()] == ["calibration.json"]


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda data: data["Calibration"]["Servo"].update(mid=1_100_000), "Servo: .* min < mid < max"),
        (lambda data: data["Calibration"]["Motor"].update(max=3_000_000), "Motor: calibration max is 3e"),
        (lambda data: data["Calibration"]["Servo"].update(polarity=0), "polarity is 0: give 1 or -1"),
        (lambda data: data["Calibration"].pop("Motor"), "no 'Motor'"),
        (lambda data: data["Calibration"]["Servo"].pop("min"), "Servo has no 'min'"),
        (lambda data: data.clear(), "Calibration is null"),
    ],
)
def test_a_broken_calibration_is_one_line(tmp_path: Path, spoil, line: str) -> None:
    path = tmp_path / "calibration.json"
    write_calibration(path, Calibration())
    data = json.loads(path.read_text())
    spoil(data)
    path.write_text(json.dumps(data))
    with pytest.raises(CarError, match=line.replace("3e", "3")):
        read_calibration(path)


def test_a_file_that_is_no_json_is_no_calibration(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(b"\xff{")
    with pytest.raises(CarError, match="is no calibration"):
        read_calibration(tmp_path / "c.json")
    with pytest.raises(CarError, match="cannot read"):
        read_calibration(tmp_path / "none.json")


class Bus:
    """The registers of a PCA9685."""

    def __init__(self) -> None:
        self.registers = [0] * 256

    def read_byte_data(self, i2c_addr: int, register: int) -> int:
        return self.registers[register]

    def write_byte_data(self, i2c_addr: int, register: int, value: int) -> None:
        self.registers[register] = value

    def write_i2c_block_data(self, i2c_addr: int, register: int, data: Sequence[int]) -> None:
        self.registers[register : register + len(data)] = data

    def pulse(self, channel: int) -> float:
        """Length of the pulses on a channel [ns]."""
        low, high = self.registers[6 + 4 * channel + 2 : 6 + 4 * channel + 4]
        return (low + 256 * high) * 1e9 * (self.registers[0xFE] + 1) / 25e6


def test_a_pca9685_sends_neutral_until_it_is_on() -> None:
    bus = Bus()
    pulses = Pca9685Pulses(bus)
    assert bus.registers[0xFE] == 121  # 50 Hz
    step = 1e9 * 122 / 25e6
    for on, wanted in ((False, (1_450_000, 1_446_000)), (True, (1_700_000, 1_311_000))):
        pulses.enable(on)
        pulses.write(1_700_000, 1_311_000)
        assert (bus.pulse(1), bus.pulse(0)) == pytest.approx(wanted, abs=step / 2)
    pulses.enable(False)
    assert bus.pulse(0) == pytest.approx(1_446_000, abs=step / 2)


def test_levels_of_the_battery() -> None:
    assert [level_of(reading) for reading in (0, 0x8C, 0xBC, 0xEC, 255)] == [0, 0, 5, 11, 11]


def test_the_doctor_on_a_bare_computer_and_on_a_car(tmp_path: Path) -> None:
    nothing = {finding.name: finding for finding in examine(tmp_path, tmp_path / "s", tmp_path / "c")}
    assert not any(nothing[name].ok for name in ("outputs", "guard", "camera", "battery", "gamepad"))
    assert not any(nothing[name].needed for name in ("right camera", "lidar", "battery", "gamepad"))
    assert all(finding.mend for finding in nothing.values() if not finding.ok)
    assert "cannot drive yet: outputs" in findings_as_text(list(nothing.values()))
    guard = GuardProcess(tmp_path)
    try:
        (guard.root / "dev").mkdir()
        for name in ("video0", "video2", "hairpin-lidar"):
            (guard.root / "dev" / name).touch()
        (guard.root / "proc/77").mkdir(parents=True)
        (guard.root / "proc/77/comm").write_text("servo_node\n")
        found = {finding.name: finding for finding in examine(guard.root, guard.socket, tmp_path / "c")}
    finally:
        guard.end()
    assert found["outputs"].found == "DeepRacer: pwmchip1, enable line GPIO 514"
    assert found["guard"].ok
    assert [Path(found[name].found).name for name in ("camera", "right camera", "lidar")] == [
        "video2",
        "video0",
        "hairpin-lidar",
    ]
    assert not found["alone"].ok


def test_the_chip_of_another_device_is_not_the_cars(tmp_path: Path) -> None:
    chip = make_tree(tmp_path)
    shutil.rmtree(chip)
    (tmp_path / "sys/class/pwm/pwmchip1").unlink()
    found = {finding.name: finding for finding in examine(tmp_path, tmp_path / "s", tmp_path / "c")}
    assert "found pwmchip0" in found["outputs"].found + found["outputs"].mend


def test_the_unit_writes_neutral_however_the_guard_ends() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(SYSTEMD / "hairpin-guard.service")
    service = unit["Service"]
    assert service["ExecStopPost"] == f"{service['ExecStart']} --neutral"
    assert (service["Restart"], service["NoNewPrivileges"], service["CapabilityBoundingSet"]) == (
        "always",
        "yes",
        "",
    )


def test_the_consoles_unit_is_a_cage() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(SYSTEMD / "hairpin-console.service")
    service = unit["Service"]
    assert service["User"] == "hairpin"
    for name, value in {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "DevicePolicy": "closed",
        "CapabilityBoundingSet": "",
        "StateDirectory": "hairpin",
    }.items():
        assert service[name] == value
    assert "serve" in service["ExecStart"]


def test_the_runtime_may_do_no_more_than_it_needs() -> None:
    unit = configparser.RawConfigParser(strict=False, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(SYSTEMD / "hairpin-drive.service")
    service = unit["Service"]
    assert service["User"] != "root" and service["CapabilityBoundingSet"] == ""
    assert service["PrivateNetwork"] == service["NoNewPrivileges"] == "yes"
    assert "MemoryDenyWriteExecute" not in service, "OpenVINO compiles to machine code"
    arguments = service["ExecStart"].replace("\\", "").split()
    assert arguments[0].endswith("hairpin-car")
    known = {option for parameter in get_command(app).commands["drive"].params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= known


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", sorted(file.name for file in SYSTEMD.glob("*.service")))
def test_systemd_understands_the_unit(tmp_path: Path, name: str) -> None:
    text = re.sub(r"/opt/hairpin/bin/[a-z-]+", "/bin/true", (SYSTEMD / name).read_text())
    (tmp_path / name).write_text(text)
    command = ["systemd-analyze", "verify", str(tmp_path / name)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    wrong = ("Unknown", "Failed to parse", "Invalid", "ignoring")
    assert not [line for line in shown.splitlines() if name in line and any(w in line for w in wrong)], shown
