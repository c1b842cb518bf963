"""Who is told how a drive goes: recordings and bridges to other software. They must never hold it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .beside import Glance
from .drivers.camera import Image


class Watcher(Protocol):
    """Told of all that happens; each call returns at once, whatever becomes of what it is told."""

    @property
    def failed(self) -> str:
        """Why it does nothing any more, or empty."""
        ...

    def frame(self, image: Image) -> None:
        """A frame is about to be decided on."""
        ...

    def beside(self, stamp: float, glance: Glance) -> None:
        """What the other sensors saw at the frame of this stamp [s]."""
        ...

    def decision(self, stamp: float, values: Mapping[str, Any]) -> None:
        """What became of the frame of this stamp [s]."""
        ...

    def health(self, values: Mapping[str, Any]) -> None:
        """How the drive is going."""
        ...

    def close(self) -> None:
        """The drive is over."""
        ...


class Watchers:
    """Several watchers as one; any thread may let one join or leave."""

    def __init__(self, watchers: Sequence[Watcher] = ()) -> None:
        self._watchers = tuple(watchers)

    def join(self, watcher: Watcher) -> None:
        """Tell this one, too, from now on."""
        self._watchers = (*self._watchers, watcher)

    def leave(self, watcher: Watcher) -> None:
        """Tell this one nothing any more."""
        self._watchers = tuple(other for other in self._watchers if other is not watcher)

    @property
    def failed(self) -> str:
        """What failed, of all of them."""
        return "; ".join(watcher.failed for watcher in self._watchers if watcher.failed)

    def frame(self, image: Image) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.frame(image)

    def beside(self, stamp: float, glance: Glance) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.beside(stamp, glance)

    def decision(self, stamp: float, values: Mapping[str, Any]) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.decision(stamp, values)

    def health(self, values: Mapping[str, Any]) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.health(values)

    def close(self) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.close()
