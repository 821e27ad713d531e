import json

import pytest

from tests.boundary import pdus
from tipline_gw.boundary.pdu import decode_hex
from tipline_gw.domain.sms import ReplyToken, Undecodable
from tipline_gw.modems import console


@pytest.mark.parametrize(
    "line",
    [
        "AT",
        "at+csq",
        "AT+CMGL=4",
        "AT+CMGR=1",
        "AT+CPMS?",
        'AT+CPMS="SM"',
        "AT+CNMI=?",
        "AT+CNMI=2,1,0,0,0",
        "AT+CMGD=?",
        "AT+CNMA=?",
        "AT+CUSD=?",
        "AT+COPS=?",
        "AT+CFUN?",
        "ATI",
        "ATI9",
        "AT&V",
        "ATS0?",
        "AT^SYSINFO",
        'AT^SPBD="MC"',
        "AT+CSQ;+CREG?;+COPS?",
        'AT+CSCA="no ;+CMGD=1 in here"',
        "ATX4",
        "AT%VER",
        "AT#CGMI",
    ],
)
def test_what_an_engineer_may_ask_is_sent(line):
    assert console.refusal(line) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("AT+CMGD=1,4", "lose messages"),
        ("at+cmgd = 1", "lose messages"),
        ("AT+CSQ;+CMGD=1", "lose messages"),
        ("ATI;+CMGD=1", "lose messages"),
        ("AT+CNMA", "lose messages"),
        ("AT+CNMA=0", "lose messages"),
        ("AT+CMGS=20", "texts are sent by the gateway alone"),
        ("AT+CMSS=1", "texts are sent"),
        ("AT+CFUN=1,1", "use modems reset"),
        ("AT+CFUN=0", "use modems reset"),
        ("AT^RESET", "use modems reset"),
        ("AT+CPIN=1234", "pin_file"),
        ('AT+CUSD=1,"*133#",15', ".ussd"),
        ("AT+CMGF=1", "the driver relies on it"),
        ("ATE1", "the driver relies on it"),
        ("ATV0", "the driver relies on it"),
        ("ATX4E1", "the driver relies on it"),
        ("ATE0+CSQ", "the driver relies on it"),
        ("ATZ", "the driver relies on it"),
        ("AT&F", "the driver relies on it"),
        ("AT&f0", "the driver relies on it"),
        ("ATD*99#", "no calls"),
        ("ATA", "no calls"),
        ("AT+CSQ;D5551234;", "no calls"),
        ("AT+CSQ\rAT+CMGD=1", "printable ASCII"),
        ("AT\x1a", "printable ASCII"),
        ("+CSQ", "begins with AT"),
        ("", "begins with AT"),
        ("ATé", "printable ASCII"),
        ("AT" + "+" * 600, "at most 512"),
    ],
)
def test_what_would_lose_messages_or_turn_the_dialogue_is_refused(line, said):
    assert said in (console.refusal(line) or "")


def test_searching_for_networks_may_take_minutes():
    assert console.seconds_for("at+cops = ?") > console.seconds_for("AT+COPS?")


def decode(pdu):
    return decode_hex(pdu)


def test_a_message_shows_as_its_kind_and_never_as_its_text():
    pdu = pdus.deliver("la casa azul", header=pdus.concat(7, 2, 1))
    told = console.shown(["+CMGL: 1,0,,40", pdu, "+CMGR: 0,,9", "ZZ", "OK"], decode)
    assert told[0] == "+CMGL: 1,0,,40"
    assert "part 1 of 2" in told[1]
    assert "characters 12" in told[1]
    assert pdu not in told[1]
    assert "not-hex" in told[3]
    assert told[4] == "OK"
    assert "casa" not in json.dumps(told)
    pdus.assert_no_trace(json.dumps(told))


def test_what_is_no_message_shows_as_it_is():
    lines = ["+CSQ: 24,99", "+CMGL: 1,0,,0", "", "OK"]
    assert console.shown(lines, decode) == lines


def test_a_message_is_described_without_what_it_says_or_when():
    told = console.described(decode(pdus.deliver("la casa azul", dcs=0x10)))
    assert told["class"] == 0
    assert told["characters"] == 12
    assert not {"text", "received", "data"} & told.keys()
    broken = console.described(Undecodable(ReplyToken("T0123456789"), "not-hex", b"abc"))
    assert broken == {"from": "T0123456789", "error": "not-hex", "octets": 3}


def test_of_a_message_in_text_mode_no_line_is_shown():
    lines = ['+CMGR: "REC UNREAD","*",,"*"', "la casa azul", "de la esquina", "OK"]
    shown = console.shown(lines, decode)
    assert len(shown) == 3
    assert "casa" not in shown[1]
    assert not any("esquina" in line for line in shown)


@pytest.mark.parametrize("line", ["AT+CM GD=1", "AT+CMGDA=6", "AT+QMGDA", "AT^SMSO", "AT+QPOWD=1"])
def test_what_deletes_all_or_switches_off_is_refused_however_it_is_written(line):
    assert console.refusal(line) is not None


@pytest.mark.parametrize(
    ("line", "command"),
    [("AT+CNUM", "+CNUM"), ("at+csq;^cpbr=1", "^CPBR"), ("AT+C SIM=1", "+CSIM"), ("A/", None)],
)
def test_what_would_show_a_number_is_refused_by_name_and_with_the_reason(line, command):
    why = console.refusal(line)
    assert why is not None
    if command:
        assert why.startswith(f"{command} is not for the console: it would show numbers")


@pytest.mark.parametrize(
    "line", ["490154203237518", '+CGSN: "4901542032375186"', "IMEI: 490154203237518"]
)
def test_an_imei_is_masked(line):
    (shown, result) = console.shown([line, "OK"], decode_hex)
    assert "4901" not in shown
    assert len(shown) == len(line)
    assert result == "OK"


def test_a_revision_is_shown():
    assert console.shown(["11.126.85.00.209", "OK"], decode_hex) == ["11.126.85.00.209", "OK"]
