"""The console's side is played here by a socket; the real one is asked in tests/voice."""

import socket
import threading

import pytest

from tipline_gw import asterisk_console
from tipline_gw.asterisk_console import Console
from tipline_gw.errors import VoiceError

GREETING = b"host/4711/22.10.1\n"


@pytest.fixture
def far(tmp_path):
    """A directory whose path is longer than a socket's may be."""
    folder = tmp_path / ("a" * 80) / ("b" * 80)
    folder.mkdir(parents=True)
    return folder / "asterisk.ctl"


@pytest.fixture
def answering(far, monkeypatch):
    """``answering(chunks)``: an Asterisk that answers one question so; gives what it was asked."""
    monkeypatch.chdir(far.parent)
    servers = []

    def start(*chunks):
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(far.name)
        server.listen(1)
        asked = bytearray()

        def serve():
            connection, _ = server.accept()
            with connection:
                asked.extend(connection.recv(1000))
                for chunk in chunks:
                    try:
                        connection.sendall(chunk)
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        servers.append((server, thread))
        return asked

    yield start
    for server, thread in servers:
        thread.join(10)
        server.close()


def test_a_question_is_answered_without_the_greeting_and_in_pieces(far, answering):
    asked = answering(GREETING, b"CEL Log", b"ging: Disabled\n\0")
    assert Console(far).ask("cel show status") == "CEL Logging: Disabled\n"
    assert asked == b"cli quit after cel show status\0"


def test_an_answer_without_a_greeting_is_whole(far, answering):
    answering(b"one\ntwo\n")
    assert Console(far).ask("module show") == "one\ntwo\n"


def test_an_answer_without_an_end_is_cut(far, answering, monkeypatch):
    monkeypatch.setattr(asterisk_console, "LARGEST_ANSWER", 1 << 20)
    answering(*[b"x" * 65536] * 64)
    with pytest.raises(VoiceError, match="without an end"):
        Console(far).ask("module show")


@pytest.mark.parametrize(
    "command",
    ["core stop now", "module show\0core stop now", "module show\n", "!ls", "", "database put a b",
     "pjsip show endpoint a b", "pjsip show endpoint ../x y", "core set verbose 3"],
)  # fmt: skip
def test_only_what_changes_nothing_is_asked(far, command):
    with pytest.raises(VoiceError, match="not a command"):
        Console(far).ask(command)


def test_none_that_runs_is_known_and_told(far):
    assert Console(far).runs() is False
    with pytest.raises(VoiceError, match="does not answer"):
        Console(far).ask("module show")
    far.touch()
    assert Console(far).runs() is False
    assert Console(far.parent / "none" / "asterisk.ctl").runs() is False


def test_one_that_hangs_is_not_taken_for_none(far, monkeypatch):
    monkeypatch.chdir(far.parent)
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as waiting:
        server.bind(far.name)
        server.listen(0)
        waiting.connect(far.name)
        assert Console(far).runs()
        with pytest.raises(VoiceError, match="does not answer"):
            Console(far).ask("module show")


def test_one_that_may_not_be_asked_is_not_taken_for_none(far, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(asterisk_console.os, "open", refused)
    with pytest.raises(PermissionError):
        Console(far).runs()
    with pytest.raises(VoiceError, match="run as root"):
        Console(far).ask("module show")
