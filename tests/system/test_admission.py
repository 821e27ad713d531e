"""Caps of trunks and the key under load, at the daemon as it runs: what Asterisk would be told."""

import re
import socket
from contextlib import ExitStack

import pytest

from tests.system import world
from tipline_gw.demo.stage import until

CAP = """
[[trunk]]
name = "carrier"
kind = "sip"
host = "192.0.2.1"
max_calls = 1
"""
CHALLENGED_FROM = 2


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    changes = {"challenge_calls": str(CHALLENGED_FROM)}
    with world.home(tmp_path_factory.mktemp("admission"), {}, changes) as home:
        home.config.write_text(home.config.read_text() + CAP)
        home.gateway.start()
        yield home
        assert home.gateway.stop() == 0


@pytest.fixture
def call(home):
    """A call by a trunk, as Asterisk begins it; all of them are over at the end."""
    host, port = re.search(r'(?m)^agi_listen = "(.*):(\d+)"', home.config.read_text()).groups()
    with ExitStack() as stack:

        def connect(trunk: str) -> socket.socket:
            made = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            made.sendall(f"agi_network: yes\nagi_arg_1: {trunk}\n\n".encode())
            return made

        yield connect
    assert until(lambda: home.gateway.count("calls_now") == 0, 10)


def first_command(connection: socket.socket) -> bytes:
    """Nothing when the session was ended at once, as the dialplan's apology needs it."""
    try:
        return connection.recv(1000)
    except ConnectionError:
        return b""


def test_over_the_cap_of_its_trunk_a_session_ends_at_once_and_others_go_on(home, call):
    first = call("carrier")
    assert first_command(first) == b"ANSWER\n"
    assert first_command(call("carrier")) == b""
    assert home.gateway.count("calls_refused_total") == 1
    assert first_command(call("line")) == b"ANSWER\n"
    first.close()
    assert until(lambda: home.gateway.count("calls_now") == 1, 10)
    assert first_command(call("carrier")) == b"ANSWER\n"


def test_with_many_calls_under_way_a_new_one_has_to_press_a_key_first(home, call):
    for _ in range(CHALLENGED_FROM):
        easy = call("line")
        assert first_command(easy) == b"ANSWER\n"
    easy.sendall(b"200 result=0\n")
    assert b"challenge" not in first_command(easy)
    hard = call("line")
    assert first_command(hard) == b"ANSWER\n"
    hard.sendall(b"200 result=0\n")
    commands = b""
    while b"challenge" not in commands and (command := first_command(hard)):
        commands += command
        hard.sendall(b"200 result=0 endpos=800\n")
    assert b'"tipline/challenge"' in commands
    assert home.gateway.count("calls_challenged_total") == 1


def test_no_metric_names_a_trunk_that_is_not_configured(home, call):
    assert first_command(call("anything-else")) == b"ANSWER\n"
    assert "anything-else" not in home.gateway.page("/metrics")[1]
