import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from tests.voice.fakes import (
    OK,
    PLAYED,
    SPEECH,
    AgiPeer,
    Answer,
    AudioPeer,
    FakeTip,
    audio,
    audio_server,
    key,
    pressed,
)
from tipline_gw.domain.case_code import CaseCode, draw
from tipline_gw.domain.dialog import (
    Ask,
    Command,
    Dialog,
    Done,
    Ended,
    Event,
    Found,
    Heard,
    HungUp,
    Keep,
    Kept,
    Keys,
    Listen,
    LookUp,
    NotFound,
    PlayBack,
    Refused,
    Say,
    Silence,
    Speak,
)
from tipline_gw.domain.tip import State
from tipline_gw.errors import StoreError
from tipline_gw.voice.audiosocket import AudioSocketServer
from tipline_gw.voice.call import CallEnd, run_call
from tipline_gw.voice.channel import Channel
from tipline_gw.voice.frames import Kind
from tipline_gw.voice.lines import Lines

BROKE_OFF = b"200 result=-1\n"
HUNG_UP = b"HANGUP\n200 result=-1\n"


def nothing_known(code: CaseCode) -> State | None:
    return None


class Played:
    """One call: what the dialog was sent, what Asterisk was told, and how it ended."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.commands: list[str] = []
        self.end: CallEnd | None = None
        self.tip = FakeTip()

    def dialog(self, *commands: Command) -> Dialog:
        return self._each(commands)

    def _each(self, commands: tuple[Command, ...]) -> Generator[Command, Event, None]:
        for command in commands:
            event = yield command
            self.events.append(event)
            if isinstance(event, HungUp):
                return


def carried_out(
    *commands: Command,
    answers: list[Answer],
    tip: FakeTip | None = None,
    lookup: Callable[[CaseCode], State | None] = nothing_known,
    audio_listener: AudioSocketServer | None = None,
) -> Played:
    """Asterisk answers ANSWER by itself, then by ``answers``, then with OK to the last HANGUP."""
    played = Played()
    played.tip = tip or played.tip
    ours, theirs = socket.socketpair()
    peer = AgiPeer(theirs, [OK, *answers, OK])
    with ours, own_or(audio_listener) as server:
        try:
            played.end = run_call(
                Channel(Lines(ours)),
                played.dialog(*commands),
                lambda: played.tip,
                lookup,
                server,
                60,
            )
        finally:
            ours.shutdown(socket.SHUT_RDWR)
            peer.join()
    played.commands = peer.commands[1:]
    return played


@contextmanager
def own_or(server: AudioSocketServer | None) -> Generator[AudioSocketServer, None, None]:
    if server is not None:
        yield server
        return
    with audio_server() as own:
        yield own


def streams(wire: bytes, reply: bytes, *, close: bool = False) -> Callable[[str], bytes]:
    """Answers EXEC AudioSocket as Asterisk does: connects, sends ``wire``, and replies when the
    channel was given back, or when ``close`` hung it up."""

    def answer(command: str) -> bytes:
        token, service = command.split('"')[1].split(",")
        peer = AudioPeer(service, token)
        peer.send(wire)
        if not close:
            peer.frames_until_end()
        peer.close()
        return reply

    return answer


def test_a_key_interrupts_whichever_prompt_is_being_played() -> None:
    played = carried_out(Ask(("one", "two", "three")), answers=[PLAYED, pressed("2")])
    assert played.events == [Keys("2")]
    assert played.commands == [
        'STREAM FILE "tipline/one" "0123456789*#" 0',
        'STREAM FILE "tipline/two" "0123456789*#" 0',
        "HANGUP",
    ]
    assert played.end is CallEnd.FINISHED


def test_after_the_prompts_a_key_is_waited_for() -> None:
    played = carried_out(Ask(("one",), seconds=2.5), answers=[PLAYED, b"200 result=49\n"])
    assert played.events == [Keys("1")]
    assert played.commands[1] == "WAIT FOR DIGIT 2500"


def test_no_key_is_silence() -> None:
    assert carried_out(Ask(("one",)), answers=[PLAYED, OK]).events == [Silence()]


@pytest.mark.parametrize(
    ("typed", "keys"),
    [("1234", "1234"), ("12#", "12"), ("1*34", "1*34"), ("12 ", "12"), ("#", "")],
)
def test_several_digits_end_by_their_number_by_the_hash_or_by_waiting(
    typed: str, keys: str
) -> None:
    waited: list[Answer] = [
        f"200 result={0 if each == ' ' else ord(each)}\n".encode() for each in typed[1:]
    ]
    played = carried_out(Ask(("code",), digits=4), answers=[pressed(typed[0]), *waited])
    assert played.events == [Keys(keys)]


def test_the_hash_is_a_key_like_others_where_one_is_asked_for() -> None:
    assert carried_out(Ask(("one",)), answers=[pressed("#")]).events == [Keys("#")]


def test_a_key_pressed_while_something_is_said_counts_for_the_next_question() -> None:
    played = carried_out(
        Say(("welcome",)),
        Ask(("menu",)),
        answers=[pressed("1", 800), pressed("2", 1600), PLAYED],
    )
    assert played.events == [Done(), Keys("1")]
    # Each time it goes on where it was: for the ear nothing was interrupted.
    assert played.commands[:3] == [
        'STREAM FILE "tipline/welcome" "0123456789*#" 0',
        'STREAM FILE "tipline/welcome" "0123456789*#" 800',
        'STREAM FILE "tipline/welcome" "0123456789*#" 1600',
    ]


def test_digits_typed_ahead_are_the_beginning_of_the_answer() -> None:
    played = carried_out(
        Say(("welcome",)),
        Ask(("code",), digits=3),
        answers=[pressed("1", 800), pressed("2", 1600), PLAYED, b"200 result=51\n"],
    )
    assert played.events == [Done(), Keys("123")]


def test_a_prompt_whose_position_does_not_move_does_not_go_on_for_ever() -> None:
    played = carried_out(Say(("tone",)), answers=[pressed("1", 0)])
    assert played.events == [Done()]


def test_the_language_is_that_of_the_prompts_and_of_the_tip() -> None:
    played = carried_out(Speak("en"), answers=[OK])
    assert played.events == [Done()]
    assert played.commands[0] == 'SET VARIABLE "CHANNEL(language)" "en"'
    assert played.tip.language == "en"


def test_what_is_spoken_until_the_hash_goes_to_the_tip() -> None:
    wire = audio() * 5 + key("#")
    played = carried_out(Listen(), answers=[streams(wire, OK)])
    assert played.events == [Heard(Ended.KEY, 0.1)]
    (recording,) = played.tip.recordings
    assert bytes(recording.pcm) == SPEECH * 5
    assert recording.ended == [Ended.KEY]
    assert played.tip.appended == [False]


def test_going_on_with_a_recording_is_said_to_the_tip() -> None:
    wire = audio() + key("#")
    played = carried_out(
        Listen(), Listen(append=True), answers=[streams(wire, OK), streams(wire, OK)]
    )
    assert played.tip.appended == [False, True]


@pytest.mark.parametrize(
    "replies",
    [
        pytest.param([b"200 result=-1 (hangup)\n"], id="said in the reply"),
        pytest.param([b"HANGUP\n200 result=-1\n"], id="said before the reply"),
        pytest.param([BROKE_OFF, HUNG_UP], id="said after the next command"),
        pytest.param([b""], id="not said at all"),
    ],
)
def test_a_hangup_while_recording_keeps_what_was_said(replies: list[bytes]) -> None:
    def last(command: str) -> bytes | None:
        return streams(audio() * 4, b"", close=True)(command) + replies[0] or None

    played = carried_out(Listen(), Keep(), answers=[last, *replies[1:]])
    assert played.events == [HungUp()]
    assert played.end is CallEnd.HUNG_UP
    (recording,) = played.tip.recordings
    assert bytes(recording.pcm) == SPEECH * 4
    assert recording.ended == [Ended.HANGUP]
    assert played.tip.closed == 1


def test_a_store_that_takes_no_more_fails_the_recording_and_the_call_goes_on() -> None:
    played = carried_out(
        Listen(),
        Say(("part-lost",)),
        answers=[streams(audio() * 2 + key("5") + audio() * 2, OK), PLAYED],
        tip=FakeTip(limit=640),
    )
    assert [type(event) for event in played.events] == [Heard, Done]
    assert played.events[0] == Heard(Ended.FAILED, 0.04)
    assert played.tip.recordings[0].ended == [Ended.FAILED]


def test_a_tip_that_cannot_be_begun_is_a_failed_recording() -> None:
    played = carried_out(Listen(), answers=[], tip=FakeTip(refuse=True))
    assert played.events == [Heard(Ended.FAILED, 0.0)]


def test_asterisk_that_does_not_connect_is_a_failed_recording() -> None:
    played = carried_out(Listen(), answers=[BROKE_OFF, OK])
    assert played.events == [Heard(Ended.FAILED, 0.0)]
    assert played.tip.recordings[0].ended == [Ended.FAILED]


def test_what_was_recorded_is_played_back_to_its_end() -> None:
    heard: list[bytes] = []

    def hears(command: str) -> bytes:
        token, service = command.split('"')[1].split(",")
        peer = AudioPeer(service, token)
        frames = peer.frames_until_end()
        heard.extend(frame.payload for frame in frames if frame.kind is Kind.AUDIO)
        peer.close()
        return OK

    wire = audio() * 3 + key("#")
    played = carried_out(Listen(), PlayBack(), answers=[streams(wire, OK), hears])
    assert played.events[1] == Silence()
    assert heard == [SPEECH] * 3


def test_a_key_interrupts_the_playing_back() -> None:
    wire = audio() * 200 + key("#")
    played = carried_out(Listen(), PlayBack(), answers=[streams(wire, OK), streams(key("3"), OK)])
    assert played.events[1] == Keys("3")


def test_a_hangup_ends_the_playing_back() -> None:
    wire = audio() * 200 + key("#")
    played = carried_out(
        Listen(),
        PlayBack(),
        answers=[streams(wire, OK), streams(b"", BROKE_OFF, close=True), HUNG_UP],
    )
    assert played.events[1] == HungUp()
    assert played.end is CallEnd.HUNG_UP


def test_keeping_gives_the_code() -> None:
    played = carried_out(Keep(), answers=[])
    assert played.events == [Kept(played.tip.code)]


def test_a_store_that_cannot_keep_is_a_refusal() -> None:
    assert carried_out(Keep(), answers=[], tip=FakeTip(refuse=True)).events == [Refused()]


def test_a_code_is_looked_up() -> None:
    code = draw()
    played = carried_out(
        LookUp(code), LookUp(draw()), answers=[], lookup={code: State.UNDER_REVIEW}.get
    )
    assert played.events == [Found(State.UNDER_REVIEW), NotFound()]


@pytest.mark.parametrize("error", [KeyError("code"), StoreError("not now")])
def test_a_lookup_that_fails_ends_the_call_and_closes_its_tip(error: Exception) -> None:
    def fails(code: CaseCode) -> State | None:
        raise error

    tip = FakeTip()
    with pytest.raises(type(error)):
        carried_out(LookUp(draw()), answers=[], lookup=fails, tip=tip)
    assert tip.closed == 1


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (Ask(("menu",)), b"200 result=-1 (hangup) endpos=0\n"),
        (Say(("welcome",)), b"511 Command Not Permitted on a dead channel\n"),
        (Speak("es"), b"HANGUP\n200 result=1\n"),
    ],
)
def test_a_hangup_at_any_command_is_told_to_the_dialog_and_closes_the_tip(
    command: Command, answer: bytes
) -> None:
    played = carried_out(command, Keep(), answers=[answer])
    assert played.events == [HungUp()]
    assert played.end is CallEnd.HUNG_UP
    assert played.tip.closed == 1
    assert "HANGUP" not in played.commands


def test_asterisk_that_refuses_a_command_fails_the_call() -> None:
    played = carried_out(Say(("welcome",)), answers=[b"510 Invalid or unknown command\n"])
    assert played.events == [HungUp()]
    assert played.end is CallEnd.FAILED
    assert played.tip.closed == 1


def test_a_dialog_that_does_not_end_after_the_hangup_is_not_followed() -> None:
    def stubborn() -> Dialog:
        while True:
            yield Say(("welcome",))

    ours, theirs = socket.socketpair()
    peer = AgiPeer(theirs, [b"511 dead\n"])
    tip = FakeTip()
    with ours, audio_server() as server:
        end = run_call(Channel(Lines(ours)), stubborn(), lambda: tip, nothing_known, server, 60)
        ours.shutdown(socket.SHUT_RDWR)
        peer.join()
    assert end is CallEnd.HUNG_UP
    assert tip.closed == 1


def test_a_dialog_that_fails_harms_its_own_call_alone() -> None:
    def broken() -> Dialog:
        yield Keep()
        raise KeyError("a fault")

    results: list[object] = []

    def call(dialog: Dialog, server: AudioSocketServer) -> None:
        ours, theirs = socket.socketpair()
        peer = AgiPeer(theirs, [OK, OK, OK])
        with ours:
            try:
                results.append(
                    run_call(Channel(Lines(ours)), dialog, FakeTip, nothing_known, server, 60)
                )
            except KeyError as error:
                results.append(error)
            ours.shutdown(socket.SHUT_RDWR)
            peer.join()

    with audio_server() as server:
        good = Played()
        threads = [
            threading.Thread(target=call, args=(dialog, server))
            for dialog in (broken(), good.dialog(Keep()))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert CallEnd.FINISHED in results
    assert any(isinstance(result, KeyError) for result in results)
