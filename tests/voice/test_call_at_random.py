"""Whatever Asterisk and the store answer, to whichever command: a call ends, each recording that
was begun is finished once, and each tip closed once."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import cast

import pytest

from tests.voice.fakes import FakeRecording, FakeTip
from tipline_gw.domain.case_code import CaseCode
from tipline_gw.domain.dialog import Dialog, Ended
from tipline_gw.domain.intake import CaseNews
from tipline_gw.domain.tip import State, TipId
from tipline_gw.errors import StoreError, VoiceError
from tipline_gw.ivr.dialog import dialog
from tipline_gw.voice.audiosocket import AudioSocketServer
from tipline_gw.voice.call import CallEnd, run_call
from tipline_gw.voice.channel import KEYS, Channel
from tipline_gw.voice.lines import Lines
from tipline_gw.voice.speech import Taken

MOST_COMMANDS = 500
"""More than any call needs; that there is a number is what matters."""
BROKEN = [b"", b"HANGUP\n", b"520-usage\n", b"nonsense\n", b"200 result=-1\n", None]


class Unsteady:
    """Asterisk's end of the session. What it says to a key is nearly always right."""

    def __init__(self, choice: random.Random) -> None:
        self._choice = choice
        self.commands: list[str] = []

    def allow(self, seconds: float) -> None:
        del seconds

    def write(self, data: bytes) -> None:
        self.commands.append(data.decode())
        assert len(self.commands) < MOST_COMMANDS

    def readline(self, limit: int) -> bytes:
        del limit
        if self._choice.random() < 0.01:
            reply = self._choice.choice(BROKEN)
            if reply is None:
                raise VoiceError("too late")
            return reply
        return self._right(self.commands[-1])

    def _right(self, command: str) -> bytes:
        key = self._choice.choice(["", "", "", *KEYS, "1", "4", "A"])
        pressed = ord(key) if key else 0
        if command.startswith("WAIT"):
            return b"200 result=%d\n" % pressed
        if not command.startswith("STREAM"):
            return b"200 result=0\n"
        offset = int(command.split()[-1])
        moved = self._choice.choice([0, 160, 800])
        heard = pressed if key in command.split('"')[3] else 0
        return b"200 result=%d endpos=%d\n" % (heard, offset + moved)


class UnsteadyAudio:
    """Of the audio only what comes of it: a recording, or keys during what is played."""

    address = "127.0.0.1:1"
    uuid = "token"

    def __init__(self, choice: random.Random) -> None:
        self._choice = choice
        self._plays = False

    def expect(self, handler: Callable[..., object]) -> UnsteadyAudio:
        self._plays = "_play" in handler.__qualname__
        return self

    def result(self) -> Taken | str | None:
        choice = self._choice
        keys = "".join(choice.choices("0123456789*", k=choice.choice([0, 0, 1, 3])))
        if choice.random() < 0.1:
            return None
        ended, seconds = choice.choice(list(Ended)), choice.choice([0.0, 0.4, 0.5, 9.0])
        return keys if self._plays else Taken(ended, seconds, choice.random() < 0.8, keys)


class UnsteadyTip(FakeTip):
    def __init__(self, choice: random.Random) -> None:
        super().__init__()
        self._choice = choice

    def record(self, *, append: bool) -> FakeRecording:
        self._fail_sometimes()
        return super().record(append=append)

    def keep(self) -> CaseCode | None:
        self._fail_sometimes()
        return super().keep()

    def _fail_sometimes(self) -> None:
        if self._choice.random() < 0.1:
            raise StoreError("the store takes nothing just now")


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_answered_a_call_ends_and_leaves_nothing_open(seed: int) -> None:
    choice = random.Random(seed)
    for _ in range(40):
        tips: list[UnsteadyTip] = []
        lines = Unsteady(choice)
        end = run_call(
            Channel(cast(Lines, lines)),
            conversation(choice),
            partial(made, choice, tips),
            lambda _: CaseNews(TipId(bytes(16)), State.RECEIVED, open=True),
            cast(AudioSocketServer, UnsteadyAudio(choice)),
            180,
        )
        assert end in CallEnd
        assert [tip.closed for tip in tips] == [1] * len(tips)
        recordings = [recording for tip in tips for recording in tip.recordings]
        assert [len(recording.ended) for recording in recordings] == [1] * len(recordings)


def conversation(choice: random.Random) -> Dialog:
    """Without a disguise, which takes most of the time."""
    languages, challenge = choice.choice([["es"], ["es", "en"]]), choice.choice([None, "5"])
    return dialog(languages, disguise="off", challenge=challenge)


def made(choice: random.Random, tips: list[UnsteadyTip]) -> UnsteadyTip:
    tips.append(UnsteadyTip(choice))
    return tips[-1]
