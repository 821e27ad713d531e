"""Draws the map of the dialog from the stages that drive it.

``python -m tests.ivr.chart`` writes ``docs/dialog.md``. Nothing in it is written by hand but what
stands around the stages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tipline_gw.ivr.dialog import plan
from tipline_gw.ivr.memory import MOST_ANSWERS, If, Prompt
from tipline_gw.ivr.stages import (
    END,
    OTHER,
    REPEATS,
    Act,
    Edge,
    Entry,
    Lead,
    Menu,
    Plan,
    Stage,
    Tell,
)

FILE = Path(__file__).parents[2] / "docs" / "dialog.md"
DRAWN = plan(["es", "en"], challenge="7")
"""All that there can be: two languages, a voice to choose, and a challenge."""

_HEAD = f"""# The dialog

Written from the code by `python -m tests.ivr.chart`; a test fails where the two differ, and another
walks every way drawn here. Drawn is a line with two languages, `voice.disguise = "offer"`, and the
challenge of a line under load, with 7 as its digit; without them those stages are not there.

## What holds everywhere

* A key answers at any moment, also in the middle of a prompt. Keys typed ahead answer the questions
  that follow, in order. Where something is said to its end (“told”), a key is kept for the next
  question.
* In the challenge only its digit counts; a second wrong key ends the call. What follows holds
  elsewhere.
* `0` gives emergency advice and comes back to where one was; while a code is typed, alone and
  followed by `#` or a pause. `*` goes back one step; while a code is typed it erases it first.
* `#` ends a recording and a code. Elsewhere it is not heard: many people press it after a choice,
  out of habit. In the first half second of a recording it is not heard either.
* Silence, or a key that means nothing, repeats a menu {REPEATS} times; then it goes on as under
  “silence”, which is always the safest choice: what was said is kept, and who cannot press keys
  can speak.
* After {MOST_ANSWERS} answers by key in one call each menu is asked once and goes on as by silence.
* Hang-up at any point ends the call and keeps what was said.
* Counted are fixed words, without anything of the call.
"""


def chart(drawn: Plan = DRAWN) -> str:
    """The whole document."""
    stages = drawn.stages.values()
    parts = [_HEAD, "## The map\n", _diagram(drawn), "## The stages\n"]
    return "\n".join([*parts, *(_stage(stage) for stage in stages)])


def _diagram(drawn: Plan) -> str:
    """Without the ways back to the same stage and those of ``0``."""
    lines = ["```mermaid", "flowchart TD", f"    answered([answered]) --> {_id(drawn.start.to)}"]
    for stage in drawn.stages.values():
        lines.append(f"    {_id(stage.name)}{_shape(stage)}")
        ways: dict[str, list[str]] = {}
        for edge in stage.edges:
            if edge.to != stage.name and edge.on != "0" and edge.on not in ways.get(edge.to, []):
                ways.setdefault(edge.to, []).append(edge.on)
        for to, ons in ways.items():
            lines.append(f'    {_id(stage.name)} -->|"{", ".join(ons)}"| {_id(to)}')
    return "\n".join([*lines, f"    {_id(END)}([the line hangs up])", "```", ""])


def _shape(stage: Stage) -> str:
    """Menus have corners, what is said round ones, what is done two lines."""
    match stage:
        case Menu() | Entry():
            return f"[{stage.name}]"
        case Act():
            return f"[[{stage.name}]]"
    return f"({stage.name})"


def _id(name: str) -> str:
    return "s_" + re.sub(r"\W", "_", name)


def _stage(stage: Stage) -> str:
    rows = [_row(edge) for edge in stage.edges]
    head = [
        "| on | leads to | said first | remembered | counted |",
        "| --- | --- | --- | --- | --- |",
    ]
    return "\n".join([f"### {stage.name}\n", _about(stage), "", *head, *rows, ""])


def _about(stage: Stage) -> str:
    about = f"{stage.about[0].upper()}{stage.about[1:]}."
    match stage:
        case Menu():
            again = f" Again: {_said(stage.again)}." if stage.again else ""
            return f"{about} Asks: {_said(stage.first)}.{again} {_waits(stage)}"
        case Entry():
            asks = f" Asks: {_said(stage.first)}." if stage.first else ""
            keys = f"Up to {stage.digits} keys. {stage.seconds:g} s for each."
            return f"{about}{asks} {keys} {_repeats(stage.repeats)}"
        case Lead():
            return f"{about} Says: {_said(stage.first)}. A key interrupts it, and answers the menu."
        case Tell():
            return f"{about} Told: {_said(stage.first)}."
    return about


def _waits(menu: Menu) -> str:
    waits = f"{menu.seconds:g} s for a key." if menu.seconds else "Waits no longer than that."
    if any(edge.on == OTHER for edge in menu.edges):
        return waits
    return f"{waits} {_repeats(menu.repeats)}"


def _repeats(repeats: int) -> str:
    if not repeats:
        return "Not repeated."
    return f"Repeated {repeats} times after silence or another key."


def _row(edge: Edge) -> str:
    on = f"`{edge.on}`" if len(edge.on) == 1 else edge.on
    when = f", where {_words(edge.when)}" if edge.when else ""
    does = _words(edge.does) if edge.does else ""
    speak = f"speaks `{edge.speak}`" if edge.speak else ""
    notes = ", ".join(note for note in (does, speak) if note)
    cells = [f"{on}{when}", f"`{edge.to}`", _said(edge.say), notes, _code(edge.counts)]
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def _words(named: object) -> str:
    assert named.__doc__
    return named.__doc__


def _said(prompts: Iterable[Prompt]) -> str:
    return ", ".join(_prompt(prompt) for prompt in prompts)


def _prompt(prompt: Prompt) -> str:
    if isinstance(prompt, If):
        return f"`{prompt.prompt}` (where {_words(prompt.fact)})"
    return f"`{prompt}`"


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


if __name__ == "__main__":
    FILE.write_text(chart(), encoding="utf-8")
    print(f"{FILE}: {len(DRAWN.stages)} stages")
