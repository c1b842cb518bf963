"""A drive's loop in a thread, for programs whose own thread answers people."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .live import LiveDrive

_PATIENCE: Final = 2.0  # with a policy that hangs, which moves nothing any more [s]


@contextlib.contextmanager
def in_thread(drive: LiveDrive, ended: Callable[[], object]) -> Iterator[None]:
    """Run the loop beside the body of a `with`; after that the car stands, and the loop has ended.

    Args:
        drive: The drive.
        ended: Called by its thread when the loop ends, for whatever reason.

    Raises:
        Exception: What ended the loop, once the body has ended.
    """
    failed: list[BaseException] = []

    def loop() -> None:
        try:
            drive.run()
        except BaseException as error:  # raised again below, where somebody can tell it
            failed.append(error)
        finally:
            ended()

    thread = threading.Thread(target=loop, name="drive", daemon=True)
    thread.start()
    try:
        yield
    finally:
        drive.stop()
        thread.join(_PATIENCE)
    if failed:
        raise failed[0]
