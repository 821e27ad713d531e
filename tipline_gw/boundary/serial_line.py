"""The serial line of one modem, as the modem library sees it: a port without numbers.

Why it exists: the library logs every line it reads and writes, and keeps them in exceptions. This
stands in the place of its ``serial.Serial``: octets are read from the device into one bytearray,
scrubbed (:mod:`tipline_gw.boundary.at_reader`), and the buffer is wiped; what the library reads is
ASCII without an address. It refuses to hand on unsolicited lines: those are notices, given to
``on_notice`` in the reading thread.
"""

from __future__ import annotations

import os
import select
import termios
import threading
import time
from collections.abc import Callable, Mapping

import serial
import structlog

from tipline_gw.boundary.at_reader import AtReader
from tipline_gw.boundary.at_writer import AtWriter
from tipline_gw.boundary.octets import wipe
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.boundary.recorder import Recorder
from tipline_gw.boundary.vault import Vault
from tipline_gw.domain.sms import Notice, Part, Undecodable

READ_SECONDS = 1.0
"""The library looks once a second whether it is to stop."""

WRITE_SECONDS = 10.0
"""A modem that takes nothing for this long, its flow control on, is gone."""

_LOOK_SECONDS = 0.2
_CHUNK = 4096
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL

log = structlog.get_logger()


class BoundaryPort:
    """One modem's port: ``read``, ``write``, ``inWaiting`` and ``close``, as pyserial has them.

    One thread reads, any thread writes. A device that goes, or was never there, is a
    ``serial.SerialException``. ``pin`` is wiped once used. ``fingerprint_key`` makes the digests
    of several ports comparable; without it the port draws its own.
    """

    def __init__(
        self,
        device: str,
        vault: Vault,
        *,
        on_notice: Callable[[Notice], None],
        baudrate: int = 115200,
        rtscts: bool = False,
        pin: bytearray | None = None,
        fingerprint_key: bytes | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._rewriter = PduRewriter(vault, fingerprint_key)
        self._reader = AtReader(self._rewriter)
        self._writer = AtWriter(self._rewriter, self._reader, pin)
        self._on_notice = on_notice
        self._read_seconds = read_seconds
        self._raw = bytearray(_CHUNK)
        # Taken in this order: what is written first reaches the modem first.
        self._sending = threading.Lock()
        self._state = threading.Lock()
        self._receiving = threading.Lock()
        self._closed = False
        try:
            self._serial = serial.Serial(
                device, baudrate, timeout=0, exclusive=True, rtscts=rtscts, dsrdtr=False
            )
        except OSError:
            self._writer.close()
            raise
        except termios.error:
            self._writer.close()
            raise serial.SerialException("went while it was opened") from None
        self._fd = self._serial.fileno()
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # Used by the reading thread alone.
        self._read_poll = select.poll()
        self._read_poll.register(self._fd, select.POLLIN)
        self._read_poll.register(self._woken, select.POLLIN)

    # -- what the modem library uses ----------------------------------------------------------

    def read(self, size: int = 1) -> bytes:
        """At most ``size`` clean octets; after a second without any, nothing."""
        ready = self._take(size)
        if ready:
            return ready
        for notice in self._pump():
            self._notify(notice)
        return self._take(size)

    def lines(self) -> list[str]:
        """All clean items there are, after a second without any none: whole lines without their
        ends, whole USSD answers with those between their lines, and the prompt, ``"> "``."""
        if not self.inWaiting():
            for notice in self._pump():
                self._notify(notice)
        with self._state:
            return self._reader.items()

    def wake(self) -> None:
        """Whoever waits in :meth:`read` or :meth:`lines` returns, perhaps without anything."""
        with self._state:
            if not self._closed:
                self._wake()

    def write(self, data: bytes) -> int:
        """Send what the library wrote, made safe; its length, as pyserial answers."""
        with self._sending:
            with self._state:
                self._check_open()
                if self._reader.recorder:
                    self._reader.recorder.said(bytes(data))
                outgoing = self._writer.write(bytes(data))
                if self._reader.ready:
                    self._wake()
            self._send(outgoing)
        return len(data)

    def inWaiting(self) -> int:  # noqa: N802 - pyserial's name
        """Clean octets that :meth:`read` has at once."""
        with self._state:
            return self._reader.ready

    def close(self) -> None:
        """Give the device back and wipe what is held. May be called twice, by any thread."""
        with self._state:
            if self._closed:
                return
            self._closed = True
            self._wake()
        with self._receiving, self._sending, self._state:
            self._reader.close()
            self._writer.close()
            self._serial.close()
            os.close(self._woken)
            os.close(self._waker)

    # -- what the rest of the gateway uses ------------------------------------------------------

    def part(self, line: str) -> Part | Undecodable:
        """Decode a PDU line that this port gave, with its sender's token and its fingerprint."""
        return self._rewriter.part(line)

    def fingerprint(self, line: str) -> bytes:
        """The digest that tells the same delivery twice: of a PDU line that this port gave."""
        return self._rewriter.fingerprint(line)

    @property
    def recorder(self) -> Recorder | None:
        """Is told the dialogue as the library sees it, and writes it down without what it says.
        May be set at any time; None ends it."""
        return self._reader.recorder

    @recorder.setter
    def recorder(self, recorder: Recorder | None) -> None:
        with self._state:
            self._reader.recorder = recorder

    @property
    def counts(self) -> Mapping[str, int]:
        """What was dropped since the port opened. Lines: ``unsolicited``, ``address``,
        ``garbled``, ``overlong``, ``stray-pdu``. Delivered directly: ``direct``, messages without
        their PDU or in text mode; ``report``, status reports, each a notice without content;
        ``broadcast``, cell broadcasts."""
        with self._state:
            return dict(self._reader.counts)

    # -- the device -----------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._closed:
            raise serial.SerialException("the port is closed")

    def _take(self, size: int) -> bytes:
        with self._state:
            return self._reader.take(size)

    def _pump(self) -> list[Notice]:
        """Wait for octets and scrub them; the notices among them."""
        with self._receiving:
            self._check_open()
            if not self._readable():
                return []
            size = self._receive()
            notices = self._scrub(size)
        if self._reader.due:
            self._send_due()
        return notices

    def _scrub(self, size: int) -> list[Notice]:
        try:
            with memoryview(self._raw)[:size] as chunk, self._state:
                self._reader.feed(chunk)
                notices, self._reader.notices = self._reader.notices, []
        except Exception:
            # Any other exception would end the library's thread without a word, and a traceback
            # of this place has lines in it.
            raise serial.SerialException("a line could not be read") from None
        finally:
            self._raw[:size] = bytes(size)
        return notices

    def _receive(self) -> int:
        try:
            size = os.readv(self._fd, [self._raw])
        except BlockingIOError:
            return 0
        except OSError:
            raise serial.SerialException("the device is gone") from None
        if size == 0:
            raise serial.SerialException("the device is gone")
        return size

    def _send_due(self) -> None:
        with self._sending:
            with self._state:
                due, self._reader.due = self._reader.due, []
            for outgoing in due:
                self._send(outgoing)

    def _send(self, outgoing: bytearray) -> None:
        """Write all of it and wipe it, whatever happens."""
        deadline = time.monotonic() + WRITE_SECONDS
        sent = 0
        try:
            with memoryview(outgoing) as view:
                while sent < len(outgoing):
                    self._check_open()
                    some = self._write_some(view[sent:])
                    sent += some
                    if some or self._writable():
                        continue
                    if time.monotonic() > deadline:
                        raise serial.SerialException("the device takes nothing")
        finally:
            wipe(outgoing)

    def _write_some(self, rest: memoryview) -> int:
        try:
            return os.write(self._fd, rest)
        except BlockingIOError:
            return 0
        except OSError:
            raise serial.SerialException("the device is gone") from None

    def _readable(self) -> bool:
        """Whether the device has something to say; not if woken or out of time first."""
        ready = dict(self._read_poll.poll(max(0.0, self._read_seconds) * 1000))
        if self._woken in ready:
            os.read(self._woken, _CHUNK)
        return _happened(ready.get(self._fd, 0), select.POLLIN)

    def _writable(self) -> bool:
        """Whether the device takes something, after a while if not at once."""
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        ready = dict(poll.poll(_LOOK_SECONDS * 1000))
        return _happened(ready.get(self._fd, 0), select.POLLOUT)

    def _wake(self) -> None:
        try:
            os.write(self._waker, b"!")
        except BlockingIOError:
            # So many wakings lie unread already that one more says nothing.
            return

    def _notify(self, notice: Notice) -> None:
        try:
            self._on_notice(notice)
        except Exception as error:
            # A listener's fault must not end the reading thread, and with it the modem.
            log.warning("notice-failed", error=type(error).__name__)


def _happened(events: int, wanted: int) -> bool:
    if events & _GONE and not events & wanted:
        raise serial.SerialException("the device is gone")
    return bool(events & wanted)
