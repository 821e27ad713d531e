"""A digit that must be pressed before anything else: asked for while the line is under load.

Machines that call by the thousand do not listen. People do, so it is asked in every language,
twice, and who does not press it hears whom to call in danger. No key but the digit means anything
here: advice takes twenty seconds, which is what there are too few of.
"""

from __future__ import annotations

from collections.abc import Sequence

from tipline_gw.ivr.memory import ask_again, first_silence
from tipline_gw.ivr.stages import (
    AT_ONCE,
    DONE,
    END,
    OTHER,
    SECONDS,
    SILENCE,
    Edge,
    Menu,
    Stage,
    Tell,
)
from tipline_gw.prompts import names

FAILED = "challenge-failed"


def first_stage(languages: Sequence[str]) -> str:
    return f"challenge-{languages[0]}"


def challenge(digit: str, languages: Sequence[str], passed: Edge) -> list[Stage]:
    """The stages. ``passed`` is where the right digit leads."""
    stages: list[Stage] = []
    for at, language in enumerate(languages):
        following = languages[at + 1 :]
        stages.append(
            Menu(
                f"challenge-{language}",
                "asks for a digit, to tell people from machines",
                (
                    Edge(digit, passed.to, say=passed.say, speak=passed.speak),
                    *_wrong(OTHER, languages),
                    *(_next(following) if following else _wrong(SILENCE, languages)),
                ),
                first=(names.CHALLENGE, names.digit(digit)),
                again=(),
                seconds=AT_ONCE if following else SECONDS,
                repeats=0,
            )
        )
    return stages + _apology(languages)


def _next(following: Sequence[str]) -> tuple[Edge, ...]:
    return (Edge(SILENCE, f"challenge-{following[0]}", speak=following[0]),)


def _wrong(on: str, languages: Sequence[str]) -> tuple[Edge, ...]:
    first = languages[0]
    return (
        Edge(on, first_stage(languages), when=first_silence, does=ask_again, speak=first),
        Edge(on, f"sorry-{first}", counts=(FAILED,), speak=first),
    )


def _apology(languages: Sequence[str]) -> list[Stage]:
    ends = [*languages[1:], ""]
    return [
        Tell(
            f"sorry-{language}",
            "says why, and whom to call in danger",
            (Edge(DONE, f"sorry-{then}" if then else END, speak=then),),
            first=(names.CHALLENGE_FAILED,),
        )
        for language, then in zip(languages, ends, strict=True)
    ]
