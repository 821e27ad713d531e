"""What a recording holds of a dialogue, and what never gets into it."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.boundary import pdus
from tests.boundary.scripted_modem import ScriptedModem, until
from tipline_gw.boundary import gsm7, recorder
from tipline_gw.boundary.compose import submits
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.boundary.recorder import HEADING, MAX_LINE, MAX_OCTETS, Recorder
from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault
from tipline_gw.domain.sms import (
    DIRECT,
    Part,
    Pushed,
    ReplyToken,
    Ringing,
    Slot,
    Stored,
    Undecodable,
)

TEXT = "vi una camioneta blanca"
IMEI = "356938035643809"
TOKEN = ReplyToken("TABCDEFGHIJ")


class Kept:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.ms = 0
        self.recorder = Recorder(self.pieces.append, lambda: self.ms / 1000)

    def heard(self, *lines: str | bytes) -> list[str]:
        for line in lines:
            self.recorder.heard(line if isinstance(line, bytes) else line.encode("latin-1"))
        return self.told("<<")

    def said(self, command: str) -> list[str]:
        self.recorder.said(command.encode("latin-1") + b"\r")
        return self.told(">>")

    def told(self, way: str) -> list[str]:
        lines = "".join(self.pieces).removeprefix(HEADING).splitlines()
        return [line.split(f" {way} ", 1)[1] for line in lines if f" {way} " in line]


def rewritten(line: str) -> str:
    clean, _ = PduRewriter(Vault(60)).received(bytearray(line.encode()), pdus.tpdu_length(line))
    return clean.decode()


def test_a_dialogue_with_its_times() -> None:
    kept = Kept()
    kept.recorder.said(b"AT+CSQ\r")
    kept.ms = 1234
    kept.recorder.heard(b"+CSQ: 20,99")
    kept.recorder.heard(b"OK")
    assert "".join(kept.pieces) == (
        HEADING + "        0 >> AT+CSQ\n     1234 << +CSQ: 20,99\n     1234 << OK\n"
    )
    assert all(piece.endswith("\n") for piece in kept.pieces)


@pytest.mark.parametrize(
    "line",
    ["AT", "AT+CNMI=2,1,0,0,0", 'AT+CPMS="SM","SM","SM"', "AT+CMGR=3", "AT+CUSD=?", "AT+CPIN?",
     "AT+CLCK=?", "AT+COPS=1,2,\"334020\"", "ATD?"[:2] + "I3", "AT+IPR=115200", "AT&D2"],
)  # fmt: skip
def test_commands_that_stand_as_they_are(line: str) -> None:
    assert Kept().said(line) == [line]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('AT+CPIN="4711"', "AT+CPIN=<secret>"),
        ("AT+CPIN=4711;+CSQ", "AT+CPIN=<secret>;+CSQ"),
        ('AT^CPIN="1","2"', "AT^CPIN=<secret>"),
        ('at+clck="SC",1,"4711"', "at+clck=<secret>"),
        ('AT+CPWD="SC","4711","4712"', "AT+CPWD=<secret>"),
        ('AT^CARDLOCK="12345678"', "AT^CARDLOCK=<secret>"),
        ('AT+CUSD=1,"*133#",15', "AT+CUSD=1,<text, 5 characters>,15"),
        ('AT+CUSD=1,"AA180C3602",15', "AT+CUSD=1,<hex, 10 digits>,15"),
        ("AT+CUSD=1,*133*4711#,15", "AT+CUSD=1,<text, 10 characters>,15"),
        ("ATD*133#;", "ATD<number>"),
        ('AT+CPBW=1,"+526561234567",145,"Juan P"',
         'AT+CPBW=1,"+############",145,"<text, 6 characters>"'),
        ('AT+CPBF="Juan', 'AT+CPBF="<text, 4 characters>"'),
        ("AT+X=TABCDEFGHIJ", "AT+X=<subscriber>"),
        ("AT+X=AABCDEFGHIJ", "AT+X=<sender>"),
    ],
)  # fmt: skip
def test_commands_without_what_an_engineer_may_have_typed_into_them(line: str, shown: str) -> None:
    assert Kept().said(line) == [shown]


def test_an_escape_and_a_prompt() -> None:
    kept = Kept()
    assert kept.said("\x1b") == ["<escape>"]
    assert kept.heard("> ") == [">"]


@pytest.mark.parametrize(
    "line",
    ["OK", "+CME ERROR: 10", "+CPIN: READY", '+COPS: 0,0,"Telcel GSM",2', "+CNMI: (0-3),(0,1),(0)",
     '+CPMS: 0,20,0,20,0,20', '+CSCA: "SMSC",145', "+CUSD: 0", "+CUSD: (0-2)", "^SYSINFO:2,3,0,5,1",
     "20,99"],
)  # fmt: skip
def test_answers_that_stand_as_they_are(line: str) -> None:
    assert Kept().heard(line) == [line]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (IMEI, "#" * 15),
        ("+CGSN: " + IMEI, "+CGSN: " + "#" * 15),
        ("+CCID: 8952020516123456789F", "+CCID: " + "#" * 20),
        ('+X: "656 123-45-67"', '+X: "### ###-##-##"'),
        ('+CREG: 2,1,"1A2B","00C3F001",2', "+CREG: 2,1,<cell>"),
        ('+CCLK: "26/03/11,14:30:40-28"', '+CCLK: "<time>"'),
        ('*PSUTTZ: 2026/03/11,14:30:40', "*PSUTTZ: <time>"),
        ('+X: "' + "v" * 30 + '"', '+X: "<text, 30 characters>"'),
        ("+X: 0035003600350036003100320033", "+X: " + "#" * 28),
        (TEXT, "<text, 23 characters>"),
        ("+X: abc\x00656", "+X: abc<cut>"),
        ("+X: caf\xe9 656", "+X: caf<cut>"),
        ("+A6561234567: 1", "+A##########: 1"),
    ],
)  # fmt: skip
def test_answers_without_what_names_somebody(line: str, shown: str) -> None:
    assert Kept().heard(line) == [shown]


def test_what_the_modem_is_stands_there() -> None:
    kept = Kept()
    kept.said("ATI")
    assert kept.heard("Manufacturer: huawei", "11.126.85.00.110", "IMEI: " + IMEI, "OK") == [
        "Manufacturer: huawei", "11.126.85.00.110", "IMEI: " + "#" * 15, "OK",
    ]  # fmt: skip
    kept.said("AT+CSQ")
    assert kept.heard("camioneta")[-1] == "<text, 9 characters>"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f'+CUSD: 0,"{TEXT}",15', "+CUSD: 0,<text, 23 characters>,15"),
        (f'+CUSD: 0,"{TEXT}"', "+CUSD: 0,<text, 23 characters>"),
        ('+CUSD: 1,"AA180C36021B",15', "+CUSD: 1,<hex, 12 digits>,15"),
        ('+CUSD: 0,"a "b" c",15', "+CUSD: 0,<text, 7 characters>,15"),
        (f"+CUSD: {TEXT}", "+CUSD: <text, 30 characters>"),
    ],
)
def test_a_ussd_answer_is_told_by_its_size(line: str, shown: str) -> None:
    assert Kept().heard(line) == [shown]


def test_a_ussd_answer_of_several_lines() -> None:
    kept = Kept()
    kept.said("ATI")
    assert kept.heard('+CUSD: 0,"Su saldo', "es 12 pesos", '",15', "huawei") == [
        "+CUSD: <text, 18 characters>", "<text, 11 characters>", "<text, 4 characters>", "huawei",
    ]  # fmt: skip


def test_a_received_message_is_told_by_its_shape() -> None:
    line = rewritten(pdus.deliver("hola", header=pdus.concat(7, 3, 1)))
    spanish = rewritten(pdus.deliver("mí", header=pdus.element(0x24, b"\x02"), single=2))
    plain = rewritten(pdus.deliver("日本", encoding="ucs2", sender=pdus.alphanumeric("BANCO")))
    kept = Kept()
    shown = kept.heard("+CMGL: 1,0,,40", line, "+CMGL: 2,0,,40", spanish, "+CMGL: 3,1,,30", plain)
    assert shown == [
        "+CMGL: 1,0,,40",
        "<deliver from <subscriber>, 33 octets, dcs 00, udh 00, part 1/3, 4 characters>",
        "+CMGL: 2,0,,40",
        "<deliver from <subscriber>, 30 octets, dcs 00, udh 24, 2 characters>",
        "+CMGL: 3,1,,30",
        "<deliver from <sender>, 27 octets, dcs 08, 2 characters>",
    ]


def test_a_message_that_is_sent_is_told_by_its_shape() -> None:
    kept = Kept()
    for part in submits(TOKEN, "日" * 200, 0xAB):
        kept.recorder.said(part.pdu.encode() + b"\x1a")
    assert [re.sub(r"\d+ octets", "N octets", line) for line in kept.told(">>")] == [
        "<submit to <subscriber>, N octets, dcs 08, udh 00, part 1/3, 67 characters>",
        "<submit to <subscriber>, N octets, dcs 08, udh 00, part 2/3, 67 characters>",
        "<submit to <subscriber>, N octets, dcs 08, udh 00, part 3/3, 66 characters>",
    ]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("00" * 30, "<deliver from nobody, 29 octets, dcs 00, 0 characters>"),
        ("0002" + "FF" * 9, "<undecodable, 11 octets>"),
        ("0002FF", "<text, 6 characters>"),
        (rewritten(pdus.status_report()), "<status report, 4 octets>"),
        ("ABC", "<text, 3 characters>"),
        ("", "<text, 0 characters>"),
        (TEXT, "<text, 23 characters>"),
    ],
)
def test_what_follows_a_header_is_never_told(line: str, shown: str) -> None:
    kept = Kept()
    assert kept.heard("+CMGR: 0,,30", line)[1] == shown


def test_text_mode_is_hidden_to_the_end_of_the_answer() -> None:
    kept = Kept()
    header = '+CMGR: "REC UNREAD","**",,"26/03/11,14:30:40+00"'
    assert kept.heard(header, TEXT, "+CSQ: si", "12", "OK", "+CSQ: 1,9") == [
        "+CMGR: <not in PDU mode>", "<text, 23 characters>", "<text, 8 characters>",
        "<text, 2 characters>", "OK", "+CSQ: 1,9",
    ]  # fmt: skip


def test_elements_of_a_header_that_are_not_known_are_not_named() -> None:
    header = pdus.element(0x65, b"\x61") + pdus.element(0x22, b"\x01\x02") + pdus.concat(1, 2, 2)
    kept = Kept()
    shown = kept.heard("+CMGR: 0,,45", rewritten(pdus.deliver(header=header)))[1]
    assert ", udh ?? ?? 00, part 2/2," in shown


def test_what_the_library_does_not_get() -> None:
    kept = Kept()
    part = Part(TOKEN, "gsm7", TEXT, b"", None, None, "2026-03-11T14:30:40+00:00")
    kept.recorder.dropped("address", b"+CLIP")
    kept.recorder.dropped("unsolicited", b"+A6561234567")
    kept.recorder.dropped("garbled", b"")
    kept.recorder.noticed(Stored(Slot("SM", 3)))
    kept.recorder.noticed(Ringing())
    kept.recorder.noticed(Pushed(part))
    kept.recorder.noticed(Pushed(Undecodable(TOKEN, "truncated", b"vi")))
    assert kept.told("<<") == [
        "<dropped +CLIP, address>", "<dropped, unsolicited>", "<dropped, garbled>",
        "<notice, stored SM 3>", "<notice, ringing>", "<notice, direct, gsm7, 23 characters>",
        "<notice, direct, undecodable, 2 octets>",
    ]  # fmt: skip


def test_long_lines_are_cut() -> None:
    (shown,) = Kept().heard("+X: " + "1," * 300)
    assert len(shown) == MAX_LINE + len("<cut>")
    assert shown.endswith("1,<cut>")


def test_a_recording_ends_at_its_longest() -> None:
    kept = Kept()
    for _ in range(MAX_OCTETS // MAX_LINE + 100):
        kept.recorder.heard(b"+X: " + b"1," * 300)
    assert kept.told("<<")[-1:] != []
    whole = "".join(kept.pieces)
    assert MAX_OCTETS - 1000 < len(whole) <= MAX_OCTETS
    assert whole.count("ends here") == 1
    assert "ends here" in kept.pieces[-1]


@pytest.mark.parametrize("error", [OSError(28, "no space"), ValueError("closed file")])
def test_where_nothing_can_be_written_the_recording_is_over(error: Exception) -> None:
    tries = []

    def full(line: str) -> None:
        tries.append(line)
        raise error

    kept = Recorder(full)
    kept.heard(b"OK")
    kept.heard(b"OK")
    assert len(tries) == 1


# -- hostile lines ---------------------------------------------------------------------------------

WIDE = TEXT.encode("utf-16-be").hex()
PACKED = gsm7.pack(gsm7.encode(TEXT) or b"").hex()
SECRETS = [
    pdus.NUMBER, pdus.NATIONAL, "656 123 45 67", "656-123-4567", "+52 656 1234567", IMEI,
    pdus.swapped(pdus.NUMBER), pdus.swapped(pdus.NATIONAL).lower(), pdus.swapped(IMEI),
    pdus.NUMBER.encode("utf-16-be").hex(), TEXT, WIDE, WIDE.upper(), PACKED,
]  # fmt: skip
BEGINNINGS = [
    "",
    "+X: ",
    "^X: ",
    '+X: "',
    "+CUSD: 0,",
    '+CUSD: 0,"',
    "+CMGR: 0,,",
    "IMEI: ",
    "ERROR ",
]
MESSAGES = st.sampled_from([
    rewritten(pdus.deliver(TEXT)), rewritten(pdus.deliver(pdus.NUMBER)), pdus.deliver(TEXT),
    rewritten(pdus.deliver(TEXT, encoding="ucs2")), pdus.submit(TEXT), pdus.status_report(),
    *(part.pdu for text in (TEXT, "á" + IMEI) for part in submits(TOKEN, text, 1)),
])  # fmt: skip


def forms() -> list[str]:
    """How any of it could be found in a recording."""
    found = [TEXT, "camioneta", WIDE, PACKED, pdus.NATIONAL, IMEI, *SECRETS]
    return [re.sub(r"[ \-+]", "", form).lower() for form in found]


@st.composite
def lines(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        return draw(MESSAGES)
    secret = draw(st.sampled_from(SECRETS))
    # Where a text can be: unnamed, behind a header, in a USSD answer. A number: anywhere.
    texts = secret in (TEXT, WIDE, WIDE.upper(), PACKED)
    beginnings = ["", "+CUSD: 0,", '+CUSD: 0,"', "+CMGR: 0,,"] if texts else BEGINNINGS
    end = draw(st.sampled_from(["", '"', '",15', " x", ",2,3", "\x00", "\xff"]))
    return draw(st.sampled_from(beginnings)) + secret + end


HEADERS = ["+CMGR: 0,,45", "+CMGL: 1,0,,45", '+CMGR: "REC UNREAD",""', "OK", "ERROR", "> ", ""]
COMMANDS = ["AT+CSQ", "AT+CMGR=1", "AT+CGSN", "AT+CMGL=4", "AT+CUSD=1"]
STEPS = st.one_of(
    st.tuples(st.just("said"), st.sampled_from(COMMANDS)),
    st.tuples(st.just("sent"), MESSAGES),
    st.tuples(st.just("heard"), st.one_of(lines(), st.sampled_from(HEADERS))),
    st.tuples(st.just("heard"), st.text(st.characters(max_codepoint=255), max_size=80)),
)


@settings(max_examples=1500, deadline=None, database=None)
@given(st.lists(STEPS, max_size=12))
def test_no_hostile_dialogue_gets_a_number_a_text_or_an_imei_written(
    steps: list[tuple[str, str]],
) -> None:
    kept = Kept()
    tell: dict[str, Callable[[str], object]] = {
        "said": lambda line: kept.recorder.said(line.encode("latin-1") + b"\r"),
        "sent": lambda line: kept.recorder.said(line.encode("latin-1") + b"\x1a"),
        "heard": lambda line: kept.recorder.heard(line.encode("latin-1")),
    }
    for step, line in steps:
        tell[step](line)
    whole = "".join(kept.pieces)
    assert whole.isascii()
    assert whole.count("\n") == len(steps) + bool(steps)
    assert re.search(r"[0-9]{7,}", re.sub(r"(?m)^ *\d+", "", whole)) is None
    plain = re.sub(r"[ \-+]", "", whole).lower()
    assert [form for form in forms() if form in plain] == []


@settings(max_examples=500, deadline=None, database=None)
@given(st.text(st.characters(max_codepoint=255), max_size=80), st.sampled_from(SECRETS))
def test_no_command_gets_a_number_written(before: str, secret: str) -> None:
    kept = Kept()
    shown = "".join(kept.said(before + '"' + secret))
    for number in (pdus.NATIONAL, IMEI):
        assert number not in re.sub(r"[ \-+]", "", shown)


# -- at the port -----------------------------------------------------------------------------------


def test_a_port_tells_its_recorder(monkeypatch: pytest.MonkeyPatch) -> None:
    real = pdus.deliver(TEXT)
    kept = Kept()
    with ScriptedModem({b"AT+CMGR": pdus.read(real), b"AT+CGSN": IMEI.encode()}) as modem:
        port = BoundaryPort(modem.device, Vault(60), on_notice=lambda _: None, read_seconds=0.2)
        port.write(b"AT\r")
        until(lambda: port.lines() == ["OK"])
        port.recorder = kept.recorder
        port.write(b"AT+CMGR=3\r")
        modem.say(b'\r\n+CLIP: "+526561234567",145\r\n\r\nRING\r\n')
        until(lambda: "OK" in port.lines())
        until(lambda: not port.lines() and "ringing" in "".join(kept.pieces))
        port.recorder = None
        port.write(b"AT+CSQ\r")
        until(lambda: "OK" in port.lines())
        port.close()
    whole = "".join(kept.pieces)
    assert ">> AT+CMGR=3\n" in whole
    assert "<< <deliver from <subscriber>, " in whole
    assert "<< <dropped +CLIP, address>\n" in whole
    assert "<< <notice, ringing>\n" in whole
    assert "+CSQ" not in whole
    pdus.assert_no_trace(whole)
    assert DIRECT.storage not in whole
    assert recorder.HEADING in whole
