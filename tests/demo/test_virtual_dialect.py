"""What a dialect's file changes in the virtual modem, and what it refuses."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.demo.conftest import Plug
from tests.demo.terminal import Terminal
from tipline_gw.demo import tpdu, virtual_dialect
from tipline_gw.demo.modem_control import ModemControl
from tipline_gw.demo.stage import until
from tipline_gw.errors import ModemError

SENDER = "+526561234567"
DIALECT = """
source = "a manual"
[identity]
manufacturer = "Acme"
model = "X1"
revision = "7"
information = ["Acme {model}", "IMEI: {imei}"]
[sms]
storages = {SM = 3, ME = 5}
first_index = 0
csms = [0, 1]
mt = [0, 1, 2]
bfr = [1]
direct_needs_csms = true
falls_back = "csms"
cnma = ["AT+CNMA=0"]
cnma_refuse = ["AT+CNMA=2"]
smsc = false
read_header = '+CMGR: {stat},"",{length}'
list_header = '+CMGL: {index},{stat},"",{length}'
direct_header = '+CMT: "",{length}'
[at]
echo = false
cmee = 1
unknown = "+CME ERROR: 58"
unsupported = ["+CSMP"]
[at.answers]
"AT^SAY=1" = ["^SAY: {revision}"]
"AT^SAY=2" = "+CME ERROR: 3"
[urc]
boot = ["^SYSSTART"]
every_seconds = 0.1
lines = ["^RSSI:15", "^MODE:5,4"]
[calls]
list = "purgeable"
purge = ["AT^DEL=1", "AT^DEL=2"]
refuse = ["AT+CHUP"]
[ussd]
dialect = "hex"
before_ok = true
[reset]
soft = ["AT^RESET"]
seconds = 0.2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "dialect.toml"
    file.write_text(DIALECT)
    return file


@pytest.fixture
def control(plug: Plug, file: Path) -> ModemControl:
    return plug("--dialect", str(file), "--cnma-seconds", "0.2").control


@pytest.fixture
def quiet(plug: Plug, file: Path) -> ModemControl:
    """The same without lines of its own accord."""
    file.write_text(DIALECT.replace("every_seconds = 0.1", "every_seconds = 0.0"))
    return plug("--dialect", str(file), "--cnma-seconds", "0.2").control


def ask(tmp_path: Path, *commands: str) -> list[list[str]]:
    with Terminal(tmp_path / "gsm") as terminal:
        return [terminal.ask(command) for command in commands]


def test_it_is_who_the_file_says_and_speaks_first_after_power_on(
    quiet: ModemControl, tmp_path: Path
) -> None:
    first, *rest = ask(tmp_path, "AT", "AT+CGMI", "AT+CGMM", "AT+CGMR", "ATI", "AT+CMEE?")
    assert first == ["^SYSSTART", "OK"]
    assert rest[:3] == [["Acme", "OK"], ["X1", "OK"], ["7", "OK"]]
    assert rest[3] == ["Acme X1", "IMEI: 490154203237518", "OK"]
    assert rest[4] == ["+CMEE: 1", "OK"]


def test_it_has_the_commands_of_the_file_and_lacks_those_that_it_says(
    quiet: ModemControl, tmp_path: Path
) -> None:
    _, *answers = ask(
        tmp_path, "AT", "at^say=1", "AT^SAY=2", "AT^SAY=3", "AT+CSMP=17,167,0,0", "AT+CSQ"
    )
    assert answers == [
        ["^SAY: 7", "OK"],
        ["+CME ERROR: 3"],
        ["+CME ERROR: 58"],
        ["+CME ERROR: 58"],
        ["+CSQ: 24,99", "OK"],
    ]


def test_its_notices_are_what_the_file_allows(quiet: ModemControl, tmp_path: Path) -> None:
    _, offered, first, *refused = ask(
        tmp_path, "AT", "AT+CNMI=?", "AT+CNMI?", "AT+CNMI=2,3,0,0,1", "AT+CNMI=2,1,0,0,0",
        "AT+CNMI=2,2,0,0,1",
    )  # fmt: skip
    assert offered[0] == "+CNMI: (0,1,2),(0,1,2),(0,1,2,3),(0,1,2),(1)"
    assert first[0] == "+CNMI: 0,0,0,0,1"
    assert refused == [["+CMS ERROR: 302"]] * 3
    allowed = ask(tmp_path, "AT+CSMS=1", "AT+CNMI=2,2,0,0,1")
    assert [answer[-1] for answer in allowed] == ["OK", "OK"]


def test_messages_stand_under_its_headers_without_a_service_centre(
    quiet: ModemControl, tmp_path: Path
) -> None:
    quiet.receive(SENDER, "Hola")
    _, listed, read = ask(tmp_path, "AT", "AT+CMGL=4", "AT+CMGR=0")
    length = len(listed[1]) // 2
    assert listed[0] == f'+CMGL: 0,0,"",{length}'
    assert read == [f'+CMGR: 1,"",{length}', listed[1], "OK"]
    assert listed[1].startswith("040C91")


def test_direct_messages_are_acknowledged_in_its_form_alone(
    quiet: ModemControl, tmp_path: Path
) -> None:
    with Terminal(tmp_path / "gsm") as terminal:
        for command in ("AT", "AT+CSMS=1", "AT+CNMI=2,2,0,0,1"):
            terminal.ask(command)
        quiet.receive(SENDER, "Hola")
        assert terminal.line(rb"\+CMT").startswith('+CMT: "",')
        assert terminal.ask("AT+CNMA")[-1] == "+CMS ERROR: 303"
        assert terminal.ask("AT+CNMA=0")[-1] == "OK"
        quiet.receive(SENDER, "Hola")
        terminal.line(rb"\+CMT")
        assert terminal.ask("AT+CNMA=2")[-1] == "OK"
        terminal.line(rb"\+CMT")
        assert until(lambda: quiet.state()["cnmi"][1] == 0, 5)
        assert terminal.ask("AT+CSMS?")[-2] == "+CSMS: 0,1,1,1"


def test_it_speaks_of_its_own_accord(control: ModemControl, tmp_path: Path) -> None:
    with Terminal(tmp_path / "gsm") as terminal:
        terminal.ask("AT")
        began = time.monotonic()
        assert terminal.line(rb"\^RSSI") == "^RSSI:15"
        assert terminal.line(rb"\^MODE") == "^MODE:5,4"
        assert terminal.line(rb"\^RSSI") == "^RSSI:15"
        assert time.monotonic() - began < 5


def test_calls_end_and_their_list_is_emptied_as_the_file_says(
    quiet: ModemControl, tmp_path: Path
) -> None:
    quiet.ring(SENDER)
    answers = ask(tmp_path, "ATE0", "ATH", "ATH0", "AT+CHUP", "AT^DEL=1")
    assert [answer[-1] for answer in answers[1:]] == [
        "+CME ERROR: 58", "+CME ERROR: 58", "OK", "OK"
    ]  # fmt: skip
    assert quiet.state()["missed_calls"] == 1
    ask(tmp_path, "AT^DEL=2")
    assert quiet.state()["missed_calls"] == 0


def test_codes_come_and_go_in_its_dialect(quiet: ModemControl, tmp_path: Path) -> None:
    _, right, plain = ask(tmp_path, "AT", 'AT+CUSD=1,"AA180C3602",15', 'AT+CUSD=1,"*100#",15')
    packed = re.fullmatch(r'\+CUSD: 0,"([0-9A-F]+)",15', right[0])
    assert packed
    octets = bytes.fromhex(packed[1])
    assert tpdu.text_of(tpdu.unpack(octets, 16)) == "Saldo: 50.00 MXN"
    assert plain == ["+CME ERROR: 25"]


def test_told_to_restart_it_goes_and_comes_back_as_new(quiet: ModemControl, tmp_path: Path) -> None:
    link = tmp_path / "gsm"
    before = link.readlink()
    assert ask(tmp_path, "AT", "AT^RESET")[1] == ["OK"]
    assert until(lambda: not link.exists(), 5) or link.readlink() != before
    assert until(link.exists, 5)
    assert ask(tmp_path, "AT") == [["^SYSSTART", "OK"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("typo = 1", "typo: Extra inputs"),
        ("[sms]\nmt = []", "sms.mt"),
        ('[calls]\nlist = "some"', "calls.list"),
        ("[sms", "dialect.toml"),
    ],
)
def test_a_broken_file_is_refused_by_its_key(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(ModemError) as caught:
        virtual_dialect.load(file)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModemError, match=r"nowhere\.toml"):
        virtual_dialect.load(tmp_path / "nowhere.toml")


def test_a_sim_may_be_blocked_missing_or_without_credit(plug: Plug, tmp_path: Path) -> None:
    modem = plug("--blocked")
    assert ask(tmp_path, "AT+CMEE=1", "AT+CPIN?", "AT+CPMS?")[1:] == [
        ["+CPIN: SIM PUK", "OK"], ["+CMS ERROR: 316"]
    ]  # fmt: skip
    modem.control.set(sim_missing=True)
    assert ask(tmp_path, "AT+CPIN?", "AT+CPMS?", "AT+CREG?") == [
        ["+CME ERROR: 10"], ["+CMS ERROR: 310"], ["+CREG: 0,0", "OK"]
    ]  # fmt: skip


def test_without_credit_every_message_is_refused(plug: Plug, tmp_path: Path) -> None:
    modem = plug("--no-credit", "38")
    with Terminal(modem.link) as terminal:
        for _ in range(2):
            assert terminal.send_pdu("0011000A9165162222330000AA04C8373B0C", 17)[-1] == (
                "+CMS ERROR: 38"
            )
        modem.control.set(no_credit=0)
        assert terminal.send_pdu("0011000A9165162222330000AA04C8373B0C", 17)[-1] == "OK"
