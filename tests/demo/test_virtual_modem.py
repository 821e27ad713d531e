"""The virtual modem from outside: its process, a real pseudo-terminal, its control socket."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import time
from pathlib import Path

import pytest
import serial

from tests.demo.conftest import Plug
from tests.demo.terminal import Terminal
from tipline_gw.demo.virtual_modem import ModemControl, VirtualModem, main
from tipline_gw.errors import ModemError

SENDER = "+5265611112222"
SUBMIT = "0011000A9165162222330000AA04C8373B0C"
LENGTH = len(SUBMIT) // 2 - 1


def wait_for(condition: object, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def stored_pdus(answer: list[str]) -> list[str]:
    return [line for line in answer if re.fullmatch("[0-9A-F]{20,}", line)]


# -- the port ------------------------------------------------------------------------------------


def test_it_answers_with_echo_on_the_terminal(terminal: Terminal) -> None:
    assert terminal.raw("AT") == b"AT\r\r\nOK\r\n"
    assert terminal.raw("ATE0") == b"ATE0\r\r\nOK\r\n"
    assert terminal.raw("AT") == b"\r\nOK\r\n"


def test_a_message_is_announced_listed_and_deleted(modem: VirtualModem, terminal: Terminal) -> None:
    terminal.ask("AT+CNMI=2,1")
    assert modem.control.receive(SENDER, "Hola") == 1
    assert terminal.line(rb"\+CMTI") == '+CMTI: "SM",1'
    assert len(stored_pdus(terminal.ask("AT+CMGL=4"))) == 1
    assert terminal.ask("AT+CMGD=1") == ["OK"]
    modem.control.wait_empty()


def test_what_the_gateway_sends_is_seen_in_the_network(
    modem: VirtualModem, terminal: Terminal
) -> None:
    assert terminal.send_pdu(SUBMIT, LENGTH)[-1] == "OK"
    (sent,) = modem.control.wait_sent(1)
    assert (sent["to"], sent["text"], sent["complete"]) == ("+5661222233", "Hola", True)
    modem.control.forget_sent()
    assert modem.control.sent() == []


def test_what_nobody_listens_to_is_lost_and_the_port_opens_again(modem: VirtualModem) -> None:
    with Terminal(modem.link) as first:
        first.ask("ATE0")
        first.ask("AT+CNMI=2,1")
        first.write(b"AT+CM")
    wait_for(lambda: not modem.control.state()["port_open"])
    modem.control.receive(SENDER, "Hola")
    with Terminal(modem.link) as second:
        assert second.raw("AT") == b"\r\nOK\r\n"
        assert len(stored_pdus(second.ask("AT+CMGL=4"))) == 1


def test_a_reader_that_never_reads_does_not_stop_the_process(modem: VirtualModem) -> None:
    with Terminal(modem.link) as terminal:
        modem.control.receive(SENDER, "a" * 160, count=20)
        terminal.write(b"AT+CMGL=4\r" * 100_000)
        assert modem.control.state()["counts"]["commands"] > 1
    wait_for(lambda: not modem.control.state()["port_open"])
    with Terminal(modem.link) as again:
        assert again.ask("AT")[-1] == "OK"


def test_it_sleeps_while_nothing_happens(modem: VirtualModem) -> None:
    def wake_ups() -> int:
        status = Path(f"/proc/{modem.process.pid}/status").read_text()
        return sum(int(n) for n in re.findall(r"ctxt_switches:\s+(\d+)", status))

    with Terminal(modem.link) as terminal:
        terminal.ask("AT")
    wait_for(lambda: not modem.control.state()["port_open"])
    time.sleep(0.2)
    before = wake_ups()
    time.sleep(1)
    assert wake_ups() - before < 5


# -- faults --------------------------------------------------------------------------------------


def test_an_unplugged_modem_is_gone_and_comes_back_as_after_power_on(modem: VirtualModem) -> None:
    modem.control.receive(SENDER, "Hola")
    with Terminal(modem.link) as terminal:
        terminal.ask("ATE0")
        terminal.port.timeout = 1
        modem.control.vanish()
        assert not modem.link.is_symlink()
        with pytest.raises((serial.SerialException, OSError)):
            for _ in range(20):
                terminal.write(b"AT\r")
                terminal.port.read(1)
    modem.control.come_back()
    with Terminal(modem.link) as again:
        assert again.raw("AT") == b"AT\r\r\nOK\r\n"
        assert len(stored_pdus(again.ask("AT+CMGL=4"))) == 1


def test_a_hanging_modem_says_nothing_until_it_is_let_go(plug: Plug) -> None:
    modem = plug("--hang")
    with Terminal(modem.link) as terminal:
        terminal.write(b"AT\r")
        assert terminal.quiet(0.5)
        modem.control.set(hang=False)
        assert terminal.ask("AT")[-1] == "OK"


def test_a_paced_line_takes_ten_bits_a_byte(plug: Plug) -> None:
    modem = plug("--baud", "9600")
    modem.control.receive(SENDER, "a" * 160, count=3)
    with Terminal(modem.link) as terminal:
        terminal.ask("ATE0")
        began = time.monotonic()
        answer = terminal.raw("AT+CMGL=4")
        assert time.monotonic() - began >= (len(answer) - 20) / 960
        assert len(answer) > 960


def test_bytes_that_trickle_make_the_same_answer(plug: Plug) -> None:
    modem = plug("--trickle-us", "300", "--no-echo")
    modem.control.receive(SENDER, "Hola")
    with Terminal(modem.link) as terminal:
        assert terminal.ask("AT+CMGL=4")[0] == "+CMGL: 1,0,,24"


def test_a_slow_modem_is_slow(plug: Plug) -> None:
    modem = plug("--slow")
    with Terminal(modem.link) as terminal:
        began = time.monotonic()
        terminal.ask("AT")
        assert time.monotonic() - began >= 0.4
        assert modem.control.set(slow=False)["delay_ms"] == 0


def test_noise_stays_between_the_lines_and_is_no_utf8(plug: Plug) -> None:
    modem = plug("--noise", "0.9", "--no-echo", "--seed", "7")
    modem.control.receive(SENDER, "a" * 160, count=20)
    with Terminal(modem.link) as terminal:
        terminal.write(b"AT+CMGL=4\r")
        answer = terminal.read_until(rb"\r\nOK\r\n")
        whole = [line for line in answer.split(b"\r\n") if re.fullmatch(rb"[0-9A-F]{300,}", line)]
        assert len(whole) == 20
        with pytest.raises(UnicodeDecodeError):
            answer.decode()


def test_the_same_seed_makes_the_same_noise(plug: Plug) -> None:
    heard = []
    for name in ("a", "b"):
        modem = plug("--noise", "0.5", "--no-echo", "--seed", "3", name=name)
        with Terminal(modem.link) as terminal:
            heard.append([terminal.raw("AT+CPMS?") for _ in range(5)])
    assert heard[0] == heard[1]


def test_faults_asked_for_come_once(modem: VirtualModem, terminal: Terminal) -> None:
    modem.control.set(fail_cmgs=38, fail_cmgd=[500])
    assert terminal.send_pdu(SUBMIT, LENGTH)[-1] == "+CMS ERROR: 38"
    assert terminal.send_pdu(SUBMIT, LENGTH)[-1] == "OK"
    assert terminal.ask("AT+CMGD=1") == ["+CMS ERROR: 500"]
    assert terminal.ask("AT+CMGD=1") == ["OK"]


def test_a_call_rings_until_it_is_hung_up(modem: VirtualModem, terminal: Terminal) -> None:
    terminal.ask("AT+CLIP=1")
    modem.control.ring(SENDER, times=50, interval=0.1)
    assert terminal.line(rb"\+CLIP").startswith(f'+CLIP: "{SENDER}",145')
    terminal.write(b"ATH\r")
    terminal.read_until(rb"OK\r\n")
    assert not modem.control.state()["in_call"]
    modem.control.ring(SENDER)
    terminal.line(rb"\+CLIP")
    modem.control.end_call()
    assert modem.control.state()["missed_calls"] == 2


# -- the network ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({}, 3),
        ({"encoding": "gsm7-es"}, 2),
        ({"ref_bits": 16}, 3),
        ({"shuffle": True}, 3),
        ({"omit": [2]}, 2),
        ({"twice": True}, 6),
        ({"count": 4}, 12),
    ],
)
def test_a_long_message_comes_in_parts(
    modem: VirtualModem, options: dict[str, object], parts: int
) -> None:
    assert modem.control.receive(SENDER, "Vi un robo en la calle Juárez." * 6, **options) == parts
    state = modem.control.state()
    assert state["storages"]["SM"]["used"] == parts


def test_broken_pdus_are_passed_on_as_they_are(modem: VirtualModem, terminal: Terminal) -> None:
    for pdu in ("00", "07", "0004FF91", "ff" * 200):
        modem.control.receive_pdu(pdu)
    listed = terminal.ask("AT+CMGL=4")
    assert [line for line in listed if not line.startswith("+")][1:-1] == [
        "07",
        "0004FF91",
        "FF" * 200,
    ]
    assert terminal.ask('AT+CMGF=1;+CMGL="ALL"')[-1] == "+CMS ERROR: 303"


def test_the_rest_waits_in_the_network_while_the_sim_is_full(plug: Plug) -> None:
    modem = plug("--storages", "SM=3,SR=1", "--first-index", "0")
    modem.control.receive(SENDER, "{n}", count=5)
    assert modem.control.state()["queue"] == 2
    with Terminal(modem.link) as terminal:
        assert terminal.ask("AT+CMGD=0")[-1] == "OK"
        assert modem.control.state()["queue"] == 1


def test_a_pin_is_asked_for(plug: Plug) -> None:
    modem = plug("--pin", "2580")
    with Terminal(modem.link) as terminal:
        assert terminal.ask("AT+CPIN?")[0] == "+CPIN: SIM PIN"
        assert terminal.ask('AT+CPIN="2580"') == ["OK"]
    assert modem.control.state()["pin"] == "READY"


def cpu_seconds(pid: int) -> float:
    """User and system time (proc(5)): what a busy machine does not change."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_two_thousand_messages_cost_less_than_two_seconds(modem: VirtualModem) -> None:
    modem.control.receive(SENDER, "Mensaje {n}", count=2000)
    deletions = b"".join(b"AT+CMGD=%d\r" % index for index in range(1, 21))
    began = cpu_seconds(modem.process.pid)
    with Terminal(modem.link) as terminal:
        terminal.ask("ATE0")
        for _ in range(100):
            os.write(terminal.port.fileno(), b"AT+CMGL=4\r" + deletions)
            seen = b""
            while seen.count(b"OK") < 21:
                seen += os.read(terminal.port.fileno(), 65536)
    modem.control.wait_empty()
    assert modem.control.state()["counts"]["deleted"] == 2000
    assert cpu_seconds(modem.process.pid) - began < 2


# -- the control socket and the process ------------------------------------------------------------


def test_the_control_socket_is_for_its_owner_only(modem: VirtualModem, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "gsm.control").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "request_",
    [
        "no json",
        "[]",
        "{}",
        '{"do": ["set"]}',
        '{"do": "fly"}',
        '{"do": "receive"}',
        '{"do": "receive", "from": "+521", "text": "x", "encoding": "morse"}',
        '{"do": "receive", "from": "+521", "text": "x", "ref": "y", "ref_bits": 16}',
        '{"do": "receive", "from": "+521", "text": "ж", "encoding": "gsm7"}',
        '{"do": "receive", "from": "+521", "text": "x", "ref_bits": 7}',
        '{"do": "receive", "from": "+521", "text": "x", "class": 4}',
        '{"do": "receive_pdu", "pdu": "xyz"}',
        '{"do": "receive_pdu", "pdu": ""}',
        '{"do": "set", "speed": 1}',
        '{"do": "set", "hang": "yes"}',
        '{"do": "set", "baud": true}',
        '{"do": "return"}',
        '{"do": "wait_sent", "count": 1, "timeout": 0.05}',
    ],
)
def test_a_wrong_request_is_refused_and_the_next_one_served(
    modem: VirtualModem, tmp_path: Path, request_: str
) -> None:
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(tmp_path / "gsm.control"))
        control.sendall(request_.encode() + b'\n{"do": "state"}\n')
        with control.makefile("rb") as answers:
            assert json.loads(answers.readline())["ok"] is False
            assert json.loads(answers.readline())["ok"] is True


def test_a_request_without_end_is_cut_off(modem: VirtualModem, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(tmp_path / "gsm.control"))
        with pytest.raises(OSError):
            for _ in range(100):
                control.sendall(b"x" * 65536)
    assert modem.control.state()["queue"] == 0


def test_sigterm_takes_link_and_socket_along(plug: Plug, tmp_path: Path) -> None:
    modem = plug()
    modem.process.terminate()
    assert modem.process.wait(5) == 0
    assert list(tmp_path.iterdir()) == []


def test_it_ends_when_whoever_started_it_is_gone(modem: VirtualModem, tmp_path: Path) -> None:
    assert modem.process.stdin
    modem.process.stdin.close()
    assert modem.process.wait(5) == 0
    assert list(tmp_path.iterdir()) == []


def test_it_stops_when_told_to(modem: VirtualModem) -> None:
    modem.control.stop()
    assert modem.process.wait(5) == 0
    with pytest.raises(ModemError):
        modem.control.state()


def test_a_link_that_is_a_file_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gsm").write_text("mine")
    assert main(["--link", str(tmp_path / "gsm"), "--control", str(tmp_path / "c")]) == 1
    assert "taken" in capsys.readouterr().err
    assert (tmp_path / "gsm").read_text() == "mine"


@pytest.mark.parametrize("control", ["taken", "nowhere/control", "x" * 200])
def test_a_control_socket_that_cannot_be_made_leaves_no_link(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], control: str
) -> None:
    (tmp_path / "taken").write_text("mine")
    assert main(["--link", str(tmp_path / "gsm"), "--control", str(tmp_path / control)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "gsm").is_symlink()


def test_nobody_at_the_control_socket_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModemError):
        ModemControl(tmp_path / "nothing")
