"""Carries the commands of one dialog out on one channel, and sends back what came of them.

The dialog decides everything; this decides nothing but how a command is done. Whatever happens,
the tip is closed at the end, which keeps what was said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import TypeVar, assert_never

from tipline_gw.domain.case_code import CaseCode
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
from tipline_gw.domain.intake import Recording, VoiceTip
from tipline_gw.domain.tip import State
from tipline_gw.errors import CallerHungUp, TiplineError, VoiceError
from tipline_gw.voice.audiosocket import AudioSocketServer, AudioStream
from tipline_gw.voice.channel import KEYS, Channel
from tipline_gw.voice.frames import RATE, SAMPLE
from tipline_gw.voice.speech import STOP_KEY, Taken, play, record

FOLDER = "tipline"
"""Prompts lie in Asterisk's ``sounds/<language>/tipline/``."""


T = TypeVar("T")


class CallEnd(StrEnum):
    """How a call ended: by its dialog, by its caller, by a fault between us and Asterisk."""

    FINISHED = "finished"
    HUNG_UP = "hung-up"
    FAILED = "failed"


def run_call(
    channel: Channel,
    dialog: Dialog,
    tip: Callable[[], VoiceTip],
    lookup: Callable[[CaseCode], State | None],
    audio: AudioSocketServer,
    max_recording_seconds: float,
) -> CallEnd:
    """Runs ``dialog`` on ``channel`` to its end, and hangs up.

    ``tip()`` is called once. What ``lookup`` or the tip raise beyond TiplineError ends the call
    and goes on to who called this, after the tip was closed.
    """
    the_tip = tip()
    try:
        call = _Call(channel, the_tip, lookup, audio, max_recording_seconds)
        end = _converse(call, dialog)
        if end is CallEnd.FINISHED:
            channel.hangup()
        return end
    finally:
        dialog.close()
        the_tip.close()


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
        tip: VoiceTip,
        lookup: Callable[[CaseCode], State | None],
        audio: AudioSocketServer,
        max_recording_seconds: float,
    ) -> None:
        self._channel = channel
        self._tip = tip
        self._lookup = lookup
        self._audio = audio
        self._longest = max_recording_seconds
        self._ahead: deque[str] = deque()

    def answer(self) -> None:
        self._channel.answer()

    def carry_out(self, command: Command) -> Event:
        """CallerHungUp, or VoiceError when Asterisk does not do it."""
        match command:
            case Ask():
                return self._ask(command)
            case Say():
                return self._say(command)
            case Listen():
                return self._listen(command)
            case PlayBack():
                return self._play_back()
            case Keep():
                return self._keep()
            case LookUp():
                return self._look_up(command)
            case Speak():
                return self._speak(command)
        assert_never(command)

    def _ask(self, ask: Ask) -> Event:
        key = self._interrupting_key(ask) or self._next_key(ask.seconds)
        if not key:
            return Silence()
        keys = ""
        while key and not (ask.digits > 1 and key == STOP_KEY):
            keys += key
            if len(keys) == ask.digits:
                break
            key = self._next_key(ask.seconds)
        return Keys(keys)

    def _interrupting_key(self, ask: Ask) -> str:
        if self._ahead:
            return self._ahead.popleft()
        for prompt in ask.prompts:
            played = self._channel.stream_file(f"{FOLDER}/{prompt}", KEYS)
            if played.key:
                return played.key
        return ""

    def _next_key(self, seconds: float) -> str:
        return self._ahead.popleft() if self._ahead else self._channel.wait_for_digit(seconds)

    def _say(self, say: Say) -> Event:
        for prompt in say.prompts:
            self._play_through(f"{FOLDER}/{prompt}")
        return Done()

    def _play_through(self, prompt: str) -> None:
        """To its end: a key does not stop it for the ear, but is kept for the next question."""
        offset = 0
        while (played := self._channel.stream_file(prompt, KEYS, offset)).key:
            self._ahead.append(played.key)
            if played.samples <= offset:
                # A position that does not move: an endless prompt would follow.
                return
            offset = played.samples

    def _listen(self, listen: Listen) -> Event:
        self._ahead.clear()
        try:
            recording = self._tip.record(append=listen.append)
        except TiplineError:
            return Heard(Ended.FAILED, 0.0)
        taken = Taken(Ended.FAILED, 0.0)
        try:
            taken = self._over_audio(self._recorder(recording), self._longest) or taken
        finally:
            committed = _finish(recording, taken.ended)
        self._still_there()
        return Heard(taken.ended if committed else Ended.FAILED, taken.seconds)

    def _recorder(self, recording: Recording) -> Callable[[AudioStream], Taken]:
        return lambda stream: record(stream, recording, self._longest)

    def _play_back(self) -> Event:
        with self._tip.spoken() as pcm:
            seconds = len(pcm) / (RATE * SAMPLE)
            key = self._over_audio(lambda stream: play(stream, pcm), seconds)
        self._still_there()
        return Keys(key) if key else Silence()

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

    def _still_there(self) -> None:
        if self._channel.hung_up:
            raise CallerHungUp

    def _keep(self) -> Event:
        try:
            return Kept(self._tip.keep())
        except TiplineError:
            return Refused()

    def _look_up(self, wanted: LookUp) -> Event:
        state = self._lookup(wanted.code)
        return NotFound() if state is None else Found(state)

    def _speak(self, speak: Speak) -> Event:
        self._channel.set_language(speak.language)
        self._tip.language = speak.language
        return Done()


def _finish(recording: Recording, ended: Ended) -> bool:
    """Whether all of it is committed."""
    try:
        recording.finish(ended)
    except TiplineError:
        return False
    return True
