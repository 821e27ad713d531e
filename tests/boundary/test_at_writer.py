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
from tipline_gw.modems import profiles


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


REVEALING = {
    "own numbers": ["AT+CNUM", "AT+CSVM?", "AT#MBN", "AT^CNUM"],
    "calls": ["AT+CLCC", "at+clcc=1", "AT^CLCC", "AT^SLCC", "AT+CCFC=0,2", "AT^DSCI=1",
              "AT*ECAM=1"],
    "calls shown": ["AT+COLP=1", "AT+CDIP=1", "AT+CNAP=1", "AT+CCWA=1", "AT+CCWA=1,2,1",
                    "AT+CSSN=0,1", "AT+CSSN=1,1"],
    "phone books": ["AT+CPBR=1", 'AT+CPBF="A"', 'AT+CPBW=1,"1"', "AT^CPBR=1,250", "AT%CPBR=1",
                    'AT^SPBG="SM",1', "AT^SPBC=?;^SPBC=\"A\"", 'AT^SPBS="RC"', "AT#PBR=1",
                    "AT+ZCPBR=1", "AT*PBR"],
    "the SIM": ["AT+CRSM=178,28476", "AT+CRLA=1,178", "AT+CSIM=10", 'AT+CGLA=1,4,"00"', "AT!CRSM=1",
                "AT^STGI=0", "AT#STGI=16", "AT^SSTGI=1", "AT+QSTKGI=1", "AT+CMUX=0"],
    "messages": ["AT+CMGW=20", "AT+CMSS=1", "AT+CMGC=9", "AT^SMGR=1", "AT^SMGL=4", "AT+QCMGR=1",
                 "AT+MMGR=1", "AT+MMGL=4", "AT+CMGRO=1", "AT+CMGRD=1", "AT#CMGR=1", "AT^CMGL=4"],
    "text mode": ["AT+CMGF=1", "AT+CMGF = 1", "AT+CMGF=01", "AT+CSDH=1"],
    "status reports": ["AT+CNMI=2,1,0,1", "AT+CNMI=2,1,0,1,0", "AT+CNMI=,,,1",
                       "AT+CNMI=2, 1, 0, 01"],
    "further on the line": ["AT+CSQ;+CNUM", "AT+CMGF=0;+CLCC", "ATE0+CNUM", "AT+CNUM=?;+CNUM",
                            "AT+CSQ;+CMGS=20", 'AT+CSQ;+CPIN="1234"', 'AT+CSQ; +CPIN = "1234"'],
    "what a modem skips": ["AT+C NUM", "AT +CNUM", "AT+\x00CNUM", "AT+CMGF= 1", "AT\rAT+CNUM"],
    "the last command again": ["A/", " a/", "\nA/"],
    "line ends and edits": ["ATS3=65", "ATS5=88", "ATE0S04=1", "AT+CSQ;S5=8", "AT+CNUX\x08M"],
}  # fmt: skip


@pytest.mark.parametrize("command", [line for lines in REVEALING.values() for line in lines])
def test_commands_that_would_show_numbers_or_contents_are_refused_here(command: str) -> None:
    assert Line().writes(command.encode() + b"\r") == (b"", b"ERROR\r\n")


@pytest.mark.parametrize(
    "command",
    ["AT+CNUM=?", "AT+CPBR=?", "AT+CLCC=?", "AT+CMGS=?", "AT^SPBG=?", "AT+CMGW=?", "AT+CMGF=?",
     "AT+CNMI=?", "AT+CCFC=?"],
)  # fmt: skip
def test_asking_whether_a_modem_knows_them_is_fine(command: str) -> None:
    assert Line().writes(command.encode() + b"\r") == (command.encode() + b"\r", b"")


@pytest.mark.parametrize(
    "command",
    ["AT+CPBS?", 'AT+CPBS="RC"', 'AT^SPBD="RC"', "AT+CMGR=11", "AT+CMGL=4", "AT+CMGL", "AT+CMGD=1",
     "AT+CMGF=0", "AT+CMGF?", "AT+CNMI=2,1,0,0,1", "AT+CNMI=2,1,0,2", "AT+CNMI=2,2,0,0,0",
     "AT+COLP=0", "AT+COLP?", "AT+CCWA=0", "AT+CCWA?", "AT+CSSN=1,0", "AT+CSMP=49,167,0,0",
     "AT+CSQ;+CREG?", "ATS0=0", "ATS7=30", "AT+CPMS=\"SM\",\"SM\",\"SM\"", "AT+CMMS=2",
     "AT+CLAC", "AT&V", "AT+COPS=?", "AT+CUSD=1,\"*133#\",15", "AT^SMGO=0", 'AT+WDCP="MC"',
     "AT+CGSN", "AT+CPOL?"],
)  # fmt: skip
def test_what_shows_no_number_passes(command: str) -> None:
    assert Line().writes(command.encode() + b"\r") == (command.encode() + b"\r", b"")


@pytest.mark.parametrize("name", profiles.names())
def test_what_a_profile_says_passes(name: str) -> None:
    profile = profiles.load(name)
    commands = [init.command for init in profile.init]
    commands += [profile.calls.refuse, *profile.calls.purge, f"AT+CNMI={profile.sms.cnmi}"]
    commands += [command for command in (profile.reset.soft, profile.reset.power) if command]
    for command in (*commands, f"AT+CNMI={profile.sms.cnmi_direct}"):
        assert Line().writes(command.encode() + b"\r") == (command.encode() + b"\r", b"")


@settings(max_examples=1000, deadline=None, database=None)
@given(
    st.sampled_from([line for lines in REVEALING.values() for line in lines if line[:3] == "AT+"]),
    st.lists(st.sampled_from(["+CSQ;", "E0", "+CREG?;", "+CNUM=?;", "&V;", " "]), max_size=4),
    st.booleans(),
)
def test_wherever_on_a_line_it_stands(command: str, before: list[str], lower: bool) -> None:
    line = "AT" + "".join(before) + command.removeprefix("AT")
    sent, heard = Line().writes((line.lower() if lower else line).encode() + b"\r")
    assert (sent, heard) == (b"", b"ERROR\r\n")


def test_callers_are_never_shown() -> None:
    assert Line().writes(b"AT+CLIP=1\r") == (b"AT+CLIP=0\r", b"")
    assert Line().writes(b"AT+CLIP?\r") == (b"AT+CLIP?\r", b"")


def test_the_pin_is_put_in_once_and_wiped_when_it_was_answered() -> None:
    pin = bytearray(b"4711")
    line = Line(pin)
    assert line.writes(b'AT+CPIN="@PIN"\r') == (b'AT+CPIN="4711"\r', b"")
    assert line.says(b'AT+CPIN="4711"\r\r\n+CME ERROR: 16\r\n') == b"+CME ERROR: 16\r\n"
    assert pin == bytes(4)
    assert line.writes(b'AT+CPIN="@PIN"\r') == (b"", b"+CME ERROR: 16\r\n")


@pytest.mark.parametrize("result", [b"OK", b"ERROR", b"+CME ERROR: 16", b"+CME ERROR: 12"])
def test_after_busy_the_pin_goes_again_and_no_more_after_any_other_result(result: bytes) -> None:
    pin = bytearray(b"4711")
    line = Line(pin)
    for busy in (b"+CME ERROR: 14", b"+CMS ERROR: 314", b"+CMS ERROR: 515"):
        assert line.writes(b'AT+CPIN="@PIN"\r')[0] == b'AT+CPIN="4711"\r'
        assert line.says(b"\r\n" + busy + b"\r\n") == busy + b"\r\n"
        assert line.writes(b"AT+CPIN?\r")[0] == b"AT+CPIN?\r"
        line.says(b"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n")
    assert line.writes(b'AT+CPIN="@PIN"\r')[0] == b'AT+CPIN="4711"\r'
    assert line.says(b"\r\n" + result + b"\r\n") == result + b"\r\n"
    assert pin == bytes(4)
    assert line.writes(b'AT+CPIN="@PIN"\r') == (b"", b"+CME ERROR: 16\r\n")


@pytest.mark.parametrize("then", [b'AT+CPIN="@PIN"\r', b"AT\r", b"AT+CLCC\r", b"\x1b", b"00\x1a"])
def test_a_pin_that_was_not_answered_may_have_been_tried_and_goes_no_more(then: bytes) -> None:
    pin = bytearray(b"4711")
    line = Line(pin)
    line.writes(b'AT+CPIN="@PIN"\r')
    assert b"4711" not in line.writes(then)[0]
    assert pin == bytes(4)
    line.says(b"\r\n+CME ERROR: 14\r\n")
    assert line.writes(b'AT+CPIN="@PIN"\r') == (b"", b"+CME ERROR: 16\r\n")


def test_the_result_of_another_command_does_not_use_the_pin_up() -> None:
    pin = bytearray(b"4711")
    line = Line(pin)
    line.writes(b"AT+CPIN?\r")
    line.says(b"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n")
    assert pin == b"4711"


@settings(max_examples=500, deadline=None, database=None)
@given(st.lists(st.sampled_from(["pin", "busy", "wrong", "ok", "other", "noise"]), max_size=12))
def test_whatever_happens_the_pin_never_goes_again_once_it_may_have_been_tried(
    steps: list[str],
) -> None:
    line, tried, out = Line(bytearray(b"4711")), False, False
    says = {"busy": b"+CME ERROR: 14\r\n", "wrong": b"+CME ERROR: 16\r\n", "ok": b"OK\r\n"}
    for step in steps:
        if step == "noise":
            line.says(b"\xff~\r\n^BOOT: 1\r\n")
        elif step in says:
            line.says(says[step])
            tried = tried or (out and step != "busy")
            out = False
        else:
            tried = tried or out
            sent, _ = line.writes(b'AT+CPIN="@PIN"\r' if step == "pin" else b"AT\r")
            assert (b"4711" in sent) is (step == "pin" and not tried)
            out = b"4711" in sent


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
