"""What the modem library writes, and what of it reaches the modem."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.boundary import pdus
from tipline_gw.boundary.at_reader import AtReader
from tipline_gw.boundary.at_writer import AtWriter
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.boundary.vault import Vault
from tipline_gw.errors import BoundaryError


class Line:
    def __init__(self, pin: bytearray | None = None) -> None:
        self.vault = Vault(60)
        self.rewriter = PduRewriter(self.vault)
        self.reader = AtReader(self.rewriter)
        self.writer = AtWriter(self.rewriter, self.reader, pin)

    def writes(self, data: bytes) -> tuple[bytes, bytes]:
        """What the modem gets, and what the library reads at once."""
        return bytes(self.writer.write(data)), self.reader.take(1000)

    def says(self, raw: bytes) -> bytes:
        self.reader.feed(raw)
        return self.reader.take(1000)

    def submit(self) -> bytes:
        """An SMS-SUBMIT to the token of a sender that is remembered."""
        line = pdus.deliver()
        clean, _ = self.rewriter.received(bytearray(line.encode()), pdus.tpdu_length(line))
        token = self.rewriter.part(clean.decode()).sender
        assert token is not None
        addressed = pdus.alphanumeric(token)
        return pdus.submit().replace(pdus.address(pdus.NUMBER), addressed).encode()


REAL = pdus.submit(first=0x01)


@pytest.mark.parametrize(
    "command", [b"AT\r", b"ATZ\r", b"AT+CNMI=2,1,0,2\r", b"AT+CMGF=0\r", b"AT+CMGL=4\r", b"\x1b"]
)
def test_ordinary_commands_pass_as_they_are(command: bytes) -> None:
    line = Line()
    assert line.writes(command) == (command, b"")


@pytest.mark.parametrize(
    "command",
    [b"AT+CNUM", b"AT+CPBR=1", b'AT+CPBF="A"', b"AT+CLCC", b"at+clcc=1", b"AT+CRSM=178,28476",
     b"AT+CSIM=10", b"AT+CMGW=20", b"AT+CMSS=1", b"AT+CMGF=1", b"AT+CMGF = 1", b"AT+CMGF=0;+CLCC",
     b"AT^CPBR=1,250"],
)  # fmt: skip
def test_commands_that_would_show_numbers_are_refused_here(command: bytes) -> None:
    assert Line().writes(command + b"\r") == (b"", b"ERROR\r\n")


@pytest.mark.parametrize(
    "command", [b"AT+CNUM=?\r", b"AT+CPBR=?\r", b"AT+CLCC=?\r", b"AT+CMGS=?\r"]
)
def test_asking_whether_a_modem_knows_them_is_fine(command: bytes) -> None:
    assert Line().writes(command) == (command, b"")


def test_callers_are_never_shown() -> None:
    assert Line().writes(b"AT+CLIP=1\r") == (b"AT+CLIP=0\r", b"")
    assert Line().writes(b"AT+CLIP?\r") == (b"AT+CLIP?\r", b"")


def test_the_pin_is_put_in_once_and_wiped() -> None:
    pin = bytearray(b"4711")
    line = Line(pin)
    assert line.writes(b'AT+CPIN="@PIN"\r') == (b'AT+CPIN="4711"\r', b"")
    assert pin == bytes(4)
    assert line.says(b'AT+CPIN="4711"\r\r\n+CME ERROR: 16\r\n') == b"+CME ERROR: 16\r\n"
    assert line.writes(b'AT+CPIN="@PIN"\r') == (b"", b"+CME ERROR: 16\r\n")


def test_a_pin_from_elsewhere_or_none_is_not_sent() -> None:
    assert Line().writes(b'AT+CPIN="@PIN"\r') == (b"", b"+CME ERROR: 11\r\n")
    line = Line(bytearray(b"4711"))
    assert line.writes(b'AT+CPIN="1234"\r') == (b"", b"+CME ERROR: 11\r\n")
    assert line.writes(b"AT+CPIN?\r") == (b"AT+CPIN?\r", b"")
    assert line.writes(b'AT+CPIN="@PIN"\r')[0] == b'AT+CPIN="4711"\r'


@pytest.mark.parametrize("pin", [b"", b"123", b"123456789", b"12a4", b'12"\r'])
def test_a_pin_that_cannot_be_one_is_refused_and_wiped(pin: bytes) -> None:
    given_pin = bytearray(pin)
    with pytest.raises(BoundaryError):
        Line(given_pin)
    assert given_pin == bytes(len(pin))


def test_closing_wipes_a_pin_that_was_not_used() -> None:
    pin = bytearray(b"4711")
    Line(pin).writer.close()
    assert pin == bytes(4)


def test_the_service_centre_goes_back_as_the_modem_gave_it() -> None:
    line = Line()
    assert line.writes(b'AT+CSCA="SMSC"\r') == (b"", b"ERROR\r\n")
    line.writes(b"AT+CSCA?\r")
    line.says(b'+CSCA: "+5291234500",145\r\nOK\r\n')
    assert line.writes(b'AT+CSCA="SMSC"\r') == (b'AT+CSCA="+5291234500"\r', b"")


def test_a_message_goes_out_with_the_address_and_its_true_length() -> None:
    line = Line()
    submit = line.submit()
    assert line.writes(b"AT+CMGS=17\r") == (b"", b"> ")
    announced = b"AT+CMGS=%d\r" % pdus.tpdu_length(REAL)
    assert line.writes(submit + b"\x1a") == (announced, b"")
    assert line.says(announced + b"\r\n> ") == b""
    assert line.reader.due == [bytearray(REAL.encode() + b"\x1a")]
    assert line.says(REAL.encode() + b"\x1a\r\n\r\n+CMGS: 5\r\n\r\nOK\r\n") == b"+CMGS: 5\r\nOK\r\n"


def test_the_library_may_repeat_a_message_without_announcing_it() -> None:
    """It does, when the modem is busy."""
    line = Line()
    submit = line.submit()
    for _ in range(2):
        assert line.writes(submit + b"\x1a")[0].startswith(b"AT+CMGS=")
        assert line.says(b"\r\n+CMS ERROR: 515\r\n") == b"+CMS ERROR: 515\r\n"
    assert line.reader.due == []


def test_a_modem_that_refuses_before_its_prompt_is_heard() -> None:
    line = Line()
    line.writes(line.submit() + b"\x1a")
    assert line.says(b"\r\n+CMS ERROR: 38\r\n") == b"+CMS ERROR: 38\r\n"


@pytest.mark.parametrize("name", ["TABCDEFGHIJ", "AABCDEFGHIJ", "BANCO"])
def test_nothing_is_sent_to_an_unknown_token(name: str) -> None:
    submit = pdus.submit().replace(pdus.address(pdus.NUMBER), pdus.alphanumeric(name))
    assert Line().writes(submit.encode() + b"\x1a") == (b"", b"+CMS ERROR: 500\r\n")


def test_nothing_is_sent_to_a_number() -> None:
    assert Line().writes(pdus.submit().encode() + b"\x1a") == (b"", b"+CMS ERROR: 500\r\n")


@pytest.mark.parametrize("text", [b"", b"Hola", b"00", pdus.deliver().encode()])
def test_nothing_is_sent_that_is_no_submit(text: bytes) -> None:
    assert Line().writes(text + b"\x1a") == (b"", b"+CMS ERROR: 304\r\n")


def test_a_prompt_that_never_came_is_escaped_from() -> None:
    line = Line()
    line.writes(line.submit() + b"\x1a")
    assert line.writes(b"AT\r") == (b"\x1bAT\r", b"")
    assert line.says(b"> ") == b""
    assert line.reader.due == []
    assert line.writes(b"AT\r") == (b"AT\r", b"")


def test_after_release_the_token_is_dead() -> None:
    line = Line()
    submit = line.submit()
    line.vault.close()
    assert line.writes(submit + b"\x1a") == (b"", b"+CMS ERROR: 500\r\n")


@settings(max_examples=2000, deadline=None, database=None)
@given(st.binary(max_size=60), st.sampled_from([b"", b"\r", b"\x1a"]))
def test_any_octets_written_are_taken(data: bytes, end: bytes) -> None:
    outgoing, _ = Line().writes(data + end)
    assert isinstance(outgoing, bytes)
