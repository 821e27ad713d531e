"""What one modem says to those who wrote: when, how often it is tried, and how much an hour.

An answer lives as long as its sender's address does, in RAM: there is no queue on disk. A modem
that cannot send (no credit, no network) keeps receiving; its answers wait and are tried again.
It refuses to send more an hour than the configuration allows: networks block SIMs that do.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from tipline_gw.domain.sms import ReplyToken
from tipline_gw.errors import ModemError, ModemSilentError, TiplineError

LIFE = 600.0
"""Seconds after which an answer is of no use any more, and the address goes."""
PAUSES = (2.0, 5.0, 15.0, 30.0, 60.0)
"""Seconds between tries; the last one for all that follow."""
FAILING = 3
"""Failures in a row after which the fault is the modem's: no credit, most likely."""
REST = 120.0
"""Seconds that such a modem sends nothing."""
HOUR = 3600.0


class Sender(Protocol):
    def send(self, token: ReplyToken, text: str) -> int: ...
    @property
    def lives(self) -> bool: ...


@dataclass(slots=True)
class _Answer:
    number: int
    token: ReplyToken
    fingerprints: tuple[bytes, ...]
    until: float
    text: str = ""
    confirm: bool = False
    tries: int = 0
    not_before: float = 0.0


class Answering:
    """``release``: forget this sender's address. ``told``: what became of an answer, as a word;
    ``said``: whether one that was to be confirmed was sent.

    Used by one modem's thread.
    """

    def __init__(
        self,
        limit: int,
        release: Callable[[ReplyToken, tuple[bytes, ...]], None],
        told: Callable[[str], None],
        said: Callable[[int, bool], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._release = release
        self._told = told
        self._said = said
        self._now = now
        self._expected: dict[int, _Answer] = {}
        self._due: deque[_Answer] = deque()
        self._sent: deque[float] = deque()
        self._failures = 0
        self._rests_until = 0.0
        self._log = structlog.get_logger()

    @property
    def failing(self) -> bool:
        """It cannot send: see its credit, its registration, its SIM."""
        return self._failures >= FAILING

    @property
    def sent_this_hour(self) -> int:
        """Asked by other threads too: it forgets nothing."""
        hour_ago = self._now() - HOUR
        return sum(at > hour_ago for at in tuple(self._sent))

    @property
    def held(self) -> int:
        """Answers that wait."""
        return len(self._due)

    def expect(self, number: int, token: ReplyToken, fingerprints: tuple[bytes, ...]) -> None:
        """An answer to offer ``number`` is being made."""
        self._expected[number] = _Answer(number, token, fingerprints, self._now() + LIFE)

    def awaited(self, fingerprint: bytes) -> bool:
        """Whether who sent that is still to be answered."""
        waiting = (*self._expected.values(), *self._due)
        return any(fingerprint in answer.fingerprints for answer in waiting)

    def answer(self, number: int, text: str | None, *, confirm: bool = False) -> None:
        """Say ``text`` to who sent that offer; nothing, and the address goes. ``confirm``: tell
        ``said`` in the end."""
        expected = self._expected.pop(number, None)
        if expected is None:
            return
        if text is None:
            self._end(expected, "none")
            return
        expected.text, expected.confirm = text, confirm
        self._due.append(expected)

    def next_at(self) -> float | None:
        """When :meth:`send_one` has something to do; None: when another answer has come."""
        if not self._due:
            return None
        return max(min(answer.not_before for answer in self._due), self._may_send_at())

    def send_one(self, driver: Sender) -> None:
        """Send the first answer that is due, if one is. Raises ModemSilentError."""
        now = self._now()
        self._give_up(now)
        if now < self._may_send_at():
            return
        for answer in self._due:
            if answer.not_before <= now:
                self._due.remove(answer)
                self._send(driver, answer)
                return

    def _send(self, driver: Sender, answer: _Answer) -> None:
        try:
            parts = driver.send(answer.token, answer.text)
        except TiplineError as error:
            self._failed(answer, error)
            if isinstance(error, ModemSilentError) or not driver.lives:
                raise
            return
        self._failures = 0
        self._sent.extend([self._now()] * parts)
        self._end(answer, "sent")

    def _failed(self, answer: _Answer, error: TiplineError) -> None:
        if not isinstance(error, ModemError):  # it cannot be said, now or ever
            self._end(answer, "failed")
            return
        self._log.warning("reply-failed", count=answer.tries + 1)
        self._failures += 1
        if self.failing:
            self._rests_until = self._now() + REST
        answer.not_before = self._now() + PAUSES[min(answer.tries, len(PAUSES) - 1)]
        answer.tries += 1
        self._due.append(answer)

    def _give_up(self, now: float) -> None:
        for late in [answer for answer in self._due if answer.until <= now]:
            self._due.remove(late)
            self._end(late, "failed" if late.tries else "held-back")
        for number in [n for n, answer in self._expected.items() if answer.until <= now]:
            self._end(self._expected.pop(number), "none")

    def _may_send_at(self) -> float:
        self._forget_old()
        room_at = self._sent[0] + HOUR if len(self._sent) >= self._limit else 0.0
        return max(room_at, self._rests_until)

    def _forget_old(self) -> None:
        while self._sent and self._sent[0] <= self._now() - HOUR:
            self._sent.popleft()

    def _end(self, answer: _Answer, result: str) -> None:
        self._told(result)
        if answer.confirm:
            self._said(answer.number, result == "sent")
        self._release(answer.token, answer.fingerprints)
