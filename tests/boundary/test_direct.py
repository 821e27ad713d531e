"""Messages that the modem delivers directly: a notice wherever they come, or nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.boundary import pdus
from tipline_gw.boundary.at_reader import AtReader
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.boundary.vault import Vault
from tipline_gw.domain.sms import Part, Pushed, Slot, Stored, Undecodable

TPDU_OF_REPORT = pdus.tpdu_length(pdus.status_report())


class Line:
    """A reader and its vault. ``says`` is the modem, in portions of ``size`` octets."""

    def __init__(self, command: bytes = b"", size: int = 4096) -> None:
        self.vault = Vault(60)
        self.rewriter = PduRewriter(self.vault)
        self.reader = AtReader(self.rewriter)
        self.size = size
        if command:
            self.reader.begin(command)

    def says(self, raw: bytes) -> list[str]:
        for at in range(0, len(raw), self.size):
            self.reader.feed(bytearray(raw[at : at + self.size]))
        clean = self.reader.take(1 << 20)
        pdus.assert_no_trace(clean)
        pdus.assert_no_trace(repr(self.reader.notices))
        return clean.decode("ascii").split("\r\n")[:-1]

    def part(self, pdu: str) -> Part:
        part = self.rewriter.part(pdu)
        assert isinstance(part, Part), part
        return part

    @property
    def pushed(self) -> list[Part | Undecodable]:
        return [notice.part for notice in self.reader.notices if isinstance(notice, Pushed)]

    @property
    def texts(self) -> list[str]:
        return [part.text if isinstance(part, Part) else part.error for part in self.pushed]


def direct(pdu: str, name: str = "", length: int | None = None) -> bytes:
    """+CMT and its PDU, as a modem says it."""
    octets = pdus.tpdu_length(pdu) if length is None else length
    return f"\r\n+CMT: {name},{octets}\r\n{pdu}\r\n".encode()


def header(pdu: str) -> bytes:
    return direct(pdu).splitlines()[1] + b"\r\n"


def with_between(raw: bytes, between: bytes) -> bytes:
    """``between`` in front of the PDU of ``raw``."""
    at = raw.index(pdus.smsc_field().encode())
    return raw[:at] + between + raw[at:]


HOLA = pdus.deliver("Hola")


@pytest.mark.parametrize("size", [1, 2, 7, 62, 4096])
@pytest.mark.parametrize("command", [b"", b"AT", b"AT+CSQ", b"AT+CMGL=4", b"AT+CMGR=1"])
@pytest.mark.parametrize("name", ["", '"Ana"', '"a,1"', '""', '"+526561234567"'])
def test_it_is_a_notice_and_nothing_of_it_is_an_answer(
    command: bytes, name: str, size: int
) -> None:
    line = Line(command, size)
    assert line.says(direct(HOLA, name)) == []
    assert line.texts == ["Hola"]
    assert line.reader.counts == {}


@pytest.mark.parametrize("said", ["+CMT: {}", "+CMT:,{}", "+CMT : , {} ", "~x+CMT: ,{}"])
def test_however_its_header_is_written(said: str) -> None:
    line = Line()
    assert line.says(f"{said.format(pdus.tpdu_length(HOLA))}\r\n{HOLA}\r\n".encode()) == []
    assert line.texts == ["Hola"]


def test_its_sender_is_remembered_like_that_of_a_stored_message() -> None:
    line = Line(b"AT+CMGR=1")
    line.says(direct(HOLA))
    (part,) = line.pushed
    _, stored, _ = line.says(pdus.read(HOLA))
    assert line.rewriter.part(stored) == part
    assert part.sender is not None
    assert part.sender[0] == "T"
    assert line.vault.count == 1
    line.vault.release(part.sender, [part.fingerprint])
    assert line.vault.count == 0


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_between_a_command_and_its_answer(size: int) -> None:
    line = Line(b"AT+CSQ", size)
    raw = b"AT+CSQ\r\r\n" + direct(HOLA) + b"\r\n+CSQ: 20,99\r\n" + direct(pdus.deliver("dos"))
    assert line.says(raw + b"\r\nOK\r\n") == ["+CSQ: 20,99", "OK"]
    assert line.texts == ["Hola", "dos"]


@pytest.mark.parametrize("where", range(5))
@pytest.mark.parametrize("size", [1, 5, 4096])
def test_anywhere_within_a_listing(where: int, size: int) -> None:
    """In front of it, between header and PDU of the first, between the entries, and behind."""
    line = Line(b"AT+CMGL=4", size)
    answer = b"".join(pdus.listed(n, pdus.deliver(f"n{n}")) for n in (1, 2)) + b"\r\n"
    lines = answer.splitlines(keepends=True)
    lines.insert(1 + where, direct(pdus.deliver("directo")))
    shown = line.says(b"".join(lines) + b"\r\nOK\r\n")
    assert [line.part(pdu).text for pdu in shown[1:-1:2]] == ["n1", "n2"]
    assert line.texts == ["directo"]


@pytest.mark.parametrize(
    "between",
    [b'+CMTI: "SM",9\r\n', b"RING\r\n", b"~x\xfe{\r\n", b"\xff\r\n", b"\r\n\r\n", b"\x00",
     b"^RSSI: 20\r\n", b'RING\r\n\r\n+CLIP: "+526561234567",145\r\n', b"+CREG: 1\r\n"],
)  # fmt: skip
@pytest.mark.parametrize("command", [b"", b"AT+CMGL=4"])
def test_noise_and_notices_between_its_header_and_its_pdu_cost_nothing(
    command: bytes, between: bytes
) -> None:
    line = Line(command)
    assert line.says(with_between(direct(HOLA), between)) == []
    assert line.texts == ["Hola"]


def test_a_notice_between_its_header_and_its_pdu_is_heard() -> None:
    line = Line()
    line.says(with_between(direct(HOLA), b'+CMTI: "SM",9\r\n'))
    assert line.reader.notices[0] == Stored(Slot("SM", 9))
    assert line.texts == ["Hola"]


def test_a_command_that_begins_between_its_header_and_its_pdu_changes_nothing() -> None:
    line = Line()
    line.says(header(HOLA))
    line.reader.begin(b"AT+CSQ")
    raw = HOLA.encode() + b"\r\n\r\n+CSQ: 20,99\r\n\r\nOK\r\n"
    assert line.says(raw) == ["+CSQ: 20,99", "OK"]
    assert line.texts == ["Hola"]


def test_an_echo_between_its_header_and_its_pdu_is_no_pdu() -> None:
    line = Line(b"AT+CSQ")
    line.says(with_between(direct(HOLA), b"AT+CSQ\r\r\n"))
    assert line.texts == ["Hola"]


@pytest.mark.parametrize(
    "pdu",
    [f"{HOLA[:30]}?{HOLA[31:]}", HOLA[:-2], HOLA + "0041", HOLA[:-1], f"{HOLA}{HOLA}",
     f"05{HOLA[2:]}", pdus.deliver("Hola", length=90)],
)  # fmt: skip
def test_a_garbled_or_misfitting_pdu_is_undecodable(pdu: str) -> None:
    line = Line()
    length = pdus.tpdu_length(HOLA)
    assert line.says(direct(pdu, length=length)) == []
    (part,) = line.pushed
    assert isinstance(part, Undecodable)
    assert part.sender is None
    assert len(part.fingerprint) == 16
    pdus.assert_no_trace(part.data)


def test_two_garbled_messages_are_not_one_delivered_twice() -> None:
    line = Line()
    line.says(direct(f"{HOLA}41", length=20) + direct(f"{HOLA}42", length=20) * 2)
    first, second, again = (part.fingerprint for part in line.pushed)
    assert first != second == again


@pytest.mark.parametrize("then", [b"\r\nOK\r\n", b"\r\n+CME ERROR: 11\r\n"])
def test_without_its_pdu_it_is_nothing_and_is_sent_again(then: bytes) -> None:
    line = Line(b"AT+CSQ")
    assert line.says(header(HOLA) + b"+CSQ: 20,99\r\n" + then)[0] == "+CSQ: 20,99"
    assert line.pushed == []
    assert line.reader.counts["direct"] == 1
    assert line.says(direct(HOLA)) == []
    assert line.texts == ["Hola"]


def test_of_two_headers_the_second_has_the_pdu() -> None:
    line = Line()
    assert line.says(header(pdus.deliver("perdido")) + direct(HOLA)) == []
    assert line.texts == ["Hola"]
    assert line.reader.counts["direct"] == 1


def test_without_its_pdu_it_does_not_cost_the_listing_that_follows() -> None:
    line = Line(b"AT+CMGL=4")
    raw = header(pdus.deliver("perdido")) + pdus.listed(1, pdus.deliver("uno"))
    _, pdu, _ = line.says(raw + b"\r\n\r\nOK\r\n")
    assert line.part(pdu).text == "uno"
    assert (line.pushed, line.reader.counts["direct"]) == ([], 1)


def test_a_header_within_a_listing_that_took_anothers_pdu_is_not_acknowledged() -> None:
    line = Line(b"AT+CMGL=4")
    raw = with_between(pdus.listed(1, pdus.deliver("uno")), header(pdus.deliver("perdido")))
    line.says(raw + b"\r\n\r\nOK\r\n")
    assert line.pushed == []
    assert line.reader.counts["direct"] == 1


@pytest.mark.parametrize("size", [1, 4096])
@pytest.mark.parametrize("command", [b"", b"AT+CMGL=4"])
def test_a_status_report_is_a_notice_without_content(command: bytes, size: int) -> None:
    line = Line(command, size)
    raw = f"\r\n+CDS: {TPDU_OF_REPORT}\r\n{pdus.status_report()}\r\n".encode()
    assert line.says(raw) == []
    (part,) = line.pushed
    assert isinstance(part, Undecodable)
    assert (part.sender, part.error, part.data) == (None, "status-report", b"")
    assert line.vault.count == 0


def test_a_status_report_that_lost_its_pdu_is_nothing() -> None:
    line = Line(b"AT")
    assert line.says(b"\r\n+CDS: 25\r\n\r\nOK\r\n") == ["OK"]
    assert (line.pushed, line.reader.counts["direct"]) == ([], 1)


def test_a_cell_broadcast_is_dropped_and_counted() -> None:
    line = Line(b"AT+CSQ")
    page = "0011001200320111" + "C8329BFD06" * 16
    assert line.says(f"\r\n+CBM: 88\r\n{page}\r\n+CSQ: 1,0\r\nOK\r\n".encode()) == [
        "+CSQ: 1,0",
        "OK",
    ]
    assert line.pushed == []
    assert sum(line.reader.counts.values()) == 1


@pytest.mark.parametrize("tail", ["", ',145,4,0,0,"+5291234500",145,12'])
@pytest.mark.parametrize("text", ["Hola, soy Ana", "mi numero es 6561234567", "0048006F006C0061"])
@pytest.mark.parametrize("command", [b"", b"AT+CSQ"])
def test_in_text_mode_nothing_comes_out(command: bytes, text: str, tail: str) -> None:
    line = Line(command)
    said = f'\r\n+CMT: "+{pdus.NUMBER}",,"26/03/11,14:30:40-24"{tail}\r\n{text}\r\n'
    raw = said.encode() + b"+CSQ: 1,0\r\nOK\r\n"
    assert line.says(raw) == (["+CSQ: 1,0", "OK"] if command else [])
    assert (line.pushed, line.reader.counts["direct"]) == ([], 1)
    pdus.assert_no_trace(repr(line.reader.counts), pdus.SMSC)


def test_reading_it_leaves_no_octet_of_it() -> None:
    line = Line()
    line.says(direct(HOLA))
    buffer = line.reader._buffer._octets
    assert buffer == bytes(len(buffer))


_CHUNKS = st.lists(st.integers(1, 80), max_size=60)
_EVENTS = st.lists(
    st.sampled_from(["direct", "entry", "cmti", "noise", "ring", "report", "creg"]), max_size=10
)


def _cut(raw: bytes, sizes: Sequence[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(raw[:size])
        raw = raw[size:]
    return [*pieces, raw]


@settings(max_examples=600, deadline=None, database=None)
@given(_EVENTS, _CHUNKS)
def test_every_message_comes_once_whatever_stands_between_and_however_it_is_cut(
    events: list[str], sizes: list[int]
) -> None:
    line = Line(b"AT+CMGL=4")
    said = {
        "cmti": b'\r\n+CMTI: "SM",3\r\n', "noise": b"\xff~x\r\n", "ring": b"\r\nRING\r\n",
        "report": f"\r\n+CDS: {TPDU_OF_REPORT}\r\n{pdus.status_report()}\r\n".encode(),
        "creg": b"\r\n+CREG: 1\r\n",
    }  # fmt: skip
    raw = b""
    for number, event in enumerate(events):
        pdu = pdus.deliver(f"{event}{number}")
        listed = pdus.listed(number, pdu) + b"\r\n"
        raw += said.get(event) or (direct(pdu) if event == "direct" else listed)
    for piece in _cut(raw + b"\r\nOK\r\n", sizes):
        line.reader.feed(piece)
    shown = line.says(b"")
    pdus_shown = [pdu for header, pdu in pairwise(shown) if header.startswith("+CMGL:")]
    entries = [line.part(pdu).text for pdu in pdus_shown]
    wanted = [f"{event}{number}" for number, event in enumerate(events)]
    assert entries == [text for text in wanted if text.startswith("entry")]
    reports = ["status-report" if text.startswith("report") else text for text in wanted]
    assert line.texts == [text for text in reports if text.startswith(("direct", "status"))]


_PIECES = (
    b"\r\n", header(HOLA), HOLA.encode(), b"\r\n", b"+CDS: 25\r\n", b"+CBM: 88\r\n", b"+CMT: ",
    b'+CMT: "+526561234567",,"26/03/11,14:30:40-24"\r\n', b"OK\r\n", b'"', b",30\r\n", b"\xff",
    b"+CMGL: 1,0,,30\r\n", b'+CMTI: "SM",1\r\n', HOLA[8:].encode(), b"\x00", b"> ",
)  # fmt: skip


@settings(max_examples=3000, deadline=None, database=None)
@given(
    st.sampled_from([b"", b"AT+CSQ", b"AT+CMGL=4", b"AT+CMGR=1"]),
    st.lists(st.sampled_from(_PIECES), max_size=14),
)
def test_the_number_is_in_no_notice_and_no_answer(command: bytes, pieces: list[bytes]) -> None:
    line = Line(command)
    line.says(b"".join(pieces) + b"\r\nOK\r\n")
    for part in line.pushed:
        pdus.assert_no_trace(part.data)
        assert isinstance(part, Undecodable) or part.text == "Hola"
