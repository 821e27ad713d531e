"""The ways callers of a crowd take through the dialog: by the clock, since they understand nothing
of what is said to them, and from the tone on by ear."""

from __future__ import annotations

from tests.crowd.plan import TICKS, Step

LISTENED = TICKS
"""To a prompt, before a key interrupts it."""

TO_THE_TONE: list[Step] = [
    ("quiet", LISTENED), ("key", "1"),  # Spanish
    ("quiet", LISTENED), ("key", "1"),  # leave a tip
    ("skip", "5"),  # the instruction, as any key does
]  # fmt: skip


def leaves_a_tip(seconds: float, *after: Step) -> list[Step]:
    """Speaks, does what is in ``after``, and hangs up."""
    return [*TO_THE_TONE, ("speak", int(seconds * TICKS)), *after]


def by_key(seconds: float) -> list[Step]:
    return leaves_a_tip(seconds, ("key", "#"), ("quiet", 2 * TICKS))


def by_hanging_up(seconds: float) -> list[Step]:
    """What was said last has a moment to get there."""
    return leaves_a_tip(seconds, ("quiet", TICKS // 5))
