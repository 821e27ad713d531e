"""The control socket against clients that mean harm, with a bank that does what it is told."""

import json
import os
import random
import socket
import stat
import threading
import time

import pytest

from tipline_gw.demo.stage import until
from tipline_gw.domain.sms import Part, ReplyToken, Slot
from tipline_gw.errors import ModemError
from tipline_gw.modems import control, control_wire
from tipline_gw.modems.control import MAX_CLIENTS, ControlServer
from tipline_gw.modems.control_client import Control
from tipline_gw.modems.identify import Reception
from tipline_gw.modems.view import View

PART = Part(ReplyToken("T0123456789"), "gsm7", "secreto", b"secreto", None, None, None)


class FakeDriver:
    storages = ("SM",)

    def __init__(self):
        self.lines = []
        self.wait = threading.Event()
        self.wait.set()

    def reception(self):
        return Reception("TELCEL", "home", -71)

    def identity(self):
        self.lines.append("identity")

    def ussd(self, code, timeout=30):
        self.wait.wait(10)
        return "Tu saldo es de $ 12.50"

    def command(self, line, timeout=30):
        self.lines.append(line)
        if line == "ATI9":
            return ["x" * 2_000_000, "OK"]
        if line == "ATI8":
            raise RuntimeError("secreto")
        return ["+CSQ: 24,99", "OK"]

    def listed(self, storage):
        return [(Slot(storage, 3), "00")]

    def part(self, pdu):
        return PART

    def soft_reset(self):
        return True

    def power_cycle(self):
        return False


class FakeBank:
    def __init__(self):
        self.driver = FakeDriver()
        self.recorders = []

    def views(self):
        return [View("gsm0", "/dev/x", "generic/generic", "why", "ready", slots={"SM": [1, 20]})]

    def run(self, name, job, timeout):
        self._named(name)
        return job(self.driver)

    def record(self, name, recorder):
        self._named(name)
        self.recorders.append(recorder)

    def _named(self, name):
        if name != "gsm0":
            raise ModemError(f"there is no modem {name}", "there are: gsm0")


@pytest.fixture
def bank():
    return FakeBank()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "modems.sock"


@pytest.fixture
def server(path, bank):
    made = ControlServer(path, bank)
    made.start()
    yield made
    made.close()


@pytest.fixture
def client(server, path):
    found = Control.find(path)
    assert found is not None
    return found


def raw(path, octets, *, finish=False):
    """What is answered to ``octets``."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(path))
        sock.sendall(octets)
        if finish:
            sock.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
        return json.loads(answer) if answer else None


def connected(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(str(path))
    return sock


# What it is for.


def test_views_cross_as_they_are(client, bank):
    assert client.views() == bank.views()


def test_a_code_is_dialled_and_the_balance_found(client):
    assert client.ussd("gsm0", "*133#") == {
        "text": "Tu saldo es de $ 12.50",
        "operator": "TELCEL",
        "balance": 12.5,
        "currency": "MXN",
        "low": True,
    }


def test_a_command_goes_to_the_modem_and_its_answer_comes_back(client, bank):
    assert client.command("gsm0", "AT+CSQ") == ["+CSQ: 24,99", "OK"]
    assert bank.driver.lines == ["AT+CSQ"]
    assert client.signal("gsm0") == {"operator": "TELCEL", "registration": "home", "dbm": -71}


def test_messages_cross_without_what_they_say(client):
    (message,) = client.messages("gsm0")
    assert (message["storage"], message["slot"], message["characters"]) == ("SM", 3, 7)
    assert "secreto" not in json.dumps(message)


def test_a_reset_that_the_profile_has_not_is_an_error(client):
    client.reset("gsm0", "soft")
    with pytest.raises(ModemError, match="no power reset"):
        client.reset("gsm0", "power")


def test_an_unknown_modem_names_those_there_are(client):
    with pytest.raises(ModemError, match="there are: gsm0"):
        client.command("gsm1", "AT")


@pytest.mark.parametrize("line", ["AT+CMGD=1,4", "AT\r+CMGD=1", "hello", "AT+CPIN=1234"])
def test_the_gateway_itself_refuses_what_would_lose_messages(client, path, bank, line):
    with pytest.raises(ModemError):
        client.command("gsm0", line)
    answer = raw(path, json.dumps({"do": "command", "name": "gsm0", "line": line}).encode() + b"\n")
    assert answer["ok"] is False
    assert bank.driver.lines == []


@pytest.mark.parametrize("code", ["", 'x"', "*133#\r", "+5265612345", "*" * 41])
def test_what_is_no_ussd_code_never_reaches_the_modem(client, code):
    with pytest.raises(ModemError, match="digits"):
        client.ussd("gsm0", code)


# Recording.


def test_a_recording_is_streamed_and_ends_with_its_time(client, bank):
    pieces = client.record("gsm0", 1.5)
    heard = next(pieces)
    recorder = bank.recorders[0]
    recorder.said(b"AT+CSQ\r")
    recorder.heard(b"+CSQ: 24,99\r\n")
    heard += "".join(pieces)
    assert ">> AT+CSQ\n" in heard
    assert "<< +CSQ: 24,99\n" in heard
    assert bank.recorders[-1] is None


def test_a_recording_of_a_modem_that_never_stops_talking_ends_with_its_time(client, bank):
    over, endless = threading.Event(), threading.Event()

    def recorded(_name, recorder):
        bank.recorders.append(recorder)
        if recorder is None:
            over.set()

    def talk():
        while not over.is_set() and not endless.is_set():
            bank.recorders[0]._keep("AT+CSQ\n" * 100)

    bank.record = recorded
    pieces = client.record("gsm0", 2.0)
    next(pieces)
    talkers = [threading.Thread(target=talk) for _ in range(4)]
    for talker in talkers:
        talker.start()
    timer = threading.Timer(8.0, endless.set)
    timer.start()
    assert sum(map(len, pieces)) > 1000
    assert not endless.is_set()
    timer.cancel()
    for talker in talkers:
        talker.join()


def test_a_recording_begins_with_what_the_modem_is(client, bank):
    pieces = client.record("gsm0", 600)
    next(pieces)
    assert until(lambda: bank.driver.lines == ["identity"], 5)
    pieces.close()
    assert until(lambda: bank.recorders[-1] is None, 10)


def test_a_recording_that_nobody_takes_holds_the_modem_up_never(client, bank):
    pieces = client.record("gsm0", 600)
    next(pieces)
    started = time.monotonic()
    for _ in range(20_000):
        bank.recorders[0].said(b"AT+CSQ\r")
    assert time.monotonic() - started < 10
    pieces.close()
    assert until(lambda: bank.recorders[-1] is None, 10)


def test_a_client_that_goes_ends_its_recording(client, bank):
    pieces = client.record("gsm0", 600)
    next(pieces)
    pieces.close()
    assert until(lambda: bank.recorders[-1] is None, 10)


def test_one_recording_at_a_time_for_each_modem(client, bank):
    pieces = client.record("gsm0", 600)
    next(pieces)
    with pytest.raises(ModemError, match="recorded already"):
        next(client.record("gsm0", 600))
    pieces.close()
    assert until(lambda: bank.recorders[-1] is None, 10)
    again = client.record("gsm0", 1.0)
    assert all(isinstance(piece, str) for piece in again)


@pytest.mark.parametrize("seconds", [0, -1, 1e9, "60", None, float("nan")])
def test_a_recording_has_an_end(path, server, seconds):
    request = {"do": "record", "name": "gsm0", "seconds": seconds}
    assert raw(path, json.dumps(request).encode() + b"\n")["ok"] is False


def test_the_end_of_the_gateway_ends_a_recording(client, bank, server):
    pieces = client.record("gsm0", 600)
    next(pieces)
    server.close()
    with pytest.raises(ModemError, match="does not answer"):
        list(pieces)
    assert until(lambda: bank.recorders[-1] is None, 10)


# Abuse.


@pytest.mark.parametrize(
    "request_",
    [
        b"\n",
        b"null\n",
        b"[]\n",
        b'"list"\n',
        b"{\n",
        b"\xff\xfe\x00\n",
        b"{}\n",
        b'{"do": "no-such"}\n',
        b'{"do": ["list"]}\n',
        b'{"do": {}}\n',
        b'{"do": "command", "name": "gsm0"}\n',
        b'{"do": "command", "name": 7, "line": "AT"}\n',
        b'{"do": "ussd", "name": "gsm0", "code": ["*1#"]}\n',
        b"[" * 60000 + b"\n",
        b"9" * 60000 + b"\n",
        b'{"do": "list"' + b" " * (70 << 10) + b"}\n",
    ],
)
def test_what_is_no_request_is_an_error_and_no_more(path, server, client, request_):
    answer = raw(path, request_)
    assert answer["ok"] is False
    assert answer["error"]
    assert client.views()


def test_half_a_request_is_an_error(path, server):
    assert raw(path, b'{"do": "list"', finish=True)["ok"] is False


def test_random_octets_harm_nobody(path, server, client):
    dice = random.Random(3)
    for _ in range(100):
        with connected(path) as sock:
            sock.sendall(dice.randbytes(dice.randrange(200)) + b"\n")
    assert client.views()


def test_a_request_that_trickles_in_is_given_up(path, server, client, monkeypatch):
    monkeypatch.setattr(control, "REQUEST_SECONDS", 0.5)
    started = time.monotonic()
    with connected(path) as sock:
        while time.monotonic() - started < 5:
            try:
                sock.sendall(b" ")
            except OSError:
                break
            time.sleep(0.05)
    assert time.monotonic() - started < 4
    assert client.views()


def test_a_ninth_client_is_told_so_and_the_first_eight_are_served(path, server, bank, client):
    bank.driver.wait.clear()
    request = control_wire.packed({"do": "ussd", "name": "gsm0", "code": "*133#"})
    held = [connected(path) for _ in range(MAX_CLIENTS)]
    for sock in held:
        sock.sendall(request)
    assert until(lambda: len(server._clients) == MAX_CLIENTS, 5)
    with pytest.raises(ModemError, match="too many"):
        client.views()
    bank.driver.wait.set()
    for sock in held:
        assert b'"balance": 12.5' in sock.recv(65536)
        sock.close()
    assert until(lambda: not server._clients, 5)
    assert client.views()


def test_a_client_that_takes_no_answer_holds_nobody_up(path, server, client, monkeypatch):
    with connected(path) as sock:
        sock.sendall(b'{"do": "list"}\n')
        assert client.views()
    assert until(lambda: not server._clients, 5)


def test_an_answer_without_end_is_not_sent(client):
    with pytest.raises(ModemError, match="too long"):
        client.command("gsm0", "ATI9")


def test_a_fault_of_ours_is_told_without_its_arguments(client, capfd):
    with pytest.raises(ModemError, match="the gateway failed at it") as caught:
        client.command("gsm0", "ATI8")
    assert "secreto" not in str(caught.value)
    assert client.views()


def test_only_its_own_user_and_root_are_heard(path, server, client, monkeypatch):
    monkeypatch.setattr(
        control, "_PEER", type("Peer", (), {"size": 12, "unpack": lambda _self, _o: (1, 4711, 1)})()
    )
    if os.geteuid() == 4711:
        pytest.fail("run the tests as another user")
    with pytest.raises(ModemError, match="its own user and root alone"):
        client.views()


# The socket itself.


def test_the_socket_is_private_and_gone_at_the_end(path, server):
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
    server.close()
    assert not path.exists()
    assert Control.find(path) is None


def test_what_a_killed_gateway_left_behind_is_replaced(path, bank):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert Control.find(path) is None
    server = ControlServer(path, bank)
    server.start()
    assert Control.find(path) is not None
    server.close()


def test_a_second_gateway_leaves_the_first_one_its_socket(path, server, client, bank):
    second = ControlServer(path, bank)
    second.start()
    assert client.views()
    second.close()
    assert client.views()


def test_where_no_socket_can_be_made_intake_goes_on_without(bank, tmp_path):
    (tmp_path / "file").write_text("")
    server = ControlServer(tmp_path / "file" / "modems.sock", bank)
    server.start()
    server.close()


def test_what_begins_when_it_is_over_already_leaves_nothing(path, bank):
    server = ControlServer(path, bank)
    server.close()
    server.start()
    assert not path.exists()
    server.close()


def test_no_gateway_is_no_error(tmp_path):
    assert Control.find(tmp_path / "none.sock") is None


def test_a_gateway_that_says_nonsense_is_an_error(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer():
            for said in (b"", b"nonsense\n", b'{"ok": true, "modems": [{"name": 7}]}\n'):
                taken, _ = listener.accept()
                with taken:
                    taken.recv(100)
                    taken.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        client = Control(path)
        for said in ("does not answer", "does not answer", "another version"):
            with pytest.raises(ModemError, match=said):
                client.views()
        thread.join()
