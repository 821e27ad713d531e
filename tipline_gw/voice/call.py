"""Carries the commands of one dialog out on one channel, and sends back what came of them.

The dialog decides everything; this decides nothing but how a command is done. Whatever happens,
the tip is closed at the end, which keeps what was said.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar, assert_never

from tipline_gw.domain.case_code import CaseCode
from tipline_gw.domain.dialog import (
    EMPTY_SECONDS,
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
from tipline_gw.domain.intake import CaseNews, Recording, VoiceTip
from tipline_gw.domain.tip import TipId
from tipline_gw.errors import CallerHungUp, TiplineError, VoiceError
from tipline_gw.voice.audiosocket import AudioSocketServer, AudioStream
from tipline_gw.voice.changed import ChangedRecording, Disguising
from tipline_gw.voice.channel import KEYS, Channel
from tipline_gw.voice.dialplan import UNCHOSEN
from tipline_gw.voice.frames import RATE, SAMPLE
from tipline_gw.voice.speech import STOP_KEY, Taken, play, record

FOLDER = "tipline"
"""Prompts lie in Asterisk's ``sounds/<language>/tipline/``."""

BACK_KEY = "*"
ANSWER_KEYS = KEYS.replace(STOP_KEY, "")
"""Those that interrupt a prompt. Not ``#``: many people press it after a choice, out of habit, and
it would cut off what the choice led to."""

SOON_SECONDS = 0.05
LOOK_SECONDS = 0.1
"""What is done while nothing is said is nearly always done soon; else a key is waited for, again
and again for so long."""

SILENT, ADDITION, DISGUISED = "silent-recording", "addition", "disguised"
"""What is counted here; the dialog counts what it alone knows."""


T = TypeVar("T")


class CallEnd(StrEnum):
    """How a call ended: by its dialog, by its caller, by a fault between us and Asterisk."""

    FINISHED = "finished"
    HUNG_UP = "hung-up"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class _Ready:
    """A recording that is begun on disk."""

    listen: Listen
    recording: Recording


def run_call(
    channel: Channel,
    dialog: Dialog,
    tip: Callable[[], VoiceTip],
    lookup: Callable[[CaseCode], CaseNews | None],
    audio: AudioSocketServer,
    max_recording_seconds: float,
    *,
    on_event: Callable[[str], None] = lambda _what: None,
) -> CallEnd:
    """Runs ``dialog`` on ``channel`` to its end, and hangs up.

    ``tip()`` is called for each tip of the call. ``lookup`` takes the same time whether there is
    such a case or not. ``on_event`` is told fixed words, to be counted. What ``lookup`` or a tip
    raise beyond TiplineError ends the call and goes on to who called this, after the tip was
    closed.
    """
    call = _Call(channel, tip, lookup, audio, max_recording_seconds, on_event)
    try:
        end = _converse(call, dialog)
        if end is CallEnd.FINISHED:
            channel.hangup()
        return end
    finally:
        dialog.close()
        call.close()


def _converse(call: _Call, dialog: Dialog) -> CallEnd:
    try:
        command = next(dialog)
        call.answer()
        while True:
            event = call.carry_out(command)
            command = dialog.send(event)
    except StopIteration:
        return CallEnd.FINISHED
    except CallerHungUp:
        end = CallEnd.HUNG_UP
    except VoiceError:
        end = CallEnd.FAILED
    # The dialog may end by itself; what it still commands is not carried out.
    with suppress(StopIteration):
        dialog.send(HungUp())
    return end


class _Call:
    def __init__(
        self,
        channel: Channel,
        tip: Callable[[], VoiceTip],
        lookup: Callable[[CaseCode], CaseNews | None],
        audio: AudioSocketServer,
        max_recording_seconds: float,
        on_event: Callable[[str], None],
    ) -> None:
        self._channel = channel
        self._tips = _Tips(tip)
        self._lookup = lookup
        self._audio = audio
        self._longest = max_recording_seconds
        self._on_event = on_event
        self._news: CaseNews | None = None
        self._ahead: deque[str] = deque()
        self._ready: _Ready | None = None
        self._faulty = False
        """The channel, while something else was done that had to come to its end."""

    def answer(self) -> None:
        self._channel.answer()

    def close(self) -> None:
        try:
            self._put_away()
        finally:
            self._tips.close()

    def carry_out(self, command: Command) -> Event:
        """CallerHungUp, or VoiceError when Asterisk does not do it."""
        self._in_step()
        match command:
            case Ask():
                return self._ask(command)
            case Say():
                return self._say(command)
            case Prepare() | Listen() | Keep():
                return self._take(command)
            case PlayBack():
                return self._play_back()
            case PlayAnswer():
                return self._play_answer()
            case LookUp():
                return self._look_up(command)
            case Speak():
                return self._speak(command)
            case Count():
                self._on_event(command.what)
                return Done()
        assert_never(command)

    def _ask(self, ask: Ask) -> Event:
        key = self._interrupting_key(ask) or self._next_key(ask.seconds)
        keys = key
        while key not in ("", BACK_KEY) and len(keys) < ask.digits:
            key = self._next_key(ask.seconds, stop=True).replace(STOP_KEY, "")
            keys += key
        return Keys(keys) if keys else Silence()

    def _interrupting_key(self, ask: Ask) -> str:
        if self._ahead:
            return self._ahead.popleft()
        for prompt in ask.prompts:
            played = self._channel.stream_file(f"{FOLDER}/{prompt}", ANSWER_KEYS)
            if played.key:
                return played.key
        return ""

    def _next_key(self, seconds: float, *, stop: bool = False) -> str:
        """With ``stop`` the hash is one of the keys; else it is not heard."""
        if self._ahead:
            return self._ahead.popleft()
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            key = self._channel.wait_for_digit(left)
            if key != STOP_KEY or stop:
                return key
        return ""

    def _say(self, say: Say) -> Event:
        for prompt in say.prompts:
            self._play_through(f"{FOLDER}/{prompt}")
        return Done()

    def _play_through(self, prompt: str) -> None:
        """To its end: a key does not stop it for the ear, but is kept for the next question."""
        offset = 0
        while (played := self._channel.stream_file(prompt, ANSWER_KEYS, offset)).key:
            self._ahead.append(played.key)
            if played.samples <= offset:
                # A position that does not move: an endless prompt would follow.
                return
            offset = played.samples

    def _take(self, command: Prepare | Listen | Keep) -> Event:
        match command:
            case Prepare():
                return self._prepare(command.listen)
            case Listen():
                return self._listen(command)
            case Keep():
                return self._keep()

    def _prepare(self, listen: Listen) -> Event:
        self._put_away()
        try:
            self._ready = _Ready(listen, self._meanwhile(lambda: self._recording(listen)))
        except TiplineError:
            return Refused()
        return Done()

    def _put_away(self) -> None:
        """What was made ready and not spoken, since the caller went another way."""
        ready, self._ready = self._ready, None
        if ready is not None:
            with suppress(TiplineError):  # there is nothing in it
                ready.recording.finish(Ended.HANGUP, spoken=False)

    def _listen(self, listen: Listen) -> Event:
        # The dialog asked for keys right before this: what is left could end nothing but it.
        self._ahead.clear()
        try:
            recording = self._begun(listen)
        except TiplineError:
            return Heard(Ended.FAILED, 0.0)
        taken = Taken(Ended.FAILED, 0.0)
        try:
            taken = self._over_audio(self._recorder(recording), self._longest) or taken
            if taken.ended is Ended.HANGUP and not self._channel.hung_up:
                # A stream that ended under a caller who is still there broke off.
                taken = replace(taken, ended=Ended.FAILED)
        finally:
            self._ahead.extend(taken.keys)
            committed = self._meanwhile(lambda: _finish(recording, taken))
        self._count(listen, taken)
        self._still_there()
        return Heard(taken.ended if committed else Ended.FAILED, taken.seconds, taken.spoken)

    def _begun(self, listen: Listen) -> Recording:
        if self._ready is None or self._ready.listen != listen:
            self._put_away()
            return self._recording(listen)
        ready, self._ready = self._ready, None
        return ready.recording

    def _recording(self, listen: Listen) -> Recording:
        if listen.addition and self._news is None:
            raise VoiceError("an addition to no case")
        adds_to = self._news.tip_id if listen.addition and self._news else None
        # First of all: without it nothing must be recorded.
        disguise = _disguise() if listen.disguised else None
        recording = self._tips.record(adds_to, listen)
        return ChangedRecording(recording, disguise) if disguise else recording

    def _recorder(self, recording: Recording) -> Callable[[AudioStream], Taken]:
        keypad = self._channel.keypad
        longest = min(self._longest, recording.room)
        return lambda stream: record(stream, recording, longest, keypad=keypad)

    def _count(self, listen: Listen, taken: Taken) -> None:
        if taken.seconds < EMPTY_SECONDS:
            return
        if not taken.spoken:
            self._on_event(SILENT)
            return
        if listen.addition:
            self._on_event(ADDITION)
        if listen.disguised:
            self._on_event(DISGUISED)

    def _play_back(self) -> Event:
        with self._tips.spoken() as pcm:
            return self._play(pcm)

    def _play_answer(self) -> Event:
        news = self._news
        if news is None or news.answer is None:
            return Refused()
        open_answer, language = news.answer, self._tips.language or ""
        try:
            pcm = self._meanwhile(lambda: open_answer(language))
        except TiplineError:
            return Refused()
        try:
            with memoryview(pcm) as view:
                return self._play(view)
        finally:
            pcm[:] = bytes(len(pcm))

    def _play(self, pcm: memoryview) -> Event:
        if self._ahead:
            return Keys(self._ahead.popleft())
        seconds, keypad = len(pcm) / (RATE * SAMPLE), self._channel.keypad
        keys = self._over_audio(lambda stream: play(stream, pcm, keypad=keypad), seconds)
        self._still_there()
        if not keys:
            return Silence()
        self._ahead.extend(keys[1:])
        return Keys(keys[0])

    def _over_audio(self, handler: Callable[[AudioStream], T], seconds: float) -> T | None:
        """What ``handler`` made of the channel's audio; ``None`` if it failed or got none. A
        hang-up is no error here: the channel remembers it, and the audio up to it counts."""
        expected = self._audio.expect(handler)
        try:
            self._channel.exec_audiosocket(expected.uuid, self._audio.address, seconds)
        except CallerHungUp:
            pass
        finally:
            outcome = expected.result()
        return outcome

    def _in_step(self) -> None:
        """Else the reply to an earlier command would be taken for that to the next one."""
        if self._faulty:
            raise VoiceError("Asterisk did not answer while something else was done")

    def _still_there(self) -> None:
        if self._channel.hung_up:
            raise CallerHungUp

    def _keep(self) -> Event:
        self._put_away()
        try:
            return Kept(self._meanwhile(self._tips.keep))
        except TiplineError:
            return Refused()

    def _look_up(self, wanted: LookUp) -> Event:
        self._put_away()
        self._news = None
        try:
            news = self._meanwhile(lambda: self._lookup(wanted.code))
        except TiplineError:
            return Refused()
        self._news = news
        return Found(news.state, news.answer is not None, news.open) if news else NotFound()

    def _meanwhile(self, work: Callable[[], T]) -> T:
        """What ``work`` gives. If that is not soon, a key pressed meanwhile is kept for the next
        question: Asterisk drops those that come while it was told nothing. Neither who hangs up
        nor a fault of the channel breaks it off."""
        with ThreadPoolExecutor(1, "at-work") as pool:
            try:
                done = pool.submit(work)
            except RuntimeError:  # no more threads
                return work()
            wait([done], SOON_SECONDS)
            try:
                while not done.done():
                    self._ahead.extend(self._channel.wait_for_digit(LOOK_SECONDS).strip(STOP_KEY))
            except CallerHungUp:
                pass  # the next command to Asterisk says so again
            except VoiceError:
                self._faulty = True
            return done.result()

    def _speak(self, speak: Speak) -> Event:
        self._channel.set_language(speak.language + ("" if speak.chosen else UNCHOSEN))
        self._tips.speak(speak.language)
        return Done()


class _Tips:
    """The tips of one call, one after the other; whichever is under way is closed at the end."""

    def __init__(self, make: Callable[[], VoiceTip]) -> None:
        self._make = make
        self._tip = make()
        self._begun = False
        self._kept = False
        self.language: str | None = None

    def speak(self, language: str) -> None:
        self.language = language
        if not self._kept:
            self._tip.language = language

    def record(self, adds_to: TipId | None, listen: Listen) -> Recording:
        """Another recording of this tip; of the next one, after a tip was kept, or where it goes
        to another case."""
        if self._begun and (self._kept or self._tip.adds_to != adds_to):
            self._next()
        if not self._begun:
            self._tip.adds_to = adds_to
            self._begun = True
        self._tip.disguised = listen.disguised
        return self._tip.record(append=listen.append)

    def spoken(self) -> memoryview:
        return self._tip.spoken()

    def keep(self) -> CaseCode | None:
        code = self._tip.keep()
        self._kept = True
        return code

    def close(self) -> None:
        self._tip.close()

    def _next(self) -> None:
        old, self._tip = self._tip, self._make()
        self._tip.language = self.language
        self._begun = self._kept = False
        old.close()


def _disguise() -> Disguising:
    # Only here: it needs numpy, which most calls do not.
    from tipline_gw.voice.disguise import Disguise

    made: Disguising = Disguise()
    return made


def _finish(recording: Recording, taken: Taken) -> bool:
    """Whether all of it is committed."""
    try:
        recording.finish(taken.ended, spoken=taken.spoken)
    except TiplineError:
        return False
    return True
