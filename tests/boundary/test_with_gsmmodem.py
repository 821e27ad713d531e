"""The port under the real python-gsmmodem-new, on a real pseudo-terminal.

The library's own logs are on at DEBUG: it writes down every line it reads and writes, so what it
logs is what it knew.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gsmmodem.exceptions import CmsError, CommandError, IncorrectPinError
from gsmmodem.modem import GsmModem
from gsmmodem.serial_comms import SerialComms

from tests.boundary import pdus
from tests.boundary.scripted_modem import Answer, ScriptedModem, until
from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault
from tipline_gw.domain.sms import Notice, Part, Slot, Stored

IMSI = "334020123456789"
SCRIPT: dict[bytes, Answer] = {
    b"AT+CFUN?": b"\r\n+CFUN: 1\r\n\r\nOK\r\n",
    b"AT+CPIN?": b"\r\n+CPIN: READY\r\n\r\nOK\r\n",
    b"AT+CLAC": b"\r\n+CLAC: AT,+CMGF,+CSCS,+CNUM,+VTS\r\n\r\nOK\r\n",
    b"AT+CGMI": b"\r\nScripted\r\n\r\nOK\r\n",
    b"AT+ZPAS?": b"\r\nERROR\r\n",
    b"AT+WIND?": b"\r\nERROR\r\n",
    b"AT+CSCA?": f'\r\n+CSCA: "+{pdus.SMSC}",145\r\n\r\nOK\r\n'.encode(),
    b"AT+CPMS=?": b'\r\n+CPMS: ("SM","ME"),("SM","ME"),("SM","ME")\r\n\r\nOK\r\n',
    b"AT+CSCS=?": b'\r\n+CSCS: ("GSM","UCS2")\r\n\r\nOK\r\n',
    b"AT+CSQ": b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n",
    b"AT+CIMI": f"\r\n{IMSI}\r\n\r\nOK\r\n".encode(),
}


class BoundaryComms(SerialComms):  # type: ignore[misc]
    """How the product plugs the port in: the library's lowest layer, its port replaced."""

    open_port: Callable[[], BoundaryPort]

    def connect(self) -> None:
        self.serial = self.open_port()
        self.alive = True
        self.rxThread = threading.Thread(target=self._readLoop, daemon=True)
        self.rxThread.start()


class Modem(GsmModem, BoundaryComms):  # type: ignore[misc]
    pass


class Session:
    def __init__(self, modem: ScriptedModem, pin: bytearray | None = None) -> None:
        self.modem = modem
        self.vault = Vault(60)
        self.notices: list[Notice] = []
        self.driver: Any = Modem("boundary", requestDelivery=False)
        self.driver.open_port = lambda: BoundaryPort(
            modem.device, self.vault, on_notice=self.notices.append, pin=pin, read_seconds=0.2
        )
        self.fatal: list[Exception] = []
        self.driver.fatalErrorCallback = self.fatal.append

    def close(self) -> None:
        self.driver.close()

    def parts(self) -> list[Part]:
        lines = self.driver.write("AT+CMGL=4")
        found = [self.driver.serial.part(line) for line in lines[1:-1:2]]
        assert all(isinstance(part, Part) for part in found)
        return found


@pytest.fixture(params=[{}, {"echo": True}, {"pause": 0.0002}], ids=["plain", "echo", "slow"])
def modem(request: pytest.FixtureRequest) -> Iterator[ScriptedModem]:
    with ScriptedModem(SCRIPT, **request.param) as scripted:
        yield scripted


def text_of(log: pytest.LogCaptureFixture) -> str:
    return "\n".join(record.getMessage() for record in log.get_records("call"))


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """The library's log at DEBUG; no form of the number, and no long run of digits, is in it."""
    caplog.set_level(logging.DEBUG)
    yield caplog
    logged = text_of(caplog)
    assert "write: AT" in logged
    pdus.assert_no_trace(logged)
    pdus.assert_no_trace(logged, pdus.SMSC)
    assert IMSI not in logged


def connected(modem: ScriptedModem) -> Session:
    session = Session(modem)
    session.driver.connect()
    return session


def test_it_initialises_and_never_asks_for_callers(
    modem: ScriptedModem, log: pytest.LogCaptureFixture
) -> None:
    session = connected(modem)
    assert session.driver.signalStrength == 20
    assert session.driver.imsi == "*" * 15
    assert b"AT+CLIP=0\r" in modem.wire
    assert b"AT+CLIP=1" not in modem.wire
    assert b"AT+CNMI=2,1,0,2\r" in modem.wire
    session.close()


def test_a_listing_with_an_indication_and_a_call_in_it(
    modem: ScriptedModem, log: pytest.LogCaptureFixture
) -> None:
    modem.script[b"AT+CMGL"] = (
        pdus.listed(1, pdus.deliver("uno"), "Ana")
        + b'\r\n+CMTI: "SM",9\r\n'
        + f'\r\nRING\r\n\r\n+CLIP: "+{pdus.NUMBER}",145\r\n'.encode()
        + pdus.listed(2, pdus.deliver("Áé 🚨", encoding="ucs2"))
        + b'\r\n+CMTI: "SM",10\r\n\r\nOK\r\n'
    )
    session = connected(modem)
    first, second = session.parts()
    assert (first.text, second.text) == ("uno", "Áé 🚨")
    assert first.sender == second.sender
    assert [notice.slot for notice in session.notices if isinstance(notice, Stored)] == [
        Slot("SM", 9),
        Slot("SM", 10),
    ]
    session.close()


def test_a_reply_goes_out_through_the_token(
    modem: ScriptedModem, log: pytest.LogCaptureFixture
) -> None:
    modem.script[b"AT+CMGL"] = pdus.listed(1, pdus.deliver("uno")) + b"\r\n\r\nOK\r\n"
    session = connected(modem)
    (part,) = session.parts()
    session.driver.sendSms(part.sender, "Recibido: é")
    assert part.sender is not None
    expected = pdus.submit("Recibido: é", first=0x01)
    assert modem.messages == [expected.encode()]
    assert b"AT+CMGS=%d\r" % pdus.tpdu_length(expected) in modem.wire
    session.driver.sendSms(part.sender, "Será: ó")
    assert pdus.address(pdus.NUMBER).encode() in modem.messages[1]
    session.vault.release(part.sender, [part.fingerprint])
    with pytest.raises(CmsError):
        session.driver.sendSms(part.sender, "otra")
    assert len(modem.messages) == 2
    session.close()


def test_a_modem_that_refuses_to_send_is_heard(
    modem: ScriptedModem, log: pytest.LogCaptureFixture
) -> None:
    modem.script[b"AT+CMGL"] = pdus.listed(1, pdus.deliver("uno")) + b"\r\n\r\nOK\r\n"
    modem.script[b"AT+CMGS"] = b"\r\n+CMS ERROR: 38\r\n"
    session = connected(modem)
    (part,) = session.parts()
    with pytest.raises(CmsError) as caught:
        session.driver.sendSms(part.sender, "hola")
    assert caught.value.code == 38
    pdus.assert_no_trace(repr(caught.value) + repr(caught.value.command))
    assert session.driver.signalStrength == 20
    session.close()


def test_calls_and_phone_books_stay_unknown(
    modem: ScriptedModem, log: pytest.LogCaptureFixture
) -> None:
    modem.script[b"AT+CNUM"] = f'\r\n+CNUM: "","{pdus.NUMBER}",145\r\n\r\nOK\r\n'.encode()
    session = connected(modem)
    modem.say(f'\r\nRING\r\n\r\n+CLIP: "+{pdus.NUMBER}",145\r\n'.encode())
    until(lambda: len(session.notices) == 1)
    with pytest.raises(CommandError):
        session.driver.write("AT+CNUM")
    assert b"AT+CNUM" not in modem.wire
    assert session.driver.activeCalls == {}
    session.close()


def test_an_ussd_answer_arrives_with_its_numbers_masked(
    modem: ScriptedModem, log: pytest.LogCaptureFixture
) -> None:
    said = f'\r\n+CUSD: 0,"Su linea {pdus.NUMBER} tiene\r\n50.25",15\r\n'.encode()
    modem.script[b"AT+CUSD"] = b"\r\nOK\r\n" + said
    session = connected(modem)
    answer = session.driver.sendUssd("*133#")
    assert answer.message == "Su linea ************ tiene\r\n50.25"
    session.close()


def test_octets_that_are_not_utf8_do_not_kill_the_reader(
    modem: ScriptedModem, log: pytest.LogCaptureFixture
) -> None:
    session = connected(modem)
    modem.say(b"\xff\xfe\x80\r\n\xc3(\r\n")
    modem.script[b"AT+CGMM"] = b"\r\nT\xe9l\xff\r\n\r\nOK\r\n"
    assert session.driver.model == "T?l?"
    assert session.driver.rxThread.is_alive()
    session.close()


def test_a_pin_is_tried_once_and_never_logged(log: pytest.LogCaptureFixture) -> None:
    script = SCRIPT | {
        b"AT+CPIN?": b"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n",
        b"AT+CPIN=": b"\r\n+CME ERROR: 16\r\n",
    }
    with ScriptedModem(script, echo=True) as modem:
        session = Session(modem, pin=bytearray(b"8362"))
        with pytest.raises(IncorrectPinError):
            session.driver.connect(pin="@PIN")
        with pytest.raises(IncorrectPinError):
            session.driver.write('AT+CPIN="@PIN"')
        assert bytes(modem.wire).count(b'AT+CPIN="8362"') == 1
        assert "8362" not in text_of(log)
        session.close()


def test_unplugging_is_told_and_plugging_in_again_works(modem: ScriptedModem) -> None:
    session = connected(modem)
    modem.unplug()
    until(lambda: len(session.fatal) == 1)
    assert not session.driver.alive
    with ScriptedModem(SCRIPT) as other:
        again = connected(other)
        assert again.driver.signalStrength == 20
        again.close()
