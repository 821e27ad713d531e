"""The engineer's way into a running gateway: a unix socket of the modem side.

One connection, one request, one answer, each a line of JSON; a recording is answered with a line
for each piece until the time is over or the client goes. Why it exists: a port in service can be
opened by nobody else, so whatever is done with it is done in that modem's own thread, and no tip
waits for it longer than for one command.

It refuses anybody but its own user and root (SO_PEERCRED beside the socket's mode), requests of
more than 64 KiB or that take longer than a few seconds to come, and a ninth client. Nothing that
a client does harms anyone but itself.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import structlog

from tipline_gw.boundary.recorder import Recorder
from tipline_gw.errors import ModemError, TiplineError
from tipline_gw.modems import console, jobs
from tipline_gw.modems.control_client import Control
from tipline_gw.modems.control_wire import (
    MAX_ANSWER,
    MAX_RECORD_SECONDS,
    MAX_REQUEST,
    QUEUE_SECONDS,
    REQUEST_SECONDS,
    Answer,
    packed,
    received,
)
from tipline_gw.modems.driver import Driver
from tipline_gw.modems.view import View

MAX_CLIENTS = 8
BACKLOG = 128
MAX_WAITING = 4096
"""Pieces of a recording that a slow client has not taken; what is beyond them is left out."""

_PEER = struct.Struct("3i")

_log = structlog.get_logger()
T = TypeVar("T")


class Bank(Protocol):
    """What the server needs of the bank. ``run`` raises ModemError, for an unknown name too."""

    def views(self) -> list[View]: ...
    def run(self, name: str, job: Callable[[Driver], T], timeout: float) -> T: ...
    def record(self, name: str, recorder: Recorder | None) -> None: ...


class ControlServer:
    """Listens at ``path`` from :meth:`start` to :meth:`close`, in threads of its own."""

    def __init__(self, path: Path, bank: Bank) -> None:
        self._path = path
        self._bank = bank
        self._listener: socket.socket | None = None
        self._clients: set[socket.socket] = set()
        self._recorded: set[str] = set()
        self._guard = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)

    def start(self) -> None:
        """Begin. Where the socket cannot be made it is logged: intake goes on without."""
        try:
            listener = _listener(self._path)
        except (OSError, TiplineError) as error:
            _log.warning("control-not-listening", error=type(error).__name__)
            return
        with self._guard:
            if not self._closed.is_set():
                self._listener = listener
                self._thread.start()
                return
        listener.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """End every conversation; the socket is gone from the directory."""
        with self._guard:
            self._closed.set()
            clients = list(self._clients)
        if self._listener is None:
            return
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self._thread.join(REQUEST_SECONDS)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        assert self._listener is not None
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                # Out of descriptors, most likely: whoever waits is served when some are free.
                self._closed.wait(0.2)
                continue
            self._admit(client)

    def _admit(self, client: socket.socket) -> None:
        client.settimeout(REQUEST_SECONDS)
        with self._guard:
            full = len(self._clients) >= MAX_CLIENTS
            if not full:
                self._clients.add(client)
        if full:
            _refuse(client, ModemError("too many talk to the gateway now", "try again in a while"))
            return
        try:
            threading.Thread(
                target=self._converse, args=(client,), name="control-client", daemon=True
            ).start()
        except RuntimeError:  # no more threads
            self._leave(client)

    def _leave(self, client: socket.socket) -> None:
        with self._guard:
            self._clients.discard(client)
        client.close()

    def _converse(self, client: socket.socket) -> None:
        try:
            _check_peer(client)
            self._answer(client, _request(client))
        except TiplineError as error:
            _say(client, _failure(error))
        except Exception as error:
            _log.error("control-failed", error=type(error).__name__)
            _say(client, _failure(ModemError("the gateway failed at it", "see its log")))
        finally:
            self._leave(client)

    # What may be asked.

    def _answer(self, client: socket.socket, request: Answer) -> None:
        do = request.get("do")
        if do == "record":
            self._record(client, _text(request, "name"), _seconds(request))
            return
        word = {
            "list": self._list,
            "ussd": self._ussd,
            "signal": self._signal,
            "command": self._command,
            "messages": self._messages,
            "reset": self._reset,
        }.get(do if isinstance(do, str) else "")
        if word is None:
            raise ModemError("the gateway does not know that request", "is it of this version?")
        _say(client, {"ok": True, **word(request)})

    def _list(self, _request: Answer) -> Answer:
        return {"modems": [view.to_dict() for view in self._bank.views()]}

    def _ussd(self, request: Answer) -> Answer:
        code = _text(request, "code")
        jobs.check_code(code)
        return self._run(request, lambda driver: jobs.ussd(driver, code), jobs.USSD_SECONDS)

    def _signal(self, request: Answer) -> Answer:
        return self._run(request, jobs.signal, console.COMMAND_SECONDS)

    def _command(self, request: Answer) -> Answer:
        line = _text(request, "line")
        if why := console.refusal(line):
            raise ModemError(why)
        seconds = console.seconds_for(line)
        return {"lines": self._run(request, lambda driver: jobs.command(driver, line), seconds)}

    def _messages(self, request: Answer) -> Answer:
        return {"messages": self._run(request, jobs.messages, console.SEARCH_SECONDS)}

    def _reset(self, request: Answer) -> Answer:
        how: jobs.Reset = "power" if request.get("how") == "power" else "soft"
        with contextlib.suppress(jobs.Restarting):
            self._run(request, lambda driver: jobs.reset(driver, how), QUEUE_SECONDS)
        return {}

    def _run(self, request: Answer, job: Callable[[Driver], T], seconds: float) -> T:
        return self._bank.run(_text(request, "name"), job, seconds + QUEUE_SECONDS)

    # Recording.

    def _record(self, client: socket.socket, name: str, seconds: float) -> None:
        """One at a time for each modem; ends with the time, the client or the gateway."""
        with self._guard:
            if name in self._recorded:
                raise ModemError(f"{name} is being recorded already", "end that recording first")
            self._recorded.add(name)
        pieces: queue.Queue[str] = queue.Queue(MAX_WAITING)
        try:
            self._bank.record(name, Recorder(lambda piece: _put(pieces, piece)))
            _send(client, {"ok": True})
            threading.Thread(target=self._introduce, args=(name,), daemon=True).start()
            self._stream(client, pieces, time.monotonic() + seconds)
            # Ended before the rest is told: of a modem that goes on talking there is always more.
            self._bank.record(name, None)
            if not self._closed.is_set():  # who records is to know that it was cut short
                self._tell_rest(client, pieces)
        except OSError:
            return  # the client is gone: that is how it ends a recording
        finally:
            with contextlib.suppress(ModemError):
                self._bank.record(name, None)
            with self._guard:
                self._recorded.discard(name)

    def _introduce(self, name: str) -> None:
        """A recording begins with what the modem says of itself, even one of an idle modem."""
        with contextlib.suppress(ModemError):
            self._bank.run(name, jobs.introduce, QUEUE_SECONDS)

    def _stream(self, client: socket.socket, pieces: queue.Queue[str], until: float) -> None:
        while (left := until - time.monotonic()) > 0 and not self._closed.is_set():
            try:
                _send(client, {"piece": pieces.get(timeout=min(left, 1.0))})
            except queue.Empty:
                _send(client, {"piece": ""})  # finds out whether the client still listens

    def _tell_rest(self, client: socket.socket, pieces: queue.Queue[str]) -> None:
        while not pieces.empty():
            _send(client, {"piece": pieces.get_nowait()})
        _send(client, {"end": True})


def _put(pieces: queue.Queue[str], piece: str) -> None:
    """From the modem's own thread, which waits for no client."""
    with contextlib.suppress(queue.Full):
        pieces.put_nowait(piece)


def _listener(path: Path) -> socket.socket:
    """A listening socket that only its user may connect to, from the first moment on."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    if Control.find(path) is not None:
        raise ModemError("another gateway listens there already")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(path))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _check_peer(client: socket.socket) -> None:
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _pid, uid, _gid = _PEER.unpack(credentials)
    if uid not in (0, os.geteuid()):
        raise ModemError("the gateway speaks with its own user and root alone", "use sudo")


def _request(client: socket.socket) -> Answer:
    try:
        return received(client, MAX_REQUEST, REQUEST_SECONDS, bytearray())
    except (OSError, ValueError):
        raise ModemError("the gateway got no request that it can read") from None


def _text(request: Answer, key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str):
        raise ModemError(f"the request lacks its {key}")
    return value


def _seconds(request: Answer) -> float:
    value = request.get("seconds", 0)
    if not isinstance(value, int | float) or not 0 < value <= MAX_RECORD_SECONDS:
        raise ModemError(f"a recording has between 1 and {MAX_RECORD_SECONDS:.0f} seconds")
    return float(value)


def _send(client: socket.socket, answer: Answer) -> None:
    encoded = packed(answer)
    if len(encoded) > MAX_ANSWER:
        raise ModemError("the answer is too long to be shown")
    client.settimeout(REQUEST_SECONDS)
    client.sendall(encoded)


def _say(client: socket.socket, answer: Answer) -> None:
    """A client that is gone, or does not listen, is no fault of ours."""
    with contextlib.suppress(OSError):
        _send(client, answer)


def _failure(error: TiplineError) -> Answer:
    return {"ok": False, "error": error.what, "todo": error.todo}


def _refuse(client: socket.socket, error: TiplineError) -> None:
    client.settimeout(0)
    with contextlib.suppress(OSError):
        client.sendall(packed(_failure(error)))
    client.close()
