"""What answers mean: as manuals print them, as modems give them, and as nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw.domain.sms import Slot
from tipline_gw.modems import answers

LINES = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("+CNMI: 2,2,0,0,0", ("2", "2", "0", "0", "0")),
        ("+CNMI:2, 2, 0,0,0", ("2", "2", "0", "0", "0")),
        ('+CSCS: "GSM"', ("GSM",)),
        ("+CNMIX: 1", ()),
        ("OK", ()),
    ],
)
def test_settings_are_read_whatever_blanks_and_quotes_they_have(line, fields):
    assert answers.settings([line, "OK"], line.split(":")[0][:5]) == fields


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("+CREG: 0,1", "home"),
        ('+CREG: 2,5,"00C3","0000A1B2",7', "roaming"),
        ("+CREG:1", "home"),
        ("+CREG: 0, 2", "searching"),
        ("+CGREG: 0,3", "denied"),
        ("+CEREG: 0,10", "roaming"),
        ("+CREG: 0,4", "unknown"),
        ("+CREG: 0,x", "unknown"),
        ("+CME ERROR: 4", "unknown"),
    ],
)
def test_registration_is_read_in_both_forms(line, state):
    assert answers.registration([line, "OK"]) == state


def test_the_first_network_it_is_on_counts_and_no_further_one_is_asked():
    asked = iter(["none", "home", "roaming"])
    assert answers.best_registration(asked) == "home"
    assert list(asked) == ["roaming"]
    assert answers.best_registration(iter(["unknown", "denied", "none"])) == "denied"
    assert answers.best_registration(iter(["unknown"])) == "unknown"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("+CSQ: 24,99", -65),
        ("+CSQ:0,0", -113),
        ("+CSQ: 31.99", -51),
        ("+CSQ: 99,99", None),
        ("+CSQ: 125,99", None),
        ("ERROR", None),
    ],
)
def test_signal(line, value):
    assert answers.dbm([line, "OK"]) == value


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('+COPS: 0,0,"TELCEL"', "TELCEL"),
        ('+COPS: 0,0,"AT&T, MX",7', "AT&T, MX"),
        ('+COPS: 0,0,"00540045004C00430045004C",2', "TELCEL"),
        ('+COPS: 1,2,"334020"', "334020"),
        ('+COPS: 0,0,"00ZZ"', "00ZZ"),
        ("+COPS: 0", ""),
        ("+CME ERROR: 30", ""),
    ],
)
def test_operator(line, name):
    assert answers.operator([line, "OK"]) == name


@pytest.mark.parametrize(
    ("line", "fill"),
    [
        ("+CPMS: 3,20,3,20,3,20", (3, 20)),
        ("+CPMS:0,255,0,255,0,255", (0, 255)),
        ('+CPMS: "SM",1,30,"SM",1,30,"SM",1,30', (1, 30)),
        ("+CMS ERROR: 302", None),
    ],
)
def test_fill_of_a_storage(line, fill):
    assert answers.fill([line, "OK"]) == fill


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (["+CPIN: READY", "OK"], "ready"),
        (["+CPIN:READY", "OK"], "ready"),
        (['+CPIN: "SIM PIN"', "OK"], "pin"),
        (["+CPIN: SIM PUK", "OK"], "puk"),
        (["+CPIN: PH-NET PIN", "OK"], "unknown"),
        (["+CME ERROR: 10"], "missing"),
        (["+CME ERROR: 13"], "missing"),
        (["+CME ERROR: 11"], "pin"),
        (["+CME ERROR: 12"], "puk"),
        (["ERROR"], "unknown"),
        ([], "unknown"),
    ],
)
def test_sim(lines, state):
    assert answers.sim(lines) == state


@pytest.mark.parametrize("line", ["490154203237518", "+CGSN: 490154203237518", '"490154203237518"'])
def test_imei(line):
    assert answers.imei([line, "OK"]) == "490154203237518"
    assert answers.imei(["+CME ERROR: 4"]) == ""


def test_listed_messages_are_a_header_and_its_pdu():
    lines = ["+CMGL: 0,1,,24", "0791", "+CMGL: 12,0,,9", "00", "OK"]
    assert list(answers.listed("SM", lines)) == [
        (Slot("SM", 0), "0791"),
        (Slot("SM", 12), "00"),
    ]


@given(LINES)
def test_whatever_lines_come_each_reading_has_a_value(lines):
    answers.registration(lines)
    answers.dbm(lines)
    answers.operator(lines)
    answers.fill(lines)
    answers.sim(lines)
    answers.imei(lines)
    answers.delivery_target(lines)
    list(answers.listed("SM", lines))
