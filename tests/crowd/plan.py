"""What a crowd of callers is to do, and what came of it: values that cross to its process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Step = tuple[str, int | str]
"""``quiet`` for so many ticks of 20 ms, ``key`` with its name, ``skip`` with that of a key
after which the tone comes, to its end, ``speak`` so many coded frames. After the last the caller
hangs up."""

TICKS = 50
"""A second."""


@dataclass(frozen=True)
class Plan:
    """``callers`` calls to ``called`` at ``peer``, ``rate`` new ones a second; each does one of
    ``scripts``, in turn."""

    peer: str
    callers: int
    rate: float
    scripts: list[list[Step]]
    called: str = "089"


@dataclass
class Call:
    """Times are seconds since 1970, by the kernel's stamps where it was the other side that did
    something; 0 where it never did. ``spoken``: coded frames sent."""

    number: int
    invited: float = 0.0
    answered: float = 0.0
    heard: float = 0.0
    spoke: float = 0.0
    spoken: int = 0
    ended: str = ""


@dataclass
class Report:
    """``late``: how far behind its clock the crowd was at the worst, seconds; ``slipped``: how much
    longer it took than it should have, in all: a machine that is too slow for the crowd itself;
    ``cpu``: what it used."""

    calls: list[Call] = field(default_factory=list)
    late: float = 0.0
    slipped: float = 0.0
    cpu: float = 0.0

    @property
    def pace(self) -> str:
        return (
            f"the callers were {self.late * 1e3:.0f} ms late at the worst and slipped by "
            f"{self.slipped:.1f} s in all, on {self.cpu:.1f} s of processor"
        )

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> Report:
        calls = [Call(**one) for one in told.pop("calls")]
        return cls(calls, **told)
