"""Recordings: bounded, readable whatever happened to them, and never in the way of the drive."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from car_rig import wait_until
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_policies import WriteBundle

from hairpin.edge.drivers.camera import Image
from hairpin.edge.errors import CarError
from hairpin.edge.mcap_file import from_cdr, previous, read_about, read_messages, to_cdr
from hairpin.edge.recording import Recorder

JPEG = b"\xff\xd8" + bytes(range(256)) * 120 + b"\xff\xd9"


def record(path: Path, frames: int, limit: int = 2_000_000_000) -> Recorder:
    recorder = Recorder(path, {"contract": "{}"}, limit)
    now = time.monotonic()
    for i in range(frames):
        stamp = now + i / 30
        recorder.frame(Image(JPEG + b"%d" % i, stamp))
        recorder.decision(stamp, {"steering": 0.25, "number": i})
        while len(recorder._waiting) > 500:
            time.sleep(0.001)
    return recorder


def test_what_was_recorded_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "drive.mcap"
    recorder = record(path, 5)
    recorder.pose(time.monotonic(), (1.0, 2.0, 0.5))
    recorder.health({"armed": True})
    recorder.trial(3)
    recorder.close()
    assert read_about(path) == {"contract": "{}"}
    messages = list(read_messages(path))
    assert [m.topic for m in messages] == ["camera", "decision"] * 5 + ["pose", "health", "trial"]
    assert [m.value for m in messages[:2]] == [JPEG + b"0", {"steering": 0.25, "number": 0}]
    assert messages[0].stamp == messages[1].stamp
    assert [b.stamp - a.stamp for a, b in pairwise(messages[:9:2])] == pytest.approx([1 / 30] * 4, abs=1e-5)
    assert abs(messages[0].stamp - time.time()) < 60
    assert messages[-3].value == {"x": 1.0, "y": 2.0, "yaw": 0.5}


def test_other_readers_of_mcap_find_an_index(tmp_path: Path) -> None:
    from mcap.reader import make_reader

    record(tmp_path / "drive.mcap", 40).close()
    with (tmp_path / "drive.mcap").open("rb") as stream:
        reader = make_reader(stream)
        summary = reader.get_summary()
        assert summary is not None and summary.statistics is not None
        assert summary.statistics.message_count == 80
        schema, channel, message = next(iter(reader.iter_messages(topics=["/camera"])))
    assert schema is not None
    assert (schema.name, schema.encoding, channel.message_encoding) == (
        "sensor_msgs/msg/CompressedImage",
        "ros2msg",
        "cdr",
    )
    assert message.data[:4] == b"\0\1\0\0"


def test_a_frame_is_laid_out_as_cdr_has_it() -> None:
    data = to_cdr(1_500_000_007, b"JPEG")
    body = data[4:]  # CDR aligns to the beginning of the body
    assert struct.unpack_from("<iI", body, 0) == (1, 500_000_007)
    assert struct.unpack_from("<I7s", body, 8) == (7, b"camera\0")
    assert struct.unpack_from("<I5s", body, 20) == (5, b"jpeg\0")
    assert struct.unpack_from("<I", body, 32) == (4,)
    assert body[36:] == b"JPEG" == from_cdr(data)


def test_it_stays_within_its_limit_and_keeps_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "drive.mcap"
    record(path, 400, limit=4_000_000).close()  # 12 MB
    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert len(sizes) == 2 and sum(sizes) < 4_000_000 + 2 * 600_000
    for file in (previous(path), path):
        assert read_about(file) == {"contract": "{}"}
    numbers = [
        m.value["number"]
        for file in (previous(path), path)
        for m in read_messages(file)
        if m.topic == "decision"
    ]
    assert numbers == list(range(numbers[0], 400)) and len(numbers) > 60


def test_a_recording_that_is_there_becomes_the_previous_one(tmp_path: Path) -> None:
    path = tmp_path / "drive.mcap"
    record(path, 3).close()
    record(path, 1).close()
    assert len(list(read_messages(previous(path)))) == 6
    assert len(list(read_messages(path))) == 2


WRITER = """
import sys, time
from pathlib import Path
from hairpin.edge.drivers.camera import Image
from hairpin.edge.recording import Recorder
recorder = Recorder(Path(sys.argv[1]), {})
for i in range(100_000):
    recorder.frame(Image(b"\\xff\\xd8" + b"x" * 30_000, time.monotonic()))
    recorder.decision(time.monotonic(), {"number": i})
    print(i, flush=True)
    time.sleep(1 / 60)
"""


@pytest.mark.alone
def test_a_kill_costs_no_more_than_the_last_second(tmp_path: Path) -> None:
    path = tmp_path / "drive.mcap"
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if int(line) >= 120:
                break
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    numbers = [m.value["number"] for m in read_messages(path) if m.topic == "decision"]
    assert numbers == list(range(len(numbers)))
    assert 60 <= len(numbers) <= 200


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "drive.mcap"
    record(path, 60).close()
    return path


@settings(deadline=None, max_examples=40)
@given(share=st.floats(0.0, 1.0), flip=st.booleans())
def test_what_is_cut_off_or_damaged_is_missing_and_nothing_else(
    whole: Path, share: float, flip: bool
) -> None:
    content = bytearray(whole.read_bytes())
    at = min(int(share * len(content)), len(content) - 1)
    if flip:
        content[at] ^= 0x55
    else:
        del content[at:]
    spoiled = whole.with_name("spoiled.mcap")
    spoiled.write_bytes(content)
    good = {(m.topic, m.stamp): m.value for m in read_messages(whole)}
    try:
        found = list(read_messages(spoiled))
    except CarError as error:
        assert at < 8 and "no MCAP file" in str(error)
        return
    assert all(good.get((m.topic, m.stamp)) == m.value for m in found)
    if not flip:
        assert len(found) >= 2 * (at // len(JPEG) - 20)


def test_what_is_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "drive.mcap"
    path.write_bytes(b"not at all")
    for read in (read_about, lambda p: list(read_messages(p))):
        with pytest.raises(CarError, match="no MCAP file"):
            read(path)
    path.write_bytes(b"\x89MCAP0\r\n")
    with pytest.raises(CarError, match=r"no recording of hairpin-car"):
        read_about(path)
    with pytest.raises(CarError, match="cannot read"):
        read_about(tmp_path / "none.mcap")


@pytest.mark.parametrize(
    ("name", "limit", "message"),
    [
        ("drive.bag", 10_000_000, "ends in .mcap"),
        ("folder.mcap", 10_000_000, "ends in .mcap"),
        ("none/drive.mcap", 10_000_000, "there is no folder"),
        ("drive.mcap", 1_000_000, "limit is 1 MB: give at least 2"),
    ],
)
def test_where_it_cannot_record(tmp_path: Path, name: str, limit: int, message: str) -> None:
    (tmp_path / "folder.mcap").mkdir()
    with pytest.raises(CarError, match=message):
        Recorder(tmp_path / name, {}, limit)


def test_a_disk_that_fails_is_said_and_the_driver_never_waits(tmp_path: Path) -> None:
    path = tmp_path / "drive.mcap"
    recorder = record(path, 1)
    wait_until(path.exists)
    recorder._path = tmp_path / "gone" / "drive.mcap"
    recorder._half = 0  # the next message makes it begin another file
    wait_until(lambda: not recorder.frame(Image(JPEG, time.monotonic())) and bool(recorder.failed))
    assert "No such file or directory" in recorder.failed
    began = time.monotonic()
    for _ in range(10_000):
        recorder.frame(Image(JPEG, began))
    assert time.monotonic() - began < 1.0
    recorder.close()


def test_a_drive_that_cannot_begin_leaves_the_last_recording_alone(
    write: WriteBundle, film: Path, tmp_path: Path
) -> None:
    old = tmp_path / "drive.mcap"
    old.write_bytes(b"the drive before")
    code = "from hairpin.edge.cli import main; main()"
    command = [sys.executable, "-c", code, "drive", write(), "--camera", film, "--record", old]
    command += ["--socket", tmp_path / "no guard", "--root", tmp_path]
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert (run.returncode, "no guard at" in run.stderr) == (2, True)
    time.sleep(0.1)
    assert old.read_bytes() == b"the drive before"
    assert not previous(old).exists()
