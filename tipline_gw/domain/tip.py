"""A tip as it is before it is sealed, and what remains readable of it afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Literal, NewType

TipId = NewType("TipId", bytes)
"""16 random bytes: no time, no order, nothing of the sender."""

Granularity = Literal["hour", "day"]


class Kind(StrEnum):
    SMS = "sms"
    VOICE = "voice"


class State(IntEnum):
    """The states of a case, in the order of the work; the number is what the store keeps."""

    RECEIVED = 0
    UNDER_REVIEW = 1
    PASSED_TO_AGENCY = 2
    UNDER_INVESTIGATION = 3
    ACTION_TAKEN = 4
    CLOSED_INSUFFICIENT = 5
    CLOSED_DUPLICATE = 6
    CLOSED_OUTSIDE = 7

    @property
    def slug(self) -> str:
        """The name in catalogues and JSON: ``passed-to-agency``."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is sealed beside a recording, or is the whole of a text. Shape of the JSON document.

    ``received`` is coarse already. ``data`` is the hex of a message that could not be decoded,
    its address zeroed; ``partial`` marks a tip whose other parts never came, or a recording that
    ended with the line. ``seconds``: how long a recording is up to its last sample that is not
    zero, as ``tips open`` writes it. Of a text in parts that is not whole ``numbers`` says which
    ones these are and ``of`` how many there were. ``adds_to``: the hex id of the tip whose code
    came first.
    ``disguised``: all of the voice was changed before it was sealed; without it, count on hearing
    the caller's own.
    """

    kind: Kind
    language: str | None
    received: str
    line: str
    text: str | None = None
    partial: bool = False
    encoding: str | None = None
    data: str | None = None
    error: str | None = None
    seconds: float | None = None
    parts: int | None = None
    numbers: tuple[int, ...] | None = None
    of: int | None = None
    adds_to: str | None = None
    disguised: bool | None = None

    def to_json(self) -> bytes:
        """UTF-8, without the fields that say nothing."""
        fields = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(fields, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")


HOUR = 3600


def coarse_hours(now: float, granularity: Granularity) -> int:
    """Whole hours since 1970 (UTC), rounded down to the hour or to the day."""
    hours = int(now // HOUR)
    return hours - hours % 24 if granularity == "day" else hours


def coarse_text(hours: int, granularity: Granularity) -> str:
    """``2026-03-05T14`` or ``2026-03-05``: no more digits than are meant."""
    moment = datetime.fromtimestamp(hours * HOUR, UTC)
    return moment.strftime("%Y-%m-%d" if granularity == "day" else "%Y-%m-%dT%HZ")
