"""Whether a sender may be answered: never a machine, never one who asked us to stop.

Two machines that answer one another would go on until the credit is gone, so what comes back
as we said it is not answered, nor the same text over and over, nor more than so many texts an
hour. Digests only, see :mod:`tipline_gw.intake.flood`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from tipline_gw.domain.sms import ReplyToken, repliable
from tipline_gw.intake.flood import SAME_TEXTS, Sightings

Silence = Literal["unanswerable", "stopped", "loop", "answer-limit"]

STOP_PERIOD = 43200.0
"""Seconds: who wants no answers gets none for half a day to a day. RAM must forget him some day,
and the token means nothing any more when the modem side has begun anew."""


class Manners:
    """``limit``: answers to one sender in an hour."""

    def __init__(
        self, seen: Sightings, limit: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._seen = seen
        self._limit = limit
        self._stopped = Sightings(STOP_PERIOD, now=now)

    def silence(self, token: ReplyToken | None, text: str | None) -> Silence | None:
        """Why ``token``, who wrote ``text``, is not answered; None: he is, and it is counted."""
        if token is None or not repliable(token):
            return "unanswerable"
        if self._stopped.count(token):
            return "stopped"
        if self._loops(token, _plain(text or "")):
            return "loop"
        if self._seen.add("answer", token) > self._limit:
            return "answer-limit"
        return None

    def _loops(self, token: ReplyToken, text: str) -> bool:
        return self._seen.add("text", token, text) > SAME_TEXTS or self.ours(token, text)

    def ours(self, token: ReplyToken | None, text: str) -> bool:
        """Whether ``token`` sends back what it was told."""
        return token is not None and bool(self._seen.count("said", token, _plain(text)))

    def said(self, token: ReplyToken, answer: str) -> None:
        """What we say to ``token``, to know it when it comes back."""
        self._seen.add("said", token, _plain(answer))

    def stop(self, token: ReplyToken) -> None:
        self._stopped.add(token)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
