"""The socket between the core and the modem side: frames of JSON, checked as they come in.

A frame is four octets of length (big-endian), the name of the message's type, a space, and its
JSON. It refuses types the receiving side does not take, shapes that are not theirs, and frames
longer than a message can be: a side that sends such a thing is not listened to any more.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any, get_args

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from tipline_gw.domain.bank import Place, Settled, ToCore, ToModems
from tipline_gw.domain.sms import Part, Undecodable
from tipline_gw.errors import LinkError

MAX_FRAME = 4 << 20
"""Longer than 255 parts, and than the places of a bank of full modems."""
SEND_SECONDS = 10

_LENGTH = 4
_RECEIVED = 65536

for _kind in (Part, Undecodable, Place, Settled):  # those that hold octets
    with_config(ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))(_kind)

_KINDS: dict[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind) for kind in (*get_args(ToCore), *get_args(ToModems))
}
FROM_MODEMS = frozenset(kind.__name__ for kind in get_args(ToCore))
FROM_CORE = frozenset(kind.__name__ for kind in get_args(ToModems))


def packed(message: ToCore | ToModems) -> bytes:
    """One frame."""
    name = type(message).__name__
    body = name.encode() + b" " + _KINDS[name].dump_json(message)
    return len(body).to_bytes(_LENGTH, "big") + body


def unpacked(body: bytes, taken: frozenset[str]) -> Any:
    """The message in a frame without its length. Raises LinkError."""
    name, _, payload = body.partition(b" ")
    kind = name.decode("ascii", "replace")
    if kind not in taken:
        raise LinkError("the other process sent a message of no known type")
    try:
        return _KINDS[kind].validate_json(payload)
    except ValidationError:
        raise LinkError("the other process sent a message of the wrong shape") from None


class Link:
    """One end. Any thread sends; one reads, in :meth:`messages`."""

    def __init__(self, sock: socket.socket, taken: frozenset[str]) -> None:
        self._socket = sock
        self._taken = taken
        self._sending = threading.Lock()
        # Sending alone has a time limit: whoever reads waits for as long as there is nothing.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", SEND_SECONDS, 0))

    def send(self, message: ToCore | ToModems) -> None:
        """Raises LinkError when the other side is gone, or takes nothing."""
        frame = packed(message)
        try:
            with self._sending:
                self._socket.sendall(frame)
        except OSError:
            self.close()  # half a frame may be out: nothing sensible can follow it
            raise LinkError("the other process is gone") from None

    def serve(self, heed: Callable[[Any], None]) -> None:
        """Hand every message to ``heed`` until the other side is gone. Raises LinkError for what
        it should not have sent."""
        buffer = bytearray()
        while data := self._received():
            buffer += data
            while (body := _frame(buffer)) is not None:
                heed(unpacked(body, self._taken))

    def _received(self) -> bytes:
        try:
            return self._socket.recv(_RECEIVED)
        except OSError:
            return b""

    def close(self) -> None:
        """Both sides see the end; :meth:`serve` returns."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Give the socket back, when nobody reads it any more."""
        self.close()
        self._socket.close()


def _frame(buffer: bytearray) -> bytes | None:
    """The first whole frame, taken out of ``buffer``."""
    if len(buffer) < _LENGTH:
        return None
    end = _LENGTH + int.from_bytes(buffer[:_LENGTH], "big")
    if end > MAX_FRAME:
        raise LinkError("the other process sent too long a message")
    if len(buffer) < end:
        return None
    body = bytes(buffer[_LENGTH:end])
    del buffer[:end]
    return body
