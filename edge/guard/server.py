"""The guard's loop: one thread, one wait, no call that can block for long."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..drivers.pulses import Light
from ..errors import CarError
from ..reasons import Reason
from .state import Guard
from .wire import REQUEST_SIZE, Kind, Reply, unpack_request

_MOST_CLIENTS: Final = 8
_WATCHDOG_PERIOD: Final = 0.1  # between signs of life to systemd [s]


@contextlib.contextmanager
def listen(path: Path) -> Iterator[socket.socket]:
    """The guard's socket; owner and group may connect.

    Raises:
        CarError: Another guard runs, or the socket cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CarError(f"cannot make the guard's socket {path}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets go of it, however a guard dies
    except OSError:
        os.close(lock)
        raise CarError(f"another guard runs at {path}: stop it first, there can be only one") from None
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o660)
        listener.listen(_MOST_CLIENTS)
    except OSError as error:
        listener.close()
        os.close(lock)
        raise CarError(f"cannot make the guard's socket {path}: {error.strerror or error}") from None
    try:
        yield listener
    finally:
        listener.close()
        path.unlink(missing_ok=True)
        os.close(lock)


def serve(guard: Guard, listener: socket.socket) -> None:
    """Answer clients until SIGTERM or SIGINT; the car is in neutral and off whichever way this ends."""
    wake, woken = socket.socketpair()
    for end in (wake, woken):
        end.setblocking(False)
    signal.set_wakeup_fd(woken.fileno())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    try:
        answer(guard, listener, wake)
    finally:
        guard.disarm(Reason.SHUTDOWN)
        guard.check()
        signal.set_wakeup_fd(-1)
        wake.close()
        woken.close()


def answer(guard: Guard, listener: socket.socket, wake: socket.socket) -> None:
    """Answer clients until there is something to read from `wake`."""
    clients: dict[int, socket.socket] = {}
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(wake, select.POLLIN)
    life = _SignsOfLife()
    shown: Light | None = None
    while True:
        ready = poll.poll(1000.0 * guard.wait())
        # Before reading: a command that comes too late finds the car stopped.
        guard.check()
        for descriptor, _ in ready:
            if descriptor == wake.fileno():
                return
            if descriptor == listener.fileno():
                _accept(listener, clients, poll)
            elif not _answer(guard, clients[descriptor]):
                poll.unregister(descriptor)
                client = clients.pop(descriptor)
                guard.leave(client)
                client.close()
        if guard.light is not shown:
            shown = guard.light
            guard.show()
        life.sign()


def _accept(listener: socket.socket, clients: dict[int, socket.socket], poll: select.poll) -> None:
    try:
        client, _ = listener.accept()
    except OSError:
        return
    if len(clients) >= _MOST_CLIENTS:
        client.close()
        return
    client.setblocking(False)
    clients[client.fileno()] = client
    poll.register(client, select.POLLIN)


def _answer(guard: Guard, client: socket.socket) -> bool:
    """Answer one request; whether the client is still there and makes sense."""
    try:
        packet = client.recv(REQUEST_SIZE + 1)
    except BlockingIOError:
        return True
    except OSError:
        return False
    request = unpack_request(packet)
    if request is None:  # the end of the stream, or nonsense: no client of ours
        if packet and client is guard.owner:
            guard.disarm(Reason.BAD_COMMAND)
        return False
    if request.kind is Kind.ARM:
        guard.arm(client)
    elif request.kind is Kind.COMMAND:
        guard.command(client, request.steering, request.throttle, request.until)
    elif request.kind is Kind.DISARM:
        guard.disarm(request.reason)
    elif request.kind is Kind.CALIBRATE and request.calibration is not None:
        guard.calibrate(client, request.calibration)
    yours = guard.owner is client
    reason = Reason.TAKEN if guard.armed and not yours else guard.reason
    reply = Reply(
        guard.armed,
        yours,
        reason,
        guard.steering,
        guard.throttle,
        guard.since,
        time.monotonic(),
        guard.writes,
    )
    with contextlib.suppress(BlockingIOError):  # who does not read must not hold up the car
        try:
            client.send(reply.pack())
        except BlockingIOError:
            raise
        except OSError:
            return False
    return True


class _SignsOfLife:
    """Tells systemd that the loop runs, where systemd asks for it; see sd_notify(3)."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._socket: socket.socket | None = None
        self._next = 0.0
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            self._address = "\0" + address[1:] if address.startswith("@") else address
            self._send(b"READY=1")

    def sign(self) -> None:
        now = time.monotonic()
        if self._socket is not None and now >= self._next:
            self._next = now + _WATCHDOG_PERIOD
            self._send(b"WATCHDOG=1")

    def _send(self, message: bytes) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(message, self._address)
