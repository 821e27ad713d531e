import socket
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.voice.fakes import OK, PLAYED, AgiPeer, Answer, pressed
from tipline_gw.errors import CallerHungUp, VoiceError
from tipline_gw.voice.channel import Channel, Played
from tipline_gw.voice.lines import Lines

Make = Callable[..., tuple[Channel, AgiPeer]]


@pytest.fixture
def scripted() -> Iterator[Make]:
    sockets: list[socket.socket] = []

    def make(*answers: Answer) -> tuple[Channel, AgiPeer]:
        ours, theirs = socket.socketpair()
        sockets.append(ours)
        return Channel(Lines(ours)), AgiPeer(theirs, list(answers))

    yield make
    for each in sockets:
        each.close()


def test_commands_are_written_as_asterisk_reads_them(scripted: Make) -> None:
    channel, peer = scripted(OK, OK, PLAYED, OK, OK, OK)
    channel.answer()
    channel.set_language("es")
    channel.stream_file("tipline/menu", "12", 800)
    channel.wait_for_digit(2.5)
    channel.exec_audiosocket("40325ec2-5efd-4bd3-805f-53576e581d13", "127.0.0.1:4574", 1)
    channel.hangup()
    assert peer.commands == [
        "ANSWER",
        'SET VARIABLE "CHANNEL(language)" "es"',
        'STREAM FILE "tipline/menu" "12" 800',
        "WAIT FOR DIGIT 2500",
        'EXEC AudioSocket "40325ec2-5efd-4bd3-805f-53576e581d13,127.0.0.1:4574"',
        "HANGUP",
    ]


def test_a_key_and_where_it_was_pressed(scripted: Make) -> None:
    channel, _ = scripted(pressed("#", 4000), PLAYED, b"200 result=42\n", OK)
    assert channel.stream_file("tipline/a", "#") == Played("#", 4000)
    assert channel.stream_file("tipline/a", "#") == Played("", 1600)
    assert channel.wait_for_digit(1) == "*"
    assert channel.wait_for_digit(1) == ""


def test_a_key_that_the_line_doubles_is_one_and_what_was_waited_for_is_waited_for_still(
    scripted: Make,
) -> None:
    one, two = b"200 result=49\n", b"200 result=50\n"
    channel, peer = scripted(one, one, two)
    assert channel.wait_for_digit(3) == "1"
    assert channel.wait_for_digit(3) == "2"
    assert len(peer.commands) == 3


def test_a_prompt_that_a_doubled_key_interrupted_goes_on_where_it_was(scripted: Make) -> None:
    channel, peer = scripted(b"200 result=49\n", pressed("1", 480), PLAYED)
    assert channel.wait_for_digit(3) == "1"
    assert channel.stream_file("tipline/a", "123") == Played("", 1600)
    assert peer.commands[1:] == [
        'STREAM FILE "tipline/a" "123" 0',
        'STREAM FILE "tipline/a" "123" 480',
    ]


@pytest.mark.parametrize("result", [65, 7, 300, 999_999_999])
def test_what_no_telephone_can_press_is_no_key(scripted: Make, result: int) -> None:
    channel, _ = scripted(f"200 result={result}\n".encode(), OK)
    assert channel.wait_for_digit(1) == ""


def test_a_key_that_the_line_invents_does_not_end_the_waiting(scripted: Make) -> None:
    channel, peer = scripted(b"200 result=65\n", b"200 result=49\n")
    assert channel.wait_for_digit(1) == "1"
    assert len(peer.commands) == 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"200 result=-1 (hangup) endpos=80\n", id="hung up during it"),
        pytest.param(b"HANGUP\n200 result=49\n", id="hangup line before the reply"),
        pytest.param(b"511 Command Not Permitted on a dead channel\n", id="dead channel"),
        pytest.param(lambda _: None, id="end of stream"),
    ],
)
def test_a_hangup_shows_at_once_and_stays(scripted: Make, answer: Answer) -> None:
    channel, peer = scripted(answer, OK, OK)
    with pytest.raises(CallerHungUp):
        channel.stream_file("tipline/a")
    assert channel.hung_up
    with pytest.raises(CallerHungUp):
        channel.answer()
    channel.hangup()
    assert len(peer.commands) == 1


def test_a_hangup_line_after_a_reply_is_seen_by_the_next_command(scripted: Make) -> None:
    channel, _ = scripted(PLAYED + b"HANGUP\n", OK)
    channel.stream_file("tipline/a")
    with pytest.raises(CallerHungUp):
        channel.wait_for_digit(1)


def test_a_prompt_that_is_missing_is_not_a_hangup(scripted: Make) -> None:
    channel, peer = scripted(b"200 result=-1 endpos=0\n", OK, OK)
    with pytest.raises(VoiceError) as caught:
        channel.stream_file("tipline/nonesuch")
    assert not isinstance(caught.value, CallerHungUp)
    channel.answer()
    assert peer.commands[1] == "WAIT FOR DIGIT 1"


def test_a_stream_that_broke_off_leaves_the_channel_usable(scripted: Make) -> None:
    channel, _ = scripted(b"200 result=-1\n", OK, PLAYED)
    channel.exec_audiosocket("uuid", "127.0.0.1:1", 1)
    assert channel.stream_file("tipline/a") == Played("", 1600)


def test_a_stream_that_ended_by_hangup_is_told_from_one_that_broke_off(scripted: Make) -> None:
    channel, _ = scripted(b"200 result=-1\n", b"HANGUP\n200 result=-1\n")
    with pytest.raises(CallerHungUp):
        channel.exec_audiosocket("uuid", "127.0.0.1:1", 1)


@pytest.mark.parametrize("answer", [b"510 Invalid or unknown command\n", b"nonsense\n", b""])
def test_what_asterisk_says_to_the_last_command_is_no_fault_of_the_call(
    scripted: Make, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr("tipline_gw.voice.channel._MARGIN", 0.05)
    channel, _ = scripted(answer)
    channel.hangup()
    assert channel.hung_up


@pytest.mark.parametrize(
    "answer",
    [
        b"510 Invalid or unknown command\n",
        b"520-Invalid command syntax.  Proper usage follows:\nUsage: X\n520 End\n",
        b"complete nonsense\n",
    ],
)
def test_a_command_asterisk_refuses_is_our_error_and_the_next_one_works(
    scripted: Make, answer: bytes
) -> None:
    channel, _ = scripted(answer, PLAYED)
    with pytest.raises(VoiceError) as caught:
        channel.answer()
    assert not isinstance(caught.value, CallerHungUp)
    assert channel.stream_file("tipline/a") == Played("", 1600)


def test_asterisk_gone_while_a_command_is_written_is_a_hangup(scripted: Make) -> None:
    channel, peer = scripted()
    peer.socket.shutdown(socket.SHUT_RDWR)
    peer.join()
    with pytest.raises(CallerHungUp):
        channel.answer()


def test_asterisk_that_never_answers_is_our_error(
    scripted: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tipline_gw.voice.channel._MARGIN", 0.05)
    channel, _ = scripted(b"")
    with pytest.raises(VoiceError):
        channel.answer()


def test_quotes_and_backslashes_are_escaped(scripted: Make) -> None:
    channel, peer = scripted(PLAYED)
    channel.stream_file('a" "b\\')
    assert peer.commands == ['STREAM FILE "a\\" \\"b\\\\" "" 0']


@pytest.mark.parametrize("mark", ["\n", "\r", "\0"])
def test_an_argument_cannot_carry_a_second_command(scripted: Make, mark: str) -> None:
    channel, peer = scripted(OK)
    with pytest.raises(VoiceError):
        channel.set_language(f"es{mark}HANGUP")
    assert peer.commands == []


def test_nothing_is_written_to_stderr_and_no_signal_handler_is_installed(
    scripted: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    import signal

    before = signal.getsignal(signal.SIGHUP)
    channel, _ = scripted(PLAYED)
    channel.stream_file("tipline/a")
    assert signal.getsignal(signal.SIGHUP) is before
    assert channel.env == {}
    assert channel.stderr is not sys.stderr
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
