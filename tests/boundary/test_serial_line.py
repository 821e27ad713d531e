"""The port on a real pseudo-terminal: what pyserial promises, and what it must not keep."""

import threading
import time
from collections.abc import Iterator

import pytest
import serial

from tests.boundary import pdus
from tests.boundary.scripted_modem import ScriptedModem, until
from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault
from tipline_gw.domain.sms import Notice, Part, Ringing, Slot, Stored


@pytest.fixture
def modem() -> Iterator[ScriptedModem]:
    with ScriptedModem() as scripted:
        yield scripted


class Open:
    def __init__(self, modem: ScriptedModem, **options: object) -> None:
        self.notices: list[Notice] = []
        self.vault = Vault(60)
        options = {"on_notice": self.notices.append, "read_seconds": 0.2} | options
        self.port = BoundaryPort(modem.device, self.vault, **options)  # type: ignore[arg-type]

    def lines(self, end: str = "OK") -> list[str]:
        """What the library would read, up to a line ``end``."""
        raw = b""
        deadline = time.monotonic() + 20
        while not raw.endswith(end.encode() + b"\r\n"):
            assert time.monotonic() < deadline
            raw += self.port.read(1)
        return raw.decode("ascii").split("\r\n")[:-1]


def test_a_command_and_its_answer(modem: ScriptedModem) -> None:
    modem.script[b"AT+CSQ"] = b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n"
    line = Open(modem)
    assert line.port.write(b"AT+CSQ\r") == 7
    assert line.lines() == ["+CSQ: 20,99", "OK"]
    assert modem.wire == b"AT+CSQ\r"
    line.port.close()


def test_silence_reads_as_nothing_after_its_time(modem: ScriptedModem) -> None:
    line = Open(modem, read_seconds=0.05)
    assert line.port.read(1) == b""
    assert line.port.inWaiting() == 0
    line.port.close()


def test_what_is_ready_is_counted_and_read_in_portions(modem: ScriptedModem) -> None:
    line = Open(modem)
    line.port.write(b"AT\r")
    first = line.port.read(1)
    while not first:
        first = line.port.read(1)
    assert first == b"O"
    assert line.port.inWaiting() == 3
    assert line.port.read(100) == b"K\r\n"
    line.port.close()


def test_lines_are_whole_and_the_prompt_is_one_of_its_own(modem: ScriptedModem) -> None:
    modem.script[b"AT+CSQ"] = b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n"
    modem.script[b"AT+CUSD"] = b'\r\n+CUSD: 0,"> uno\r\n> dos\r\n",15\r\n\r\nOK\r\n'
    line = Open(modem)

    def items(command: bytes, last: str) -> list[str]:
        line.port.write(command)
        found: list[str] = []
        until(lambda: found.extend(line.port.lines()) or found[-1:] == [last])
        return found

    assert items(b"AT+CSQ\r", "OK") == ["+CSQ: 20,99", "OK"]
    assert items(b"AT+CMGS=17\r", "> ") == ["> "]
    assert items(b"nothing\x1a", "+CMS ERROR: 304") == ["+CMS ERROR: 304"]
    assert items(b"AT+CUSD=1\r", "OK") == ['+CUSD: 0,"> uno\r\ndos\r\n",15', "OK"]
    assert line.port.lines() == []
    line.port.close()


def test_lines_begin_with_what_a_portion_left(modem: ScriptedModem) -> None:
    line = Open(modem)
    line.port.write(b"AT\r")
    until(lambda: line.port.read(1) == b"O")
    assert line.port.lines() == ["K"]
    line.port.write(b"AT\r")
    until(lambda: line.port.lines() == ["OK"])
    line.port.close()


def test_an_answer_given_here_wakes_the_reader(modem: ScriptedModem) -> None:
    line = Open(modem, read_seconds=30.0)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.extend(line.lines("ERROR")))
    reader.start()
    line.port.write(b"AT+CLCC\r")
    reader.join(10)
    assert got == ["ERROR"]
    assert modem.wire == b""
    line.port.close()


def test_notices_are_handed_over_and_a_failing_listener_harms_nobody(modem: ScriptedModem) -> None:
    line = Open(modem)
    modem.script[b"AT"] = b'+CMTI: "SM",1\r\n+CMTI: "SM",2\r\nRING\r\nOK\r\n'
    line.port.write(b"AT\r")
    assert line.lines() == ["OK"]
    assert line.notices == [Stored(Slot("SM", 1)), Stored(Slot("SM", 2)), Ringing()]
    line.port.close()

    def fails(_notice: Notice) -> None:
        raise ValueError("listener")

    again = Open(modem, on_notice=fails)
    again.port.write(b"AT\r")
    assert again.lines() == ["OK"]
    again.port.close()


def test_a_message_is_read_and_answered(modem: ScriptedModem) -> None:
    modem.script[b"AT+CMGR"] = pdus.read(pdus.deliver("Áéíóú", encoding="ucs2"), "Ana")
    line = Open(modem)
    line.port.write(b"AT+CMGR=1\r")
    header, pdu, _ = line.lines()
    part = line.port.part(pdu)
    assert isinstance(part, Part)
    assert (part.text, part.fingerprint) == ("Áéíóú", line.port.fingerprint(pdu))
    assert header == f"+CMGR: 0,,{pdus.tpdu_length(pdu)}"
    assert part.sender is not None
    reply = pdus.submit().replace(pdus.address(pdus.NUMBER), pdus.alphanumeric(part.sender))
    line.port.write(b"AT+CMGS=17\r")
    assert line.port.read(2) == b"> "
    line.port.write(reply.encode() + b"\x1a")
    assert line.lines() == ["+CMGS: 1", "OK"]
    assert modem.messages == [pdus.submit(first=0x01).encode()]
    assert b"AT+CMGS=%d\r" % pdus.tpdu_length(pdus.submit()) in modem.wire
    line.port.close()


def test_what_was_dropped_is_counted(modem: ScriptedModem) -> None:
    line = Open(modem)
    modem.script[b"AT"] = b'+CLIP: "+526561234567",145\r\n+CMT: ,3\r\nOK\r\n'
    line.port.write(b"AT\r")
    assert line.lines() == ["OK"]
    assert line.port.counts == {"address": 1, "direct": 1}
    line.port.close()


def test_raw_buffers_are_wiped_as_soon_as_they_are_read(modem: ScriptedModem) -> None:
    line = Open(modem)
    modem.script[b"AT+CMGR"] = pdus.read(pdus.deliver("Hola"))
    line.port.write(b"AT+CMGR=1\r")
    line.lines()
    assert line.port._raw == bytes(len(line.port._raw))
    assert line.port._reader._buffer._octets == bytes(len(line.port._reader._buffer._octets))
    line.port.close()


def test_a_modem_that_goes_is_a_serial_exception(modem: ScriptedModem) -> None:
    line = Open(modem)
    modem.unplug()
    with pytest.raises(serial.SerialException) as caught:
        line.port.read(1)
    pdus.assert_no_trace(str(caught.value))
    with pytest.raises(serial.SerialException):
        line.port.write(b"AT\r")
    line.port.close()


def test_a_device_that_is_not_there_is_a_serial_exception_and_its_pin_is_wiped() -> None:
    pin = bytearray(b"4711")
    with pytest.raises(serial.SerialException):
        BoundaryPort("/dev/no-such-modem", Vault(60), on_notice=print, pin=pin)
    assert pin == bytes(4)


def test_a_port_is_opened_by_one_alone(modem: ScriptedModem) -> None:
    line = Open(modem)
    with pytest.raises(serial.SerialException):
        Open(modem)
    line.port.close()


def test_closing_ends_a_reader_that_waits_and_may_be_repeated(modem: ScriptedModem) -> None:
    line = Open(modem, read_seconds=30.0)
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(serial.SerialException):
            while True:
                line.port.read(1)
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    until(line.port._receiving.locked)
    line.port.close()
    line.port.close()
    assert ended.wait(10)
    with pytest.raises(serial.SerialException):
        line.port.read(1)
    with pytest.raises(serial.SerialException):
        line.port.write(b"AT\r")


def test_a_device_that_takes_nothing_is_given_up(
    modem: ScriptedModem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tipline_gw.boundary.serial_line.WRITE_SECONDS", 0.3)
    monkeypatch.setattr(ScriptedModem, "_take", lambda *_: time.sleep(1) or b"")
    line = Open(modem)
    line.port.write(b"AT\r")
    with pytest.raises(serial.SerialException):
        for _ in range(100):
            line.port.write(b"AT+CSCS=" + b"x" * 4000 + b"\r")
    line.port.close()
