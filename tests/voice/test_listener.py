import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tipline_gw.errors import VoiceError
from tipline_gw.voice.listener import Listener, parse_address, written_address
from tipline_gw.voice.lobby import Reason, Verdict

Make = Callable[..., Listener]


@pytest.fixture
def listening() -> Iterator[Make]:
    made: list[Listener] = []

    def make(serve: Callable[[socket.socket, memoryview], None], most: int = 4) -> Listener:
        made.append(Listener("test", "127.0.0.1:0", serve, most, anything, 5.0))
        made[-1].serve_forever()
        return made[-1]

    yield make
    for each in made:
        each.close()


def anything(buffer: bytearray, size: int) -> Verdict:
    return Verdict.ADMIT


def connect(listener: Listener) -> socket.socket:
    host, port = parse_address(listener.address)
    return socket.create_connection((host, port), timeout=10)


def gone(connection: socket.socket) -> bool:
    """Closed by the other side; with what was sent left unread, by a reset."""
    try:
        return connection.recv(10) == b""
    except ConnectionError:
        return True


def until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end and not true():
        time.sleep(0.005)
    return true()


def echo(connection: socket.socket, said: memoryview) -> None:
    data = bytes(said)
    while data:
        connection.sendall(data)
        data = connection.recv(100)


def test_each_connection_is_served_in_a_thread_of_its_own(listening: Make) -> None:
    listener = listening(echo)
    with connect(listener) as one, connect(listener) as two:
        two.sendall(b"two")
        one.sendall(b"one")
        assert (one.recv(10), two.recv(10)) == (b"one", b"two")
        assert listener.active == 2
    assert until(lambda: listener.active == 0)


def test_over_the_bound_a_connection_is_closed_and_a_place_comes_free_again(
    listening: Make,
) -> None:
    listener = listening(echo, most=1)
    with connect(listener) as one:
        one.sendall(b"one")
        assert one.recv(10) == b"one"
        with connect(listener) as over:
            over.sendall(b"over")
            assert gone(over)
        assert listener.turned_away[Reason.NO_PLACE] == 1
    assert until(lambda: listener.active == 0)
    with connect(listener) as next_one:
        next_one.sendall(b"next")
        assert next_one.recv(10) == b"next"


def test_what_a_handler_raises_ends_its_own_connection_alone(listening: Make) -> None:
    def serve(connection: socket.socket, said: memoryview) -> None:
        if said == b"bad":
            raise KeyError("+526561234567")
        connection.sendall(b"fine")

    listener = listening(serve)
    with connect(listener) as good, connect(listener) as bad:
        bad.sendall(b"bad")
        assert bad.recv(10) == b""
        good.sendall(b"good")
        assert good.recv(10) == b"fine"
    assert listener.failed == 1


def test_what_was_said_is_wiped_when_the_connection_is_over(listening: Make) -> None:
    kept: list[memoryview] = []
    listener = listening(lambda _connection, said: kept.append(said))
    with connect(listener) as one:
        one.sendall(b"+526561234567")
        assert gone(one)
    assert until(lambda: listener.active == 0)
    assert bytes(kept[0]) == bytes(13)


def test_closing_lets_what_is_in_progress_end_by_itself(listening: Make) -> None:
    ended = threading.Event()

    def serve(connection: socket.socket, _said: memoryview) -> None:
        while connection.recv(10) != b"done":
            pass
        ended.set()

    listener = listening(serve)
    with connect(listener) as one:
        one.sendall(b"one")
        assert until(lambda: listener.active == 1)
        threading.Timer(0.2, one.sendall, [b"done"]).start()
        listener.close(drain_seconds=10)
        assert ended.is_set()
        assert listener.active == 0


def test_closing_drops_what_does_not_end(listening: Make) -> None:
    listener = listening(echo)
    with connect(listener) as one:
        one.sendall(b"one")
        assert one.recv(10) == b"one"
        listener.close(drain_seconds=0.05)
        assert listener.active == 0
        assert one.recv(10) == b""


def test_closed_it_accepts_no_more_and_closing_again_does_nothing(listening: Make) -> None:
    listener = listening(echo)
    listener.close()
    listener.close()
    with pytest.raises(OSError, match="refused"):
        connect(listener)


def test_a_port_in_use_is_our_error_with_what_to_do(listening: Make) -> None:
    listener = listening(echo)
    with pytest.raises(VoiceError, match="choose another port"):
        Listener("test", listener.address, echo, 1, anything, 5.0)


def test_addresses_of_the_loopback_are_read_and_written() -> None:
    assert parse_address("127.0.0.1:4573") == ("127.0.0.1", 4573)
    assert parse_address("[::1]:4573") == ("::1", 4573)
    assert written_address("::1", 4573) == "[::1]:4573"
    assert written_address("127.0.0.1", 4573) == "127.0.0.1:4573"


NOT_LOOPBACK = ["localhost:4573", "0.0.0.0:4573", "192.0.2.1:1", "[::]:1", ":4573"]
NO_ADDRESS = ["", "4573", "127.0.0.1", "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:x"]


@pytest.mark.parametrize("listen", [*NOT_LOOPBACK, *NO_ADDRESS])
def test_anything_but_a_port_of_the_loopback_is_refused(listen: str) -> None:
    with pytest.raises(VoiceError):
        parse_address(listen)
