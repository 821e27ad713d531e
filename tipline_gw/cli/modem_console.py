"""The AT console: lines in, answers out; for a person at a terminal and for a script at a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from tipline_gw.errors import ModemError
from tipline_gw.modems.jobs import balance_line
from tipline_gw.modems.view import signal_word

if TYPE_CHECKING:
    from tipline_gw.modems.alone import Alone
    from tipline_gw.modems.control_client import Control

HELP = """\
AT…          to the modem, through the boundary: addresses show as tokens, a message as
             its kind. What would lose messages, or send any, is refused.
.list        messages that lie on the modem: a line of JSON each, without what they say
.signal      operator, registration and signal, asked now
.ussd CODE   dial a USSD code
.quit        end; so does the end of input"""

_MEANT = "an AT command, or .help"


def converse(tools: Control | Alone, name: str) -> bool:
    """Until ``.quit`` or the end of input; whether a line failed. The first question is whether
    the modem is there at all: that failure is raised."""
    tools.signal(name)
    failed = False
    for line in _lines(f"{name}> "):
        if line == ".quit":
            break
        try:
            for answer in _answers(tools, name, line):
                typer.echo(answer)
        except ModemError as error:
            failed = not sys.stdin.isatty() or failed
            typer.echo(f"! {error}", err=True)
    return failed


def _lines(prompt: str) -> Iterator[str]:
    """Stripped, none empty. At a terminal they can be edited and called back."""
    if not sys.stdin.isatty():
        yield from filter(None, map(str.strip, sys.stdin))
        return
    import readline  # noqa: F401 - input() becomes editable by its presence

    while True:
        try:
            line = input(prompt).strip()
        except (EOFError, KeyboardInterrupt):
            typer.echo()
            return
        if line:
            yield line


def _answers(tools: Control | Alone, name: str, line: str) -> Iterator[str]:
    word, _, rest = line.partition(" ")
    if word == ".help":
        yield HELP
    elif word == ".list":
        for message in tools.messages(name):
            yield json.dumps(message, ensure_ascii=False)
    elif word == ".signal":
        yield _signal(tools, name)
    elif word == ".ussd":
        answer = tools.ussd(name, rest.strip())
        yield answer["text"]
        if said := balance_line(answer):
            yield said
    elif line[:2].upper() == "AT":
        yield from tools.command(name, line)
    else:
        raise ModemError("the console does not know that", _MEANT)


def _signal(tools: Control | Alone, name: str) -> str:
    asked = tools.signal(name)
    dbm = asked["dbm"]
    shown = "unknown" if dbm is None else f"{dbm} dBm {signal_word(dbm)}"
    return f"{asked['operator'] or 'no operator'}, {asked['registration']}, {shown}"
