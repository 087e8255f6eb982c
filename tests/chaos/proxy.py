"""A TCP proxy between the job and a server: it can reset connections, fall silent, and lose answers.

One thread moves the bytes; the faults are called from another. It knows nothing of what the bytes mean.
"""

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

_BLOCK_BYTES: Final = 1 << 16
#: With this a close sends RST instead of FIN.
_RESETTING: Final = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class _Leg:
    """One direction of a connection; `waiting` are bytes read that the other side has not taken."""

    reads: socket.socket
    writes: socket.socket
    is_answer: bool
    waiting: bytearray = field(default_factory=bytearray)
    has_ended: bool = False


class Proxy:
    """Listens on 127.0.0.1; `target_port` is where new connections lead."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])
        self._legs: list[tuple[_Leg, _Leg]] = []
        self._is_silent = False
        self._loses_answers = False
        self._calls: list[tuple[Callable[[], None], threading.Event]] = []
        self._waker, self._waked = socket.socketpair()
        self._waked.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._call(self._end)
        self._thread.join()
        for each in (self._listener, self._waker, self._waked):
            each.close()
        self._selector.close()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._legs)

    def reset(self) -> None:
        """End every connection by RST on both sides."""
        self._call(self._reset_all)

    def silence(self) -> None:
        """Take bytes and connections, and pass nothing on."""
        self._call(lambda: self._set(silent=True))

    def lose_answers(self) -> None:
        """Go on passing on what clients say, and nothing that the server answers."""
        self._call(lambda: self._set(loses=True))

    def heal(self) -> None:
        """Pass on everything again. What was held back while silent arrives now; lost answers stay lost."""
        self._call(self._set)

    def _set(self, *, silent: bool = False, loses: bool = False) -> None:
        self._is_silent, self._loses_answers = silent, loses
        for pair in self._legs:
            for leg in pair:
                self._watch(leg)

    def _call(self, work: Callable[[], None]) -> None:
        """Have the proxy's thread do something, and wait until it did."""
        done = threading.Event()
        self._calls.append((work, done))
        self._waker.send(b"x")
        done.wait(10)

    def _end(self) -> None:
        self._reset_all()
        self._is_closing = True

    def _run(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._waked, selectors.EVENT_READ, self._wake)
        while not self._is_closing:
            for key, events in self._selector.select():
                if key.fileobj.fileno() >= 0:  # type: ignore[union-attr]
                    key.data(events)

    def _wake(self, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self._waked.recv(_BLOCK_BYTES)
        while self._calls:
            work, done = self._calls.pop(0)
            work()
            done.set()

    def _accept(self, _events: int) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port), timeout=2)
            except OSError:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETTING)
                client.close()
                return
            for each in (client, server):
                each.setblocking(False)
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (_Leg(client, server, is_answer=False), _Leg(server, client, is_answer=True))
            self._legs.append(pair)
            for leg in pair:
                self._watch(leg)

    def _pair_of(self, leg: _Leg) -> tuple[_Leg, _Leg]:
        return next(pair for pair in self._legs if leg in pair)

    def _watch(self, leg: _Leg) -> None:
        """Say to the selector what the socket that `leg` reads from waits for, by this leg and its twin."""
        pair = self._pair_of(leg)
        for each, twin in (pair, pair[::-1]):
            wanted = 0
            if not self._is_silent:
                wanted |= 0 if each.waiting or each.has_ended else selectors.EVENT_READ
                wanted |= selectors.EVENT_WRITE if twin.waiting else 0
            self._register(each, wanted)

    def _register(self, leg: _Leg, wanted: int) -> None:
        known = leg.reads in self._selector.get_map()
        if not wanted:
            if known:
                self._selector.unregister(leg.reads)
            return

        def act(events: int) -> None:
            self._move(leg, events)

        if known:
            self._selector.modify(leg.reads, wanted, act)
        else:
            self._selector.register(leg.reads, wanted, act)

    def _move(self, leg: _Leg, events: int) -> None:
        pair = self._pair_of(leg)
        twin = pair[1] if leg is pair[0] else pair[0]
        try:
            if events & selectors.EVENT_READ:
                self._read(leg)
            if events & selectors.EVENT_WRITE:
                self._write(twin)
        except OSError:
            self._drop(pair)
            return
        if leg.has_ended and not leg.waiting:
            self._drop(pair, politely=True)
            return
        self._watch(leg)

    def _read(self, leg: _Leg) -> None:
        block = leg.reads.recv(_BLOCK_BYTES)
        if not block:
            leg.has_ended = True
        elif not (leg.is_answer and self._loses_answers):
            leg.waiting += block
            self._write(leg)

    @staticmethod
    def _write(leg: _Leg) -> None:
        while leg.waiting:
            try:
                sent = leg.writes.send(leg.waiting)
            except BlockingIOError:
                return
            del leg.waiting[:sent]

    def _drop(self, pair: tuple[_Leg, _Leg], *, politely: bool = False) -> None:
        self._legs.remove(pair)
        for leg in pair:
            if leg.reads in self._selector.get_map():
                self._selector.unregister(leg.reads)
            if not politely:
                with contextlib.suppress(OSError):
                    leg.reads.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETTING)
            leg.reads.close()

    def _reset_all(self) -> None:
        for pair in list(self._legs):
            self._drop(pair)
