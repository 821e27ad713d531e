"""Decides whether a call is taken, by nothing but how many there are: no caller is known here,
nor a digest of one.

Why it exists: whoever floods one trunk must not keep the callers of the others out, and a machine
that dials is stopped by a key that only who listens can press. It refuses to remember: a call
that is over has never been.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from threading import Lock

CHALLENGES = "123456789"


class Verdict(Enum):
    """``REFUSE``: the session ends at once, and the dialplan apologises."""

    ADMIT = "admit"
    CHALLENGE = "challenge"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Rules:
    """``most``: calls at once, by the name of a trunk; one that is not named has no cap of its
    own. ``challenge_calls``: with so many under way a new caller has to press a key first; 0
    asks nobody."""

    most: Mapping[str, int] = field(default_factory=dict)
    challenge_calls: int = 0


def decide(rules: Rules, under_way: Mapping[str, int], trunk: str) -> Verdict:
    """On one more call by ``trunk``, with those ``under_way``, by trunk."""
    most = rules.most.get(trunk)
    if most is not None and under_way.get(trunk, 0) >= most:
        return Verdict.REFUSE
    if 0 < rules.challenge_calls <= sum(under_way.values()):
        return Verdict.CHALLENGE
    return Verdict.ADMIT


def challenge() -> str:
    """The key to be pressed: drawn for each call, so that no recording of keys passes."""
    return secrets.choice(CHALLENGES)


class Admission:
    """The calls under way, counted by trunk."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._lock = Lock()
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def call(self, trunk: str) -> Iterator[Verdict]:
        """One call, counted for as long as it lasts if it is not refused."""
        with self._lock:
            verdict = decide(self._rules, self._under_way, trunk)
            counted = verdict is not Verdict.REFUSE
            self._under_way[trunk] += counted
        try:
            yield verdict
        finally:
            with self._lock:
                self._under_way[trunk] -= counted
                self._under_way += Counter()  # a trunk without a call is no entry
