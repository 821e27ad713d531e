import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import ModuleType
from typing import NoReturn

import pytest

from tests.voice.fakes import (
    OK,
    PLAYED,
    SPEECH,
    AgiPeer,
    Answer,
    AudioPeer,
    FakeRecording,
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
    Count,
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
    PlayAnswer,
    PlayBack,
    Prepare,
    Refused,
    Say,
    Silence,
    Speak,
)
from tipline_gw.domain.intake import CaseNews
from tipline_gw.domain.tip import State, TipId
from tipline_gw.errors import StoreError
from tipline_gw.voice.audiosocket import AudioSocketServer
from tipline_gw.voice.call import LOOK_SECONDS, SOON_SECONDS, CallEnd, run_call
from tipline_gw.voice.channel import Channel
from tipline_gw.voice.frames import FRAME, Kind
from tipline_gw.voice.keypad import DOUBLE_SECONDS
from tipline_gw.voice.lines import Lines

CASE = TipId(bytes(range(16)))
NEWS = CaseNews(CASE, State.UNDER_REVIEW)
BROKE_OFF = b"200 result=-1\n"
HUNG_UP = b"HANGUP\n200 result=-1\n"


def nothing_known(code: CaseCode) -> CaseNews | None:
    return None


def made(tips: list[FakeTip]) -> Callable[[], FakeTip]:
    """Makes a tip, and adds it to ``tips``."""

    def make() -> FakeTip:
        tips.append(FakeTip())
        return tips[-1]

    return make


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
    lookup: Callable[[CaseCode], CaseNews | None] = nothing_known,
    audio_listener: AudioSocketServer | None = None,
    make: Callable[[], FakeTip] | None = None,
    on_event: Callable[[str], None] = lambda _what: None,
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
                make or (lambda: played.tip),
                lookup,
                server,
                60,
                on_event=on_event,
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


def waits(command: str) -> bytes:
    """Answers WAIT FOR DIGIT when nothing is pressed."""
    time.sleep(int(command.split()[-1]) / 1000)
    return OK


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
        'STREAM FILE "tipline/one" "0123456789*" 0',
        'STREAM FILE "tipline/two" "0123456789*" 0',
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
    [("1234", "1234"), ("12#", "12"), ("1*", "1*"), ("*", "*"), ("12 ", "12")],
)
def test_several_digits_end_by_their_number_by_hash_or_star_or_by_waiting(
    typed: str, keys: str
) -> None:
    waited: list[Answer] = [
        f"200 result={0 if each == ' ' else ord(each)}\n".encode() for each in typed[1:]
    ]
    played = carried_out(Ask(("code",), digits=4), answers=[pressed(typed[0]), *waited])
    assert played.events == [Keys(keys)]


def test_a_hash_out_of_habit_is_not_heard_and_the_key_after_it_is() -> None:
    hash_, one = b"200 result=35\n", b"200 result=49\n"
    played = carried_out(Ask(("one",)), answers=[PLAYED, hash_, hash_, one])
    assert played.events == [Keys("1")]
    # What is left of the time, not all of it again.
    waits = [int(command.split()[-1]) for command in played.commands[1:4]]
    assert waits == sorted(waits, reverse=True)


def test_a_hash_alone_begins_no_code() -> None:
    replies: list[Answer] = [PLAYED, b"200 result=35\n", b"200 result=55\n", b"200 result=35\n"]
    assert carried_out(Ask(("code",), digits=4), answers=replies).events == [Keys("7")]


def test_no_time_at_all_asks_only_for_what_is_there() -> None:
    played = carried_out(Ask(("tone",), seconds=0), answers=[PLAYED])
    assert played.events == [Silence()]
    assert len(played.commands) == 2


def test_a_key_pressed_while_something_is_said_counts_for_the_next_question() -> None:
    played = carried_out(
        Say(("welcome",)),
        Ask(("menu",)),
        answers=[pressed("1", 800), pressed("2", 1600), PLAYED],
    )
    assert played.events == [Done(), Keys("1")]
    # Each time it goes on where it was: for the ear nothing was interrupted.
    assert played.commands[:3] == [
        'STREAM FILE "tipline/welcome" "0123456789*" 0',
        'STREAM FILE "tipline/welcome" "0123456789*" 800',
        'STREAM FILE "tipline/welcome" "0123456789*" 1600',
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


def test_a_language_that_nobody_chose_yet_is_marked_for_the_dialplan() -> None:
    played = carried_out(Speak("en", chosen=False), answers=[OK])
    assert played.commands[0] == 'SET VARIABLE "CHANNEL(language)" "en_ZZ"'
    assert played.tip.language == "en"


def test_what_is_spoken_until_the_hash_goes_to_the_tip() -> None:
    wire = audio() * 30 + key("#")
    played = carried_out(Listen(), answers=[streams(wire, OK)])
    assert played.events == [Heard(Ended.KEY, 0.6)]
    (recording,) = played.tip.recordings
    assert bytes(recording.pcm) == SPEECH * 30
    assert recording.ended == [Ended.KEY]
    assert played.tip.appended == [False]


def test_going_on_with_a_recording_is_said_to_the_tip() -> None:
    wire = audio() * 25 + key("#")
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


def test_a_key_pressed_while_a_recording_is_committed_answers_the_next_question() -> None:
    class Slow(FakeRecording):
        def finish(self, ended: Ended, *, spoken: bool = True) -> None:
            time.sleep(10 * SOON_SECONDS)
            super().finish(ended, spoken=spoken)

    class SlowTip(FakeTip):
        def record(self, *, append: bool) -> FakeRecording:
            self.recordings.append(Slow())
            return self.recordings[-1]

    def quiet(command: str) -> bytes:
        return OK if command == "HANGUP" else waits(command)

    wire = audio() * 30 + key("#") + key("4")
    played = carried_out(
        Listen(), Ask(("menu",)), Ask(("menu",)),
        answers=[streams(wire, OK), b"200 result=49\n", *[quiet] * 8], tip=SlowTip(),
    )  # fmt: skip
    assert played.events == [Heard(Ended.KEY, 0.6), Keys("4"), Keys("1")]
    assert "WAIT FOR DIGIT" in played.commands[1]
    assert played.tip.recordings[0].ended == [Ended.KEY]


def test_a_store_that_takes_no_more_fails_the_recording_and_the_call_goes_on() -> None:
    played = carried_out(
        Listen(),
        Say(("part-lost",)),
        answers=[streams(audio() * 2 + key("5") + audio() * 2, OK), PLAYED],
        tip=FakeTip(limit=640),
    )
    assert [type(event) for event in played.events] == [Heard, Done]
    assert played.events[0] == Heard(Ended.FAILED, 0.04, spoken=False)
    assert played.tip.recordings[0].ended == [Ended.FAILED]


def test_a_tip_that_cannot_be_begun_is_a_failed_recording() -> None:
    played = carried_out(Listen(), answers=[], tip=FakeTip(refuse=True))
    assert played.events == [Heard(Ended.FAILED, 0.0)]


def test_what_was_prepared_is_what_is_recorded() -> None:
    played = carried_out(
        Prepare(Listen()), Ask(("tone",), 0.0), Listen(), answers=[PLAYED, spoke()]
    )
    assert played.events[0] == Done()
    (recording,) = played.tip.recordings
    assert bytes(recording.pcm) == SPEECH * 30
    assert recording.ended == [Ended.KEY]


def test_what_was_prepared_and_not_spoken_is_dropped() -> None:
    played = carried_out(
        Prepare(Listen()), Ask(("tone",), 0.0), Prepare(Listen(append=True)), Keep(),
        answers=[pressed("*")],
    )  # fmt: skip
    assert [recording.ended for recording in played.tip.recordings] == [[Ended.HANGUP]] * 2
    assert [recording.spoken for recording in played.tip.recordings] == [[False]] * 2


def test_a_caller_who_hangs_up_at_the_tone_leaves_nothing() -> None:
    played = carried_out(Prepare(Listen()), Ask(("tone",), 0.0), answers=[HUNG_UP])
    assert played.events == [Done(), HungUp()]
    (recording,) = played.tip.recordings
    assert recording.spoken == [False]
    assert played.tip.closed == 1


def test_what_was_prepared_for_something_else_is_not_recorded() -> None:
    played = carried_out(Prepare(Listen()), Listen(append=True), answers=[spoke()])
    first, second = played.tip.recordings
    assert (first.spoken, bytes(first.pcm)) == ([False], b"")
    assert bytes(second.pcm) == SPEECH * 30


def test_what_was_prepared_for_one_case_does_not_go_to_another() -> None:
    cases = iter([CASE, TipId(bytes(16))])
    tips: list[FakeTip] = []
    addition = Listen(addition=True)
    carried_out(
        LookUp(draw()), Prepare(addition), LookUp(draw()), addition,
        answers=[spoke()], lookup=lambda _: CaseNews(next(cases), State.UNDER_REVIEW),
        make=made(tips),
    )  # fmt: skip
    assert [tip.adds_to for tip in tips] == [CASE, TipId(bytes(16))]
    assert [recording.spoken for tip in tips for recording in tip.recordings] == [[False], [True]]


def test_a_tip_that_cannot_be_prepared_is_refused() -> None:
    played = carried_out(Prepare(Listen()), answers=[], tip=FakeTip(refuse=True))
    assert played.events == [Refused()]


def test_a_key_pressed_while_the_store_is_slow_answers_the_next_question() -> None:
    class Slow(FakeTip):
        def record(self, *, append: bool) -> FakeRecording:
            time.sleep(2 * SOON_SECONDS)
            return super().record(append=append)

    played = carried_out(
        Prepare(Listen()), Ask(("tone",), 0.0), answers=[b"200 result=42\n"], tip=Slow()
    )
    assert played.events == [Done(), Keys("*")]


def test_asterisk_that_does_not_connect_is_a_failed_recording() -> None:
    played = carried_out(Listen(), answers=[BROKE_OFF, OK])
    assert played.events == [Heard(Ended.FAILED, 0.0)]
    assert played.tip.recordings[0].ended == [Ended.FAILED]


def hears(heard: list[bytes]) -> Callable[[str], bytes]:
    """Answers EXEC AudioSocket, and adds to ``heard`` what is played."""

    def answer(command: str) -> bytes:
        token, service = command.split('"')[1].split(",")
        peer = AudioPeer(service, token)
        frames = peer.frames_until_end()
        heard.extend(frame.payload for frame in frames if frame.kind is Kind.AUDIO)
        peer.close()
        return OK

    return answer


def test_what_was_recorded_is_played_back_to_its_end() -> None:
    heard: list[bytes] = []

    wire = audio() * 25 + key("#")
    played = carried_out(Listen(), PlayBack(), answers=[streams(wire, OK), hears(heard)])
    assert played.events[1] == Silence()
    assert heard == [SPEECH] * 25


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
    played = carried_out(LookUp(code), LookUp(draw()), answers=[], lookup={code: NEWS}.get)
    assert played.events == [Found(State.UNDER_REVIEW), NotFound()]


@pytest.mark.parametrize("answer", [None, lambda _language: bytearray(2)])
def test_of_a_case_is_told_whether_there_is_an_answer_and_room_for_more(answer) -> None:
    news = CaseNews(CASE, State.RECEIVED, open=True, answer=answer)
    played = carried_out(LookUp(draw()), answers=[], lookup=lambda _: news)
    assert played.events == [Found(State.RECEIVED, answer is not None, open=True)]


def slow(news: CaseNews, seconds: float) -> Callable[[CaseCode], CaseNews]:
    def lookup(_: CaseCode) -> CaseNews:
        time.sleep(seconds)
        return news

    return lookup


def test_a_key_pressed_while_a_code_is_looked_up_answers_the_next_question() -> None:
    played = carried_out(
        LookUp(draw()), Ask(("menu",)), answers=[pressed("#"), pressed("2"), waits, waits],
        lookup=slow(NEWS, 0.3),
    )  # fmt: skip
    assert played.events == [Found(State.UNDER_REVIEW), Keys("2")]
    assert set(played.commands[:-1]) == {f"WAIT FOR DIGIT {LOOK_SECONDS * 1000:.0f}"}


def test_what_is_done_soon_waits_for_no_key() -> None:
    played = carried_out(LookUp(draw()), Keep(), answers=[], lookup=lambda _: NEWS)
    assert len(played.commands) == 1


def test_without_another_thread_a_code_is_looked_up_all_the_same(monkeypatch) -> None:
    monkeypatch.setattr(ThreadPoolExecutor, "submit", fails(RuntimeError("can't start new thread")))
    played = carried_out(LookUp(draw()), answers=[], lookup=lambda _: NEWS)
    assert played.events == [Found(State.UNDER_REVIEW)]


def test_a_hangup_while_a_tip_is_kept_does_not_break_that_off() -> None:
    class Slow(FakeTip):
        def keep(self) -> CaseCode | None:
            time.sleep(0.3)
            kept.append(self.closed)
            return super().keep()

    kept: list[int] = []
    played = carried_out(Keep(), Ask(("menu",)), answers=[HUNG_UP], tip=Slow())
    assert (played.events, played.end) == ([Kept(played.tip.code), HungUp()], CallEnd.HUNG_UP)
    assert (kept, played.tip.closed) == ([0], 1)


@pytest.mark.parametrize("command", [Keep(), Prepare(Listen()), LookUp(draw())])
def test_asterisk_that_does_not_answer_meanwhile_is_no_store_that_refuses(command: Command) -> None:
    """Nor is its next reply, late as it is, taken for that to another command."""

    class Slow(FakeTip):
        def keep(self) -> CaseCode | None:
            time.sleep(4 * SOON_SECONDS)
            return super().keep()

        def record(self, *, append: bool) -> FakeRecording:
            time.sleep(4 * SOON_SECONDS)
            return super().record(append=append)

    played = carried_out(
        command, Say(("cannot-take-now",)), answers=[b"nonsense\n", PLAYED],
        tip=Slow(), lookup=slow(NEWS, 4 * SOON_SECONDS),
    )  # fmt: skip
    assert Refused() not in played.events
    assert (played.events[1], played.end) == (HungUp(), CallEnd.FAILED)
    assert not any("cannot-take-now" in command for command in played.commands)
    assert [recording.spoken for recording in played.tip.recordings] in ([], [[False]])
    assert played.tip.closed == 1


def test_an_answer_that_opens_after_the_hangup_is_wiped() -> None:
    def answer(_: str) -> bytearray:
        time.sleep(0.3)
        return pcm

    pcm = bytearray(SPEECH)
    news = CaseNews(CASE, State.ACTION_TAKEN, answer=answer)
    played = carried_out(LookUp(draw()), PlayAnswer(), answers=[HUNG_UP], lookup=lambda _: news)
    assert (played.end, pcm) == (CallEnd.HUNG_UP, bytearray(len(SPEECH)))


def fails(error: Exception) -> Callable[..., NoReturn]:
    def lookup(*_: object) -> NoReturn:
        raise error

    return lookup


def test_a_lookup_that_fails_for_a_fault_ends_the_call_and_closes_its_tip() -> None:
    tip = FakeTip()
    with pytest.raises(KeyError):
        carried_out(LookUp(draw()), answers=[], lookup=fails(KeyError("code")), tip=tip)
    assert tip.closed == 1


def test_a_store_that_does_not_answer_is_told_to_the_dialog() -> None:
    played = carried_out(LookUp(draw()), answers=[], lookup=fails(StoreError("not now")))
    assert played.events == [Refused()]


def test_an_answer_is_played_in_the_language_of_the_call_and_wiped() -> None:
    pcm = bytearray(SPEECH * 3)
    asked: list[str] = []

    def answer(language: str) -> bytearray:
        asked.append(language)
        return pcm

    heard: list[bytes] = []
    news = CaseNews(CASE, State.ACTION_TAKEN, answer=answer)
    played = carried_out(
        Speak("en"), LookUp(draw()), PlayAnswer(), answers=[OK, hears(heard)], lookup=lambda _: news
    )
    assert played.events[2] == Silence()
    assert (asked, heard) == (["en"], [SPEECH] * 3)
    assert pcm == bytes(len(SPEECH) * 3)


def test_a_key_interrupts_the_answer_and_the_next_one_is_kept() -> None:
    news = CaseNews(CASE, State.ACTION_TAKEN, answer=lambda _: bytearray(SPEECH * 300))
    played = carried_out(
        LookUp(draw()), PlayAnswer(), Ask(("menu",)),
        answers=[streams(key("#") + key("1") + key("2"), OK)], lookup=lambda _: news,
    )  # fmt: skip
    assert played.events[1:] == [Keys("1"), Keys("2")]


@pytest.mark.parametrize("answer", [None, fails(StoreError("sealed to another key"))])
def test_an_answer_that_does_not_open_is_told_to_the_dialog(answer) -> None:
    news = CaseNews(CASE, State.ACTION_TAKEN, answer=answer)
    played = carried_out(LookUp(draw()), PlayAnswer(), answers=[], lookup=lambda _: news)
    assert played.events[1] == Refused()


def test_an_answer_to_nothing_is_refused() -> None:
    assert carried_out(PlayAnswer(), answers=[]).events == [Refused()]


def spoke() -> Answer:
    """Not so soon after the last one that its hash would be the same press of the key."""

    def answer(command: str) -> bytes:
        time.sleep(DOUBLE_SECONDS)
        return streams(audio() * 30 + key("#"), OK)(command)

    return answer


def test_an_addition_goes_to_the_case_that_was_found() -> None:
    tips: list[FakeTip] = []
    counted: list[str] = []
    played = carried_out(
        LookUp(draw()), Listen(addition=True), Keep(),
        answers=[spoke()], lookup=lambda _: NEWS, make=made(tips), on_event=counted.append,
    )  # fmt: skip
    assert tips[0].adds_to == CASE
    assert played.events[2] == Kept(None)
    assert counted == ["addition"]


def test_an_addition_to_no_case_is_a_failed_recording() -> None:
    assert carried_out(Listen(addition=True), answers=[]).events == [Heard(Ended.FAILED, 0.0)]


def test_what_is_recorded_after_a_tip_was_kept_is_a_tip_of_its_own() -> None:
    tips: list[FakeTip] = []
    carried_out(
        Speak("en"), Listen(), Keep(), Listen(), Listen(append=True), Keep(),
        answers=[OK, spoke(), spoke(), spoke()], make=made(tips),
    )  # fmt: skip
    assert [len(tip.recordings) for tip in tips] == [1, 2]
    assert [tip.closed for tip in tips] == [1, 1]
    assert [tip.language for tip in tips] == ["en", "en"]


def test_what_is_added_to_a_case_is_not_mixed_with_a_tip_that_was_begun() -> None:
    tips: list[FakeTip] = []
    carried_out(
        Listen(), LookUp(draw()), Listen(addition=True), Listen(),
        answers=[spoke(), spoke(), spoke()], lookup=lambda _: NEWS, make=made(tips),
    )  # fmt: skip
    assert [tip.adds_to for tip in tips] == [None, CASE, None]
    assert [tip.closed for tip in tips] == [1, 1, 1]


def test_a_language_chosen_after_a_tip_was_kept_is_that_of_the_next() -> None:
    tips: list[FakeTip] = []
    carried_out(
        Speak("es"), Listen(), Keep(), Speak("en"), Listen(),
        answers=[OK, spoke(), OK, spoke()], make=made(tips),
    )  # fmt: skip
    assert [tip.language for tip in tips] == ["es", "en"]


class Backwards:
    """A disguise that holds everything back until it is flushed."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, pcm: bytes | memoryview) -> bytes:
        self._held += bytes(pcm)
        return b""

    def flush(self) -> bytes:
        return self._held[::-1]


def test_a_disguised_recording_holds_nothing_of_the_real_voice(monkeypatch) -> None:
    fake = ModuleType("tipline_gw.voice.disguise")
    fake.Disguise = Backwards  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tipline_gw.voice.disguise", fake)
    counted: list[str] = []
    played = carried_out(Listen(disguised=True), answers=[spoke()], on_event=counted.append)
    (recording,) = played.tip.recordings
    assert bytes(recording.pcm) == (SPEECH * 30)[::-1]
    assert played.events == [Heard(Ended.KEY, 0.6)]
    assert counted == ["disguised"]


def test_without_a_disguise_nothing_is_recorded_undisguised(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "tipline_gw.voice.disguise", None)
    tip = FakeTip()
    with pytest.raises(ImportError):
        carried_out(Listen(disguised=True), answers=[], tip=tip)
    assert tip.recordings == []


def test_silence_is_told_dropped_and_counted() -> None:
    counted: list[str] = []
    wire = audio(bytes(FRAME)) * 50 + key("#")
    played = carried_out(Listen(), answers=[streams(wire, OK)], on_event=counted.append)
    assert played.events == [Heard(Ended.KEY, 1.0, spoken=False)]
    assert played.tip.recordings[0].spoken == [False]
    assert counted == ["silent-recording"]


def test_a_slip_of_the_finger_is_not_counted_as_silence() -> None:
    counted: list[str] = []
    wire = audio(bytes(FRAME)) * 3
    carried_out(
        Listen(), answers=[streams(wire, BROKE_OFF, close=True), HUNG_UP], on_event=counted.append
    )
    assert counted == []


def test_keys_after_the_hash_answer_the_next_question() -> None:
    wire = audio() * 30 + key("#") + key("#") + key("4") + key("1")
    played = carried_out(Listen(), Ask(("menu",)), Ask(("menu",)), answers=[streams(wire, OK)])
    assert played.events[1:] == [Keys("4"), Keys("1")]


def test_keys_typed_ahead_of_a_recording_do_not_answer_what_comes_after_it() -> None:
    played = carried_out(
        Say(("tone",)),
        Listen(),
        Ask(("menu",)),
        answers=[pressed("3", 800), PLAYED, spoke(), PLAYED, OK],
    )
    assert played.events[2] == Silence()


def test_a_key_pressed_before_the_playing_back_is_in_place_of_it() -> None:
    wire = audio() * 30 + key("#") + key("1")
    played = carried_out(Listen(), PlayBack(), answers=[streams(wire, OK)])
    assert played.events[1] == Keys("1")
    assert len([each for each in played.commands if "AudioSocket" in each]) == 1


def test_a_stream_that_breaks_off_under_its_caller_is_not_a_whole_recording() -> None:
    broken = streams(audio() * 30, b"200 result=-1\n", close=True)
    played = carried_out(Listen(), answers=[broken, OK])
    assert played.events == [Heard(Ended.FAILED, 0.6)]
    assert played.tip.recordings[0].ended == [Ended.FAILED]


def test_a_recording_ends_where_its_tip_is_full() -> None:
    tip = FakeTip(room=0.5)
    played = carried_out(Listen(), answers=[streams(audio() * 40, OK)], tip=tip)
    assert played.events == [Heard(Ended.LIMIT, 0.5)]
    assert bytes(tip.recordings[0].pcm) == SPEECH * 25


def test_what_the_dialog_counts_is_counted() -> None:
    counted: list[str] = []
    carried_out(Count("code-wrong"), answers=[], on_event=counted.append)
    assert counted == ["code-wrong"]


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
