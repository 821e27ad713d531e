"""The hand of a test or the demo on a virtual modem: start it, talk to its control socket.

Why it exists: so that nobody writes JSON or waits for a port by hand. It refuses to wait for ever:
every method has a time-out and raises ModemError. Part of the outside world (see
:mod:`tipline_gw.demo.virtual_modem`): ``sender`` and the destinations in :meth:`ModemControl.sent`
are numbers.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tipline_gw.errors import ModemError

START_SECONDS = 20.0
STOP_SECONDS = 5.0


class ModemControl:
    """One connection to the control socket at ``path``. Not for several threads at once.

    Every method raises ModemError where the modem refuses, is gone, or the time is over.
    """

    def __init__(self, path: Path, *, timeout: float = 10.0) -> None:
        self._timeout = timeout
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise ModemError("no virtual modem answers there", "start it first") from None
        self._reader = self._socket.makefile("rb")

    def close(self) -> None:
        self._reader.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def ask(self, do: str, *, within: float | None = None, **fields: Any) -> dict[str, Any]:
        """One request, one answer. ``within``: seconds to wait beyond the usual time-out."""
        self._socket.settimeout(self._timeout + (within or 0.0))
        try:
            self._socket.sendall(json.dumps({"do": do, **fields}).encode() + b"\n")
            line = self._reader.readline()
            answer: dict[str, Any] = json.loads(line) if line else {"error": "it is gone"}
        except (OSError, ValueError):
            raise ModemError("the virtual modem did not answer", "is it still running?") from None
        if not answer.pop("ok", False):
            raise ModemError("the virtual modem refused", str(answer.get("error", "")))
        return answer

    def receive(self, sender: str, text: str, **options: Any) -> int:
        """A message for the gateway; returns of how many parts. Options: ``encoding``
        (gsm7, gsm7-es, ucs2, 8bit), ``sms_class``, ``ref``, ``ref_bits``, ``shuffle``, ``omit``,
        ``twice``, ``count`` (``{n}`` in the text is then the running number)."""
        if "sms_class" in options:
            options["class"] = options.pop("sms_class")
        return int(
            self.ask("receive", within=30, text=text, **{"from": sender}, **options)["parts"]
        )

    def receive_pdu(self, pdu: str) -> None:
        """A PDU in hex, service centre first, however broken."""
        self.ask("receive_pdu", pdu=pdu)

    def sent(self) -> list[dict[str, Any]]:
        """What the gateway sent: ``to``, ``text``, ``encoding``, ``class``, ``parts``,
        ``total``, ``complete``."""
        return list(self.ask("sent")["messages"])

    def forget_sent(self) -> None:
        self.ask("forget_sent")

    def wait_sent(self, count: int = 1, timeout: float = 10.0) -> list[dict[str, Any]]:
        """Block until ``count`` whole messages were sent; returns as :meth:`sent`."""
        answer = self.ask("wait_sent", within=timeout, count=count, timeout=timeout)
        return list(answer["messages"])

    def wait_empty(self, timeout: float = 10.0) -> dict[str, Any]:
        """Block until nothing waits in the network and nothing lies in the modem."""
        return self.ask("wait_empty", within=timeout, timeout=timeout)

    def state(self) -> dict[str, Any]:
        return self.ask("state")

    def stored(self) -> dict[str, list[dict[str, Any]]]:
        """Every PDU that lies in the modem, by storage: ``index``, ``status``, ``pdu``."""
        return dict(self.ask("stored")["storages"])

    def kept(self) -> dict[str, Any]:
        """As :meth:`stored`, and ``calls``: who called and was not answered."""
        return self.ask("kept")

    def transcript(self) -> list[str]:
        """The last thousand command lines."""
        return list(self.ask("transcript")["lines"])

    def set(self, **modes: Any) -> dict[str, Any]:
        """Change modes (see virtual_modes.Modes; also ``slow=True``); returns all of them."""
        return dict(self.ask("set", **modes)["modes"])

    def vanish(self) -> None:
        """Unplug."""
        self.ask("vanish")

    def come_back(self) -> None:
        """Plug in again: the same link, most likely another terminal behind it."""
        self.ask("return")

    def ring(self, sender: str = "", times: int = 3, interval: float = 3.0) -> None:
        """A voice call from ``sender``, or one that withholds its number."""
        call: dict[str, Any] = {"from": sender, "times": times, "interval": interval}
        self.ask("ring", **call)

    def end_call(self) -> None:
        self.ask("end_call")

    def stop(self) -> None:
        self.ask("stop")


class VirtualModem:
    """A virtual modem in a process of its own, ready when the ``with`` is entered.

    It ends with us, even where we are killed: its standard input is a pipe that we hold.

    ``options`` are those of the command line, e.g. ``"--pin", "1234"``.
    """

    def __init__(self, link: Path, control: Path, *options: str) -> None:
        self.link = link
        self._control_path = control
        self._command = [
            *(sys.executable, "-m", "tipline_gw.demo.virtual_modem"),
            *("--link", str(link), "--control", str(control), "--until-eof"),
            *options,
        ]
        self.process: subprocess.Popen[bytes]
        self.control: ModemControl

    def start(self) -> Self:
        self.process = subprocess.Popen(self._command, stdin=subprocess.PIPE)
        try:
            self.control = self._connected(time.monotonic() + START_SECONDS)
        except ModemError:
            self._end()
            raise
        return self

    def _connected(self, deadline: float) -> ModemControl:
        while True:
            try:
                return ModemControl(self._control_path)
            except ModemError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise ModemError(
                        "the virtual modem did not start", "see what it wrote to its stderr"
                    ) from None
            time.sleep(0.02)

    def stop(self) -> None:
        self.control.close()
        self._end()

    def _end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()
