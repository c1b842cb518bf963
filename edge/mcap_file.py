"""MCAP files (https://mcap.dev): written piece by piece, readable up to the last whole chunk.

A chunk has its length and a checksum in front, so what a kill cut off is known. Why MCAP: it needs no daemon,
is only ever appended to, and what reads ROS bags reads it; rosbag2's SQLite files are none of the three.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from .errors import CarError

#: Topics of camera frames, as ROS 2's `sensor_msgs/msg/CompressedImage`; all others hold JSON.
IMAGE, RIGHT_IMAGE = "/camera", "/camera_right"

_CHUNK: Final = 1 << 19  # [bytes]
_LARGEST_RECORD: Final = 1 << 26  # that is read back [bytes]
_METADATA: Final = "hairpin"
_IMAGE_SCHEMA: Final = """std_msgs/Header header
string format
uint8[] data
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""
# CDR, little endian: the stamp, "camera" and "jpeg" with their lengths, ends and padding, the data's length.
_CDR: Final = struct.Struct("<4siII8sI8sI")
_CDR_HEAD: Final = b"\x00\x01\x00\x00"


class McapFile:
    """A file that is written; it is not compressed, because JPEG is already.

    Args:
        stream: Where to, without a buffer.
        about: Text by name, for the metadata.
        topics: Of JSON messages.
    """

    def __init__(self, stream: Any, about: Mapping[str, str], topics: Iterable[str]) -> None:
        mcap = load_mcap()
        self._writer = mcap.Writer(_Whole(stream), chunk_size=_CHUNK, compression=mcap.CompressionType.NONE)
        self._writer.start(library="hairpin")
        self._writer.add_metadata(_METADATA, dict(about))
        image = self._writer.register_schema(
            "sensor_msgs/msg/CompressedImage", "ros2msg", _IMAGE_SCHEMA.encode()
        )
        self._channels = {
            topic: self._writer.register_channel(topic, "cdr", image) for topic in (IMAGE, RIGHT_IMAGE)
        }
        for topic in topics:
            schema = self._writer.register_schema(f"hairpin{topic}", "jsonschema", b'{"type": "object"}')
            self._channels[topic] = self._writer.register_channel(topic, "json", schema)

    def add(self, topic: str, time_ns: int, message: bytes | Mapping[str, Any]) -> None:
        """Add a message, of this time since the epoch [ns]: a JPEG, or what becomes JSON."""
        data = to_cdr(time_ns, message) if isinstance(message, bytes) else json.dumps(dict(message)).encode()
        self._writer.add_message(self._channels[topic], time_ns, data, time_ns)

    def flush(self) -> None:
        """Write the chunk that was begun."""
        self._writer.flush()

    def finish(self) -> None:
        """Write the last chunk and the index."""
        self._writer.finish()


class _Whole:
    """A raw file whose writes are whole: a disk that is nearly full takes the first part of one."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.tell, self.flush = stream.tell, stream.flush

    def write(self, data: bytes) -> int:
        rest = memoryview(data)
        while rest:
            rest = rest[self._stream.write(rest) :]
        return len(data)


class Message(NamedTuple):
    """One message of a recording.

    Attributes:
        topic: Such as "camera".
        stamp: Time since the epoch [s].
        value: A camera's JPEG, or an object of JSON.
    """

    topic: str
    stamp: float
    value: Any


def previous(path: Path) -> Path:
    """The file with the half of the recording before that of `path`."""
    return path.with_suffix(".previous.mcap")


def read_about(path: Path) -> dict[str, str]:
    """What was recorded: text by name.

    Raises:
        CarError: It is no recording of a drive.
    """
    for record in _records(path):
        if type(record).__name__ == "Metadata" and record.name == _METADATA:
            return dict(record.metadata)
    raise CarError(f"{path} is no recording of hairpin-car: give what `hairpin-car drive --record` wrote")


def read_messages(path: Path) -> Iterator[Message]:
    """The messages of a recording, in the order in which they were written.

    What a kill or a full disk cut off is missing at the end, and nothing else.

    Raises:
        CarError: It is no recording.
    """
    channels: dict[int, str] = {}
    for record in _records(path):
        if type(record).__name__ != "Chunk":
            continue
        for inner in _contents(record):
            if type(inner).__name__ == "Channel":
                channels[inner.id] = inner.topic
            elif type(inner).__name__ == "Message" and inner.channel_id in channels:
                topic = channels[inner.channel_id]
                try:
                    value = from_cdr(inner.data) if topic in (IMAGE, RIGHT_IMAGE) else json.loads(inner.data)
                except (ValueError, struct.error):
                    raise CarError(f"{path} holds a message in {topic} that hairpin never writes") from None
                yield Message(topic.removeprefix("/"), inner.log_time / 1e9, value)


def to_cdr(time_ns: int, jpeg: bytes) -> bytes:
    """A JPEG as ROS 2's `sensor_msgs/msg/CompressedImage`."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    head = _CDR.pack(_CDR_HEAD, seconds, nanoseconds, 7, b"camera\0", 5, b"jpeg\0", len(jpeg))
    return head + jpeg


def from_cdr(data: bytes) -> bytes:
    """The JPEG in what `to_cdr` made.

    Raises:
        ValueError: It is something else.
    """
    head, _, _, _, frame, _, kind, size = _CDR.unpack(data[: _CDR.size])
    if (head, frame, kind) != (_CDR_HEAD, b"camera\0\0", b"jpeg\0\0\0\0") or size != len(data) - _CDR.size:
        raise ValueError("not a camera's JPEG")
    return data[_CDR.size :]


def _records(path: Path) -> Iterator[Any]:
    """The records of a file, up to where it is cut off."""
    mcap = load_mcap()
    begun = False
    try:
        with path.open("rb") as stream:
            reader = mcap.StreamReader(stream, emit_chunks=True, record_size_limit=_LARGEST_RECORD)
            for record in reader.records:
                begun = True
                yield record
    except mcap.InvalidMagic:
        if not begun:  # the end of a file has one, too
            raise CarError(f"{path} is no MCAP file, or empty: give a recording of hairpin-car") from None
    except (mcap.McapError, struct.error, UnicodeDecodeError):
        return  # cut off, or damaged: what came before counts
    except OSError as error:
        raise CarError(f"cannot read {path}: {error.strerror}") from None


def _contents(chunk: Any) -> list[Any]:
    """What is in a chunk; nothing if it is not whole."""
    mcap = load_mcap()
    if chunk.compression or len(chunk.data) != chunk.uncompressed_size:
        return []
    try:
        return list(mcap.breakup_chunk(chunk, validate_crc=True))
    except (mcap.McapError, struct.error, ValueError):
        return []


class Mcap(NamedTuple):
    """What is used of mcap."""

    Writer: Any
    CompressionType: Any
    StreamReader: Any
    breakup_chunk: Any
    McapError: type[Exception]
    InvalidMagic: type[Exception]


def load_mcap() -> Mcap:
    """The library.

    Raises:
        CarError: It is not installed.
    """
    try:
        from mcap.exceptions import InvalidMagic, McapError
        from mcap.stream_reader import StreamReader, breakup_chunk
        from mcap.writer import CompressionType, Writer
    except ImportError:
        raise CarError("recordings need mcap: pip install 'hairpin[car]'") from None
    return Mcap(Writer, CompressionType, StreamReader, breakup_chunk, McapError, InvalidMagic)
