import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.voice.fakes import OK, PLAYED
from tests.voice.test_listener import until
from tipline_gw.voice import fastagi
from tipline_gw.voice.channel import Channel
from tipline_gw.voice.fastagi import FastAgiServer, Handler
from tipline_gw.voice.lobby import Reason

ENVIRONMENT = (
    b"agi_network: yes\nagi_network_script: \nagi_request: agi://127.0.0.1:4573\n"
    b"agi_channel: PJSIP/line-00000001\nagi_language: es\nagi_callerid: +526561234567\n"
    b"agi_calleridname: +526561234567\nagi_rdnis: +526561234567\nagi_enhanced: 0.0\n\n"
)

Make = Callable[..., FastAgiServer]


@pytest.fixture
def serving() -> Iterator[Make]:
    made: list[FastAgiServer] = []

    def make(handler: Handler, max_calls: int = 4) -> FastAgiServer:
        made.append(FastAgiServer("127.0.0.1:0", handler, max_calls=max_calls))
        made[-1].serve_forever()
        return made[-1]

    yield make
    for each in made:
        each.close()


def connect(server: FastAgiServer) -> socket.socket:
    host, port = server.address.split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def gone(connection: socket.socket) -> bool:
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def one_prompt(channel: Channel, environment: Mapping[str, str]) -> None:
    channel.stream_file("tipline/welcome")


def test_a_call_gets_a_channel_and_an_environment_without_its_caller(serving: Make) -> None:
    seen: list[Mapping[str, str]] = []

    def handler(channel: Channel, environment: Mapping[str, str]) -> None:
        seen.append(environment)
        channel.stream_file("tipline/welcome")

    server = serving(handler)
    with connect(server) as call:
        call.sendall(ENVIRONMENT)
        assert call.recv(100) == b'STREAM FILE "tipline/welcome" "" 0\n'
        call.sendall(PLAYED)
        assert gone(call)
    assert seen[0]["agi_language"] == "es"
    assert "656" not in str(seen)


def test_an_environment_in_single_octets_is_the_same(serving: Make) -> None:
    server = serving(one_prompt)
    with connect(server) as call:
        call.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in ENVIRONMENT:
            call.sendall(bytes((octet,)))
        assert call.recv(100).startswith(b"STREAM FILE")


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"\x00\xff\xfe\n" * 200, id="too many lines of garbage"),
        pytest.param(b"x" * 5000, id="a line without end"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: " + b"a" * 3000, id="another protocol"),
        pytest.param(b"agi_network: yes\n", id="an environment without end"),
        pytest.param(b"", id="nothing at all"),
    ],
)
def test_hostile_octets_are_counted_and_harm_no_other_call(serving: Make, wire: bytes) -> None:
    server = serving(one_prompt)
    with connect(server) as good, connect(server) as bad:
        bad.sendall(wire)
        with contextlib.suppress(OSError):  # it may have been closed for what came so far
            bad.shutdown(socket.SHUT_WR)
        assert gone(bad)
        good.sendall(ENVIRONMENT)
        assert good.recv(100).startswith(b"STREAM FILE")
    assert server.turned_away[Reason.MALFORMED] == 1


def test_whoever_sends_no_environment_in_time_is_closed(
    serving: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastagi, "ENVIRONMENT_SECONDS", 0.1)
    server = serving(one_prompt)
    with connect(server) as slow:
        slow.sendall(b"agi_network: yes\n")
        assert gone(slow)
    assert server.turned_away[Reason.LATE] == 1


def test_over_max_calls_a_call_is_closed_at_once(serving: Make) -> None:
    release = threading.Event()

    def handler(channel: Channel, environment: Mapping[str, str]) -> None:
        channel.answer()
        release.wait(10)

    server = serving(handler, max_calls=1)
    with connect(server) as one, connect(server) as two:
        one.sendall(ENVIRONMENT)
        assert one.recv(100) == b"ANSWER\n"
        one.sendall(OK)
        two.sendall(ENVIRONMENT)
        assert gone(two)
        assert (server.active, server.turned_away[Reason.NO_PLACE]) == (1, 1)
        release.set()
        assert gone(one)
    assert until(lambda: server.active == 0)


def test_a_handler_that_fails_ends_its_own_call_alone(serving: Make) -> None:
    def handler(channel: Channel, environment: Mapping[str, str]) -> None:
        raise KeyError("case")

    server = serving(handler)
    for _ in range(2):
        with connect(server) as call:
            call.sendall(ENVIRONMENT)
            assert gone(call)
    assert (server.failed, server.turned_away[Reason.MALFORMED]) == (2, 0)


def test_closing_drops_a_call_that_does_not_end(serving: Make) -> None:
    server = serving(one_prompt)
    with connect(server) as call:
        call.sendall(ENVIRONMENT)
        assert call.recv(100).startswith(b"STREAM FILE")
        server.close(0.05)
        assert gone(call)
        assert server.active == 0
