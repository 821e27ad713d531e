"""What goes on to the modem library, line by line, and what does not."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.boundary import pdus
from tests.boundary.hundred_thousand import byte_strings, half
from tipline_gw.boundary.at_reader import AtReader
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.boundary.vault import Vault
from tipline_gw.domain.sms import Part, Pushed, Ringing, Slot, Stored, Undecodable

NUMBER = pdus.NUMBER


class Line:
    """A reader with its rewriter; ``says`` is the modem, what it returns the library reads."""

    def __init__(self, command: bytes = b"") -> None:
        self.rewriter = PduRewriter(Vault(60))
        self.reader = AtReader(self.rewriter)
        if command:
            self.reader.begin(command)

    def says(self, raw: bytes) -> list[str]:
        self.reader.feed(raw)
        return self.taken()

    def taken(self) -> list[str]:
        clean = self.reader.take(1 << 20)
        pdus.assert_no_trace(clean)
        assert clean.isascii()
        return clean.decode("ascii").split("\r\n")[:-1]

    def part(self, line: str) -> Part:
        part = self.rewriter.part(line)
        assert isinstance(part, Part), part
        return part


# -- answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "result"),
    [(b"\r\nOK\r\n", "OK"), (b"\r\nERROR\r\n", "ERROR"),
     (b"\r\n+CME ERROR: 11\r\n", "+CME ERROR: 11"), (b"+CMS ERROR: 500\r", "+CMS ERROR: 500"),
     (b"+CME ERROR: SIM busy\r\n", "ERROR"),
     (b"COMMAND NOT SUPPORT\r\n", "COMMAND NOT SUPPORT"), (b"\x00\r\r\nO\x00K\n", "OK"),
     (b"OK \xff\r\n", "OK")],
)  # fmt: skip
def test_a_final_result_ends_the_command(raw: bytes, result: str) -> None:
    line = Line(b"AT")
    assert line.says(raw) == [result]
    assert line.says(raw) == []


def test_a_text_that_begins_like_a_final_result_ends_nothing() -> None:
    line = Line(b"ATI")
    raw = b"OK 50.00 MXN\r\nERROR log\r\nOKAY\r\nOK\r\n"
    assert line.says(raw) == ["OK 50.00 MXN", "ERROR log", "OKAY", "OK"]


def test_an_answer_comes_through_whole() -> None:
    line = Line(b"AT+CSQ")
    assert line.says(b"AT+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n") == ["+CSQ: 20,99", "OK"]


def test_clean_octets_are_taken_in_any_portion() -> None:
    line = Line(b"AT")
    line.reader.feed(b"OK\r\n")
    assert line.reader.ready == 4
    assert [line.reader.take(1) for _ in range(5)] == [b"O", b"K", b"\r", b"\n", b""]


@pytest.mark.parametrize("echo", [b"AT+CSQ", b"at+csq", b"ATD+526561234567;", b'AT+CPIN="1234"'])
def test_echoes_are_dropped(echo: bytes) -> None:
    assert Line(b"AT+CSQ").says(echo + b"\r\r\n+CSQ: 1,0\r\nOK\r\n") == ["+CSQ: 1,0", "OK"]


def test_the_list_of_commands_is_no_echo() -> None:
    line = Line(b"AT+CLAC")
    raw = b"AT+CLAC\r\r\nAT+CMGF\r\nAT+CLIP\r\n+CNUM\r\nOK\r\n"
    assert line.says(raw) == ["AT+CMGF", "AT+CLIP", "+CNUM", "OK"]


def test_the_answer_to_another_command_is_dropped() -> None:
    line = Line(b"AT+CSQ")
    raw = b"+CREG: 1\r\n^RSSI: 20\r\n+CSQ: 20,99\r\n*ECAV: 1\r\nOK\r\n"
    assert line.says(raw) == ["+CSQ: 20,99", "OK"]
    assert line.reader.counts["unsolicited"] == 3


def test_a_late_answer_is_dropped() -> None:
    assert Line().says(b"+CSQ: 20,99\r\nOK\r\nhello\r\n") == []


def test_octets_that_are_not_ascii_never_pass() -> None:
    assert Line(b"AT+CGMI").says(b"Compa\xc3\xb1ia\xff\r\nOK\r\n") == ["Compa??ia?", "OK"]


def test_an_overlong_line_is_dropped() -> None:
    line = Line(b"AT+CGMI")
    assert line.says(b"5" * 5000 + b"\r\nOK\r\n") == ["OK"]
    assert line.reader.counts["overlong"] == 1


def test_a_modem_busy_for_ever_becomes_an_error() -> None:
    line = Line()
    results = []
    for _ in range(27):
        line.reader.begin(b"AT+CPIN?")
        results += line.says(b"+CME ERROR: 14\r\n")
    assert results == ["+CME ERROR: 14"] * 24 + ["ERROR"] + ["+CME ERROR: 14"] * 2


def test_the_service_centre_is_kept_and_stands_for_itself() -> None:
    line = Line(b"AT+CSCA?")
    assert line.says(b'+CSCA: "+5291234500",145\r\nOK\r\n') == ['+CSCA: "SMSC",145', "OK"]
    assert line.reader.service_centre == b"+5291234500"
    kept = line.reader.service_centre
    line.reader.close()
    assert kept == bytes(len(kept))


def test_an_empty_service_centre_is_shown_as_such() -> None:
    assert Line(b"AT+CSCA?").says(b'+CSCA: "",129\r\nOK\r\n') == ['+CSCA: "",129', "OK"]


# -- numbers outside PDUs ----------------------------------------------------------------------


@pytest.mark.parametrize("command", [b"", b"AT+CSQ", b"AT+CLCC", b"AT+CPBR=1,250", b"ATA"])
@pytest.mark.parametrize(
    "said",
    [f'+CLIP: "+{NUMBER}",145,,,"Ana",0', f'+CCWA: "{NUMBER}",145,1', f'+CNUM: "","{NUMBER}",145',
     f'+CLCC: 1,1,4,0,0,"{NUMBER}",145', f'+CPBR: 1,"+{NUMBER}",145,"Ana"', '+CLIP: "65612",129',
     f'+CPBF: 1,"{NUMBER}",145,"Ana"', f'+COLP: "{NUMBER}",145', f'+CDIP: "{NUMBER}",145',
     f'RING "{NUMBER}"', f'+CRING: VOICE "{NUMBER}"', f'\x01\x00+CLIP: "{NUMBER}",145',
     f'^SLCC: 1,1,4,0,0,1,"{NUMBER}",145', '^SPBG: 1,"65612",129,"Ana"', '#MBN: "65612",129,"x"',
     '^SPBS: 1,"65612",129,"Ana"', '*EPBR: 1,"65612",129', '+QPBR: 1,"65612"', '$CNAP: "Ana",0',
     '+CSVM: 1,"65612",129', '^CPBR: 1,"65612",129', '^SCPBR: 1,"65612",129', '!CLCC: "65612"',
     f'+CLIP: "{NUMBER.encode("utf-16-be").hex()}",145', f'RING+CLIP: "+{NUMBER}",145'],
)  # fmt: skip
def test_lines_about_calls_and_phone_books_are_dropped(command: bytes, said: str) -> None:
    line = Line(command)
    assert line.says(f"\r\n{said}\r\n".encode("latin-1")) == []


def test_settings_of_those_commands_and_names_of_memories_pass() -> None:
    for memory in (b'+CPBS: "SM",4,250', b'^SPBD: ("MC","RC")'):
        command = b"AT" + memory.split(b":")[0] + b"?"
        assert Line(command).says(memory + b"\r\nOK\r\n") == [memory.decode(), "OK"]
    assert Line(b"AT+CLIP?").says(b"+CLIP: 0,1\r\nOK\r\n") == ["+CLIP: 0,1", "OK"]
    assert Line(b"AT+CLIP=?").says(b"+CLIP: (0,1)\r\nOK\r\n") == ["+CLIP: (0,1)", "OK"]


@pytest.mark.parametrize(
    ("command", "said", "shown"),
    [(b"AT+CIMI", "334020123456789", "***************"),
     (b"AT+CCID", "+CCID: 8952020012345678901F", "+CCID: ********************"),
     (b"AT+CCFC=0,2", f'+CCFC: 1,1,"+{NUMBER}",145', '+CCFC: 1,1,"+************",145'),
     (b"ATI", "Num 656-123-4567 y 52 656 123 45 67", "Num ***-***-**** y ** *** *** ** **"),
     (b"ATD*1#;", "^ORIG:1,65612", "^ORIG:1,*****"), (b"ATD*1#;", "^CONN:1,0", "^CONN:1,0"),
     (b"ATD1;", '*ECAV: 1,"65612"', '*ECAV: 1,"*****"'),
     (b"AT!GSTATUS?", "!GSTATUS: 65612", "!GSTATUS: *****"),
     (b"AT+CGMR", "11.126.85.00.45", "11.126.85.00.45"),
     (b"AT+CMGL=4", "call 6561234567", "call **********"),
     (b"AT+CCLK?", '+CCLK: "26/03/11,14:30:40-24"', '+CCLK: "26/03/11,14:30:40-24"')],
)  # fmt: skip
def test_runs_of_digits_are_masked(command: bytes, said: str, shown: str) -> None:
    assert Line(command).says(f"{said}\r\nOK\r\n".encode()) == [shown, "OK"]


def test_noise_within_a_number_does_not_let_it_through() -> None:
    line = Line(b"AT+CGMM")
    (shown, _) = line.says(b"52656\xff123\x8045 67\r\nOK\r\n")
    assert not any(char.isdigit() for char in shown)


@pytest.mark.parametrize("said", [b"861234567890123", b'+CGSN: "861234567890123"'])
def test_the_imei_passes_as_the_answer_to_its_own_command_alone(said: bytes) -> None:
    assert Line(b"AT+CGSN").says(said + b"\r\nOK\r\n") == [said.decode(), "OK"]
    assert b"8612345" not in "".join(Line(b"ATI").says(said + b"\r\nOK\r\n")).encode()


# -- notices -----------------------------------------------------------------------------------


def test_indications_become_notices_wherever_they_come() -> None:
    line = Line(b"AT+CSQ")
    raw = (
        b'\r\n+CMTI: "SM",3\r\n\r\n+CSQ: 20,99\r\n+CMTI:"ME", 4\r\n+CDSI: SR,5\r\nRING\r\n'
        b"+CRING: VOICE\r\n\r\nOK\r\n"
    )
    assert line.says(raw) == ["+CSQ: 20,99", "OK"]
    assert line.reader.notices == [
        Stored(Slot("SM", 3)),
        Stored(Slot("ME", 4)),
        Stored(Slot("SR", 5)),
        Ringing(),
        Ringing(),
    ]


def test_an_indication_between_a_header_and_its_pdu() -> None:
    line = Line(b"AT+CMGL=4")
    raw = pdus.listed(1, pdus.deliver("uno")).replace(b"\r\n06", b'\r\n+CMTI: "SM",9\r\n06')
    header, pdu, result = line.says(raw + b"\r\n\r\nOK\r\n")
    assert (header[:11], result) == ("+CMGL: 1,0,", "OK")
    assert line.part(pdu).text == "uno"
    assert line.reader.notices == [Stored(Slot("SM", 9))]


@pytest.mark.parametrize("said", [b"+CMTI: ", b'+CMTI: "S', b'+CMTI: "SM",', b'+CMTI: "SM",999999'])
def test_garbled_indications_are_counted_not_guessed(said: bytes) -> None:
    line = Line()
    assert line.says(said + b"\r\n") == []
    assert line.reader.notices == []
    assert line.reader.counts["garbled"] == 1


def test_a_direct_delivery_that_lost_its_pdu_does_not_swallow_an_answer() -> None:
    line = Line(b"AT+CSQ")
    assert line.says(b"+CMT: ,30\r\n+CSQ: 20,99\r\nOK\r\n") == ["+CSQ: 20,99", "OK"]


# -- stored messages ---------------------------------------------------------------------------


def test_a_listing_has_tokens_blank_names_and_true_lengths() -> None:
    line = Line(b"AT+CMGL=4")
    raw = pdus.listed(1, pdus.deliver("uno"), "Ana") + pdus.listed(12, pdus.deliver("dos"))
    lines = line.says(raw + b"\r\n\r\nOK\r\n")
    assert len(lines) == 5
    assert [line.part(lines[n]).text for n in (1, 3)] == ["uno", "dos"]
    for index, header, pdu in ((1, *lines[0:2]), (12, *lines[2:4])):
        assert header == f"+CMGL: {index},0,,{pdus.tpdu_length(pdu)}"


@pytest.mark.parametrize(
    "header", ['0,"Ana",{}', "0,,{}", "1, , {}", '0,"+526561234567",{}', '0,"a,1",{}', '"0","",{}']
)
def test_a_read_message_whatever_its_header_looks_like(header: str) -> None:
    line = Line(b"AT+CMGR=1")
    pdu = pdus.deliver("uno")
    raw = f"\r\n+CMGR: {header.format(pdus.tpdu_length(pdu))}\r\n{pdu}\r\n\r\nOK\r\n".encode()
    shown, clean, result = line.says(raw)
    assert result == "OK"
    assert shown in (f"+CMGR: {stat},,{pdus.tpdu_length(clean)}" for stat in (0, 1))
    assert line.part(clean).text == "uno"


def test_a_read_message_without_status() -> None:
    pdu = pdus.deliver("uno")
    raw = f"+CMGR: ,,{pdus.tpdu_length(pdu)}\r\n{pdu}\r\nOK\r\n".encode()
    assert Line(b"AT+CMGR=1").says(raw)[0].startswith("+CMGR: 0,,")


@pytest.mark.parametrize("raw", [b"+CMGR: 0,,0\r\n\r\n\r\nOK\r\n", b"OK\r\n"])
def test_an_empty_slot_is_just_ok(raw: bytes) -> None:
    assert Line(b"AT+CMGR=1").says(raw) == ["OK"]


def undecodable(line: Line, pdu: str) -> Undecodable:
    part = line.rewriter.part(pdu)
    assert isinstance(part, Undecodable)
    return part


def test_a_message_whose_pdu_was_lost_is_undecodable_in_its_slot() -> None:
    line = Line(b"AT+CMGL=4")
    raw = b"+CMGL: 1,0,,30\r\n" + pdus.listed(2, pdus.deliver("dos")) + b"\r\nOK\r\n"
    lines = line.says(raw)
    assert undecodable(line, lines[1]).data == b""
    assert (lines[0][:11], line.part(lines[3]).text, lines[4]) == ("+CMGL: 1,0,", "dos", "OK")
    line = Line(b"AT+CMGR=1")
    assert undecodable(line, line.says(b"+CMGR: 0,,30\r\nOK\r\n")[1]).error == "bad-address"


def test_a_garbled_pdu_is_undecodable_and_the_rest_of_the_list_is_whole() -> None:
    line = Line(b"AT+CMGL=4")
    garbled = pdus.listed(1, pdus.deliver("uno")).replace(b"0C91", b"0C\xff\x91")
    lines = line.says(garbled + pdus.listed(2, pdus.deliver("dos")) + b"\r\nOK\r\n")
    assert undecodable(line, lines[1]).error == "bad-address"
    assert line.part(lines[3]).text == "dos"


def test_noise_between_a_header_and_its_pdu_costs_nothing() -> None:
    line = Line(b"AT+CMGL=4")
    raw = pdus.listed(1, pdus.deliver("uno")).replace(b"\r\n06", b"\r\n~x\xfe{\r\n\xff\r\n06")
    _, pdu, result = line.says(raw + b"\r\nOK\r\n")
    assert (line.part(pdu).text, result) == ("uno", "OK")


def test_a_listed_header_that_cannot_be_read_loses_its_entry_alone() -> None:
    line = Line(b"AT+CMGL=4")
    pdu = pdus.deliver("uno")
    raw = f"+CMGL: x,\r\n{pdu}".encode() + pdus.listed(2, pdu) + b"\r\nOK\r\n"
    assert line.says(raw)[0].startswith("+CMGL: 2,0,")


def test_a_list_that_nobody_asked_for_is_dropped() -> None:
    for command in (b"", b"AT+CSQ", b"AT+CMGR=1"):
        assert Line(command).says(pdus.listed(1, pdus.deliver("uno")) + b"\r\n") == []


def test_what_is_left_of_an_older_list_is_dropped() -> None:
    line = Line(b"AT+CMGL=4")
    raw = pdus.listed(1, pdus.deliver("uno"))
    assert line.says(raw[:20]) == []
    line.reader.begin(b"AT+CSQ")
    assert line.says(raw[20:] + pdus.listed(2, pdus.deliver("dos")) + b"\r\n") == []
    assert line.says(b"+CSQ: 20,99\r\nOK\r\n") == ["+CSQ: 20,99", "OK"]


def test_a_pdu_where_none_should_be_is_dropped() -> None:
    line = Line(b"AT+CGMI")
    assert line.says(pdus.deliver("uno").encode() + b"\r\nOK\r\n") == ["OK"]
    assert line.reader.counts["stray-pdu"] == 1


@pytest.mark.parametrize("command", [b"AT+CGMR", b"AT+GMR"])
def test_the_name_of_a_firmware_may_look_like_a_pdu(command: bytes) -> None:
    said = b"EC25EFAR06A06M4G\r\nOK\r\n"
    assert Line(command).says(said) == ["EC25EFAR06A06M4G", "OK"]
    assert Line(b"AT+CGMI").says(said) == ["OK"]
    assert Line(command).says(b"EC25EFA\xffR06A06M40\r\nOK\r\n") == ["OK"]


@pytest.mark.parametrize("start", range(0, 60, 3))
@pytest.mark.parametrize("size", [16, 20, 24, 40])
def test_no_part_of_a_pdu_passes_for_the_name_of_a_firmware(start: int, size: int) -> None:
    part = pdus.deliver("Hola a todos")[start : start + size].encode()
    for piece in (part, part + b"GXYZ", b"R" + part):
        shown = Line(b"AT+CGMR").says(piece + b"\r\nOK\r\n")
        assert not any(len(run) > 15 for line in shown for run in re.findall("[0-9A-F]+", line))
        assert not any(re.search("[0-9]{7}", line) for line in shown)


def test_hex_within_a_line_is_masked() -> None:
    (shown, _) = Line(b"ATI").says(f"x {pdus.deliver('u')[:40]} some words\r\nOK\r\n".encode())
    assert shown == f"x {'*' * 40} some words"


def test_text_mode_shows_no_number() -> None:
    line = Line(b"AT+CMGR=1")
    raw = f'+CMGR: "REC UNREAD","+{NUMBER}","Ana","26/03/11,14:30:40-24"\r\nHola\r\nOK\r\n'.encode()
    header = f'+CMGR: "REC UNREAD","{"*" * 13}","***","26/03/11,14:30:40-24"'
    assert line.says(raw) == [header, "Hola", "OK"]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (f'"REC UNREAD",+{NUMBER}",,"26/11/12,10:00:00+04"',
         f'"REC UNREAD",+{"*" * 12}"**"26/11/12,10:00:00+04"'),
        (f'"REC UNREAD","+{NUMBER}', f'"REC UNREAD","+{"*" * 12}'),
        (f'"REC READ",+{NUMBER},,"26/11/12,10:00:00+04",145',
         f'"REC READ",+{"*" * 12},,"26/11/12,10:00:00+04",145'),
        ('"REC READ",52656?-123,""', '"REC READ",*****?-***,""'),
    ],
)  # fmt: skip
def test_text_mode_shows_no_number_where_a_quote_is_lost(raw: str, shown: str) -> None:
    line = Line(b"AT+CMGR=1")
    assert line.says(f"+CMGR: {raw}\r\nHola\r\nOK\r\n".encode())[0] == f"+CMGR: {shown}"


# -- USSD --------------------------------------------------------------------------------------


def test_an_ussd_answer_passes_outside_commands() -> None:
    assert Line().says(b'\r\n+CUSD: 0,"Saldo 50.25",15\r\n') == ['+CUSD: 0,"Saldo 50.25",15']


def test_an_ussd_answer_waits_for_the_end_of_another_commands_answer() -> None:
    line = Line(b"AT+CSQ")
    raw = b'\r\n+CUSD: 0,"Saldo",15\r\n+CSQ: 20,99\r\n\r\nOK\r\n'
    assert line.says(raw) == ["+CSQ: 20,99", "OK", '+CUSD: 0,"Saldo",15']


def test_an_ussd_answer_within_its_own_command_passes_at_once() -> None:
    line = Line(b'AT+CUSD=1,"*133#",15')
    assert line.says(b'+CUSD: 0,"Saldo",15\r\nOK\r\n') == ['+CUSD: 0,"Saldo",15', "OK"]


def test_an_ussd_answer_of_several_lines_comes_in_one_piece() -> None:
    line = Line()
    assert line.says(b'+CUSD: 1,"Menu\r\n1 Saldo\r\n') == []
    assert line.says(b'2 Linea 6561234567",15\r\n') == [
        '+CUSD: 1,"Menu', "1 Saldo", '2 Linea **********",15'
    ]  # fmt: skip


def test_an_ussd_answer_that_never_ends_does_not_swallow_answers() -> None:
    line = Line(b"AT+CSQ")
    raw = b'+CUSD: 1,"Menu\r\n1 Saldo\r\n+CSQ: 20,99\r\nOK\r\n'
    assert line.says(raw) == ["+CSQ: 20,99", "OK", '+CUSD: 1,"Menu', "1 Saldo"]
    idle = Line()
    assert len(idle.says(b'+CUSD: 1,"Menu\r\n' + b"x\r\n" * 40)) == 32


@pytest.mark.parametrize(
    "answer",
    ['+CUSD: 0,"New: TV 32" for 99.-",15', '+CUSD: 0,"dijo "hola"', '+CUSD: 1', "+CUSD: 0,sin",
     '+CUSD: 1,"Menu\r\n"dos"\r\nAt the end",15', '+CUSD: 0,"AT&T\r\nAT\r\nuno"'],
)  # fmt: skip
def test_an_ussd_answer_is_one_item_and_takes_no_line_of_the_next_answer(answer: str) -> None:
    line = Line()
    line.reader.feed(f"\r\n{answer}\r\n".encode())
    line.reader.begin(b"ATI")
    line.reader.feed(b"\r\nhuawei\r\n\r\nOK\r\n")
    items = line.reader.items()
    unclosed = answer == '+CUSD: 0,"dijo "hola"'
    assert items == (["OK", f"{answer}\r\nhuawei"] if unclosed else [answer, "huawei", "OK"])


@pytest.mark.parametrize("after", [b'+CMTI: "SM",3', b"RING", b"OK", b'+CUSD: 0,"otra",15'])
def test_a_notice_or_a_result_ends_an_open_ussd_answer(after: bytes) -> None:
    line = Line()
    line.says(b'+CUSD: 1,"Menu\r\n1 Saldo\r\n' + after + b"\r\n")
    line.reader.begin(b"AT+CGMM")
    assert line.says(b"E173\r\nOK\r\n") == ["E173", "OK"]


@pytest.mark.parametrize("command", [b"AT+CPIN", b"AT+CSQ"])
def test_an_echo_is_no_line_of_an_open_ussd_answer(command: bytes) -> None:
    line = Line()
    assert line.says(b'+CUSD: 1,"Menu\r\n') == []
    line.reader.begin(command)
    assert line.says(command.lower() + b'="8362"\r\r\nuno",15\r\nOK\r\n') == [
        "OK", '+CUSD: 1,"Menu', 'uno",15',
    ]  # fmt: skip


# -- sending -----------------------------------------------------------------------------------


def test_the_message_is_due_when_the_modem_prompts() -> None:
    line = Line(b"AT+CMGS")
    line.reader.hold(bytearray(b"00AB\x1a"))
    assert line.says(b"AT+CMGS=2\r\r\n> ") == []
    assert line.reader.due == [bytearray(b"00AB\x1a")]
    sent = b"00AB\x1a\r\n" + pdus.submit().encode() + b'\r\n\r\n+CMGS: 7,"26/03/11"\r\n\r\nOK\r\n'
    assert line.says(sent) == ["+CMGS: 7", "OK"]


def test_an_error_in_place_of_the_prompt_wipes_the_message() -> None:
    line = Line(b"AT+CMGS")
    message = bytearray(b"00AB\x1a")
    line.reader.hold(message)
    assert line.says(b"\r\n+CMS ERROR: 38\r\n") == ["+CMS ERROR: 38"]
    assert message == bytes(5)
    assert line.says(b"> ") == []
    assert line.reader.due == []


def test_a_prompt_that_nobody_waits_for_is_dropped() -> None:
    line = Line(b"AT+CSQ")
    assert line.says(b"\r\n> +CSQ: 20,99\r\nOK\r\n") == ["+CSQ: 20,99", "OK"]


def test_closing_wipes_what_is_held() -> None:
    line = Line(b"AT+CMGS")
    message, due = bytearray(b"00AB\x1a"), bytearray(b"00CD\x1a")
    line.reader.hold(due)
    line.says(b"> ")
    line.reader.hold(message)
    line.reader.close()
    assert message == due == bytes(5)


# -- anything at all ---------------------------------------------------------------------------

_COMMANDS = st.sampled_from(
    [b"", b"AT", b"AT+CMGL=4", b"AT+CMGR=1", b"AT+CMGS", b"AT+CSQ", b"AT+CGSN", b"AT+CUSD=1"]
)
_PIECES = (
    b"+CMGL: 1,0,,30", b"+CMGR: 0,,30", b"+CMT: ,30", b'+CMTI: "SM",1', b"OK", b"ERROR", b"> ",
    b"\r\n", b"\r", b"\n", b'+CUSD: 0,"', b'"', b"RING", b'+CLIP: "', b"+CSCA: ", b"+CMS ERROR: 1",
    b"\x00", b"\xff", b"0791", b"+CMGS: 3", b"AT", pdus.deliver("uno").encode(), b"+CME ERROR: 14",
)  # fmt: skip


def _traffic(choices: bytes) -> list[bytes]:
    """A byte string as a choice of pieces of AT traffic; every eighth choice is itself."""
    return [
        bytes([choice]) if choice % 8 == 7 else _PIECES[choice % len(_PIECES)] for choice in choices
    ]


def _is_clean(command: bytes, raw: bytes) -> AtReader:
    reader = AtReader(_SHARED)
    reader.begin(command)
    reader.feed(raw)
    clean = reader.take(1 << 20)
    assert clean.isascii()
    assert clean == b"" or clean.endswith(b"\r\n")
    assert b"\x00" not in clean
    return reader


_SHARED = PduRewriter(Vault(60))


@half()
@given(_COMMANDS, byte_strings(60))
def test_a_hundred_thousand_any_octets_come_out_as_clean_lines(
    command: bytes, many: list[bytes]
) -> None:
    for raw in many:
        _is_clean(command, raw)


@half()
@given(_COMMANDS, byte_strings(12))
def test_a_hundred_thousand_any_pieces_of_at_traffic_come_out_as_clean_lines(
    command: bytes, many: list[bytes]
) -> None:
    for choices in many:
        reader = _is_clean(command, b"".join(_traffic(choices)))
        for notice in reader.notices:
            assert isinstance(notice, Stored | Pushed | Ringing)


@settings(max_examples=3000, deadline=None, database=None)
@given(_COMMANDS, st.binary(max_size=12), st.integers(0, 3))
def test_the_number_never_passes_whatever_stands_around_it(
    command: bytes, choices: bytes, kind: int
) -> None:
    number = (f'"+{NUMBER}"', f" {NUMBER} ", f"+52 {NUMBER[2:]}", pdus.deliver("uno"))[kind]
    reader = AtReader(PduRewriter(Vault(60)))
    reader.begin(command)
    pieces = _traffic(choices)
    pieces.insert(len(pieces) // 2, number.encode())
    reader.feed(b"".join(pieces) + b"\r\nOK\r\n")
    pdus.assert_no_trace(reader.take(1 << 20))
