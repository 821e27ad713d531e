"""The changing parts of the dialplan: by which trunk a call came, which number was dialled, and
what is said when the gateway does not serve it.

Every context begins, for whatever is dialled, by forgetting who calls; that stands before anything
else in each of them, so that no way into the dialplan goes around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tipline_gw.prompts import names
from tipline_gw.settings.trunks import LOOPBACK, Number, Stick, Trunk

FORGET = "Set(CALLERID(all)=)"
UNCHOSEN = "_ZZ"
"""Behind a channel's language: the caller has not chosen yet. ZZ is no country; Asterisk looks for
prompts in ``es_ZZ`` and takes those in ``es``."""
APOLOGISING = 4
"""Calls over a trunk's own limit that may hear the apology at once; beyond them it is busy."""

_ANYTHING = ("s", "_X!", "_+X!", "_[A-Za-z]!", "_[*#]!")
_OF_STICKS = ("sms", "ussd", "report")
"""Where chan_dongle and chan_quectel send what is no call."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the dialplan is made of. ``sms_number``: said to a caller who cannot be served."""

    languages: Sequence[str]
    trunks: Sequence[Trunk] = ()
    numbers: Sequence[Number] = ()
    sms_number: str | None = None


def context(trunk: str) -> str:
    """Where calls of that trunk come in."""
    return "from-line" if trunk == LOOPBACK else f"from-line-{trunk}"


def entries(line: Line) -> str:
    """The contexts that trunks deliver calls to, and those of the numbers they go on to."""
    texts = ["\n".join(_entry(LOOPBACK, line, None))]
    texts += ["\n".join(_entry(trunk.name, line, trunk)) for trunk in line.trunks]
    texts += ["\n".join(_number("", line.languages))]
    texts += ["\n".join(_number(n.name, n.languages or line.languages)) for n in line.numbers]
    return "\n\n".join(texts)


def apologies(line: Line) -> str:
    """What follows where nobody knows the caller's language: all of them, shortly."""
    texts = ["\n".join(_apology("", line.languages, line.sms_number))]
    for number in line.numbers:
        texts.append(
            "\n".join(_apology(number.name, number.languages or line.languages, line.sms_number))
        )
    return "\n\n".join(texts)


def apology(sms_number: str | None) -> str:
    """The prompts of one language, as Playback takes them."""
    said = [names.CANNOT_TAKE_NOW]
    if sms_number:
        said += [names.SEND_A_TEXT, *spoken(sms_number)]
    return "&".join(f"tipline/{name}" for name in said)


def spoken(number: str) -> Iterator[str]:
    """Digit by digit, in groups of three and a last one of up to four, as people write it."""
    while number:
        size = len(number) if len(number) <= 4 else 3
        yield from (names.digit(digit) for digit in number[:size])
        yield names.PAUSE
        number = number[size:]


def arguments(line: Line) -> str:
    """What the gateway is told of a call: its trunk's name and, where there are any, its
    number's."""
    return "${TIPLINE_TRUNK}" + (",${TIPLINE_NUMBER}" if line.numbers else "")


def limits(line: Line) -> str:
    """The daemon counts a trunk's calls and sends those over its limit to the apology. This is for
    a flood of them, which must not take the places of the other trunks."""
    limited = [t for t in line.trunks if t.max_calls and not isinstance(t, Stick)]
    lines = [" same => n,Set(GROUP(trunk)=${TIPLINE_TRUNK})"] if limited else []
    for trunk in limited:
        over = f"${{GROUP_COUNT({trunk.name}@trunk)}} > {(trunk.max_calls or 0) + APOLOGISING}"
        ours = f'"${{TIPLINE_TRUNK}}" = "{trunk.name}"'
        lines.append(f" same => n,GotoIf($[{ours} & {over}]?busy,s,1)")
    return "\n".join(lines) or "; No trunk has a limit of its own."


def _entry(name: str, line: Line, trunk: Trunk | None) -> Iterator[str]:
    yield f"[{context(name)}]"
    if isinstance(trunk, Stick):
        for what in _OF_STICKS:
            yield f"exten => {what},1,{FORGET}"
            yield " same => n,Hangup()"
    otherwise = _goto(trunk.number if trunk else None)
    wanted = {dialled: _goto(n.name) for n in line.numbers for dialled in n.dialled}
    for dialled, goto in {**wanted, **dict.fromkeys(_ANYTHING, otherwise)}.items():
        yield f"exten => {dialled},1,{FORGET}"
        yield f" same => n,Set(TIPLINE_TRUNK={name})"
        yield f" same => n,{goto}"


def _goto(number: str | None) -> str:
    return f"Goto({_number_context(number or '')},s,1)"


def _number_context(name: str) -> str:
    return f"number-{name}" if name else "any-number"


def _number(name: str, languages: Sequence[str]) -> Iterator[str]:
    yield f"[{_number_context(name)}]"
    yield f"exten => s,1,{FORGET}"
    yield f" same => n,Set(TIPLINE_NUMBER={name})"
    yield f" same => n,Set(CHANNEL(language)={languages[0]}{UNCHOSEN})"
    yield f" same => n,Set(TIPLINE_APOLOGY={_apology_context(name)})"
    yield " same => n,Goto(tip-line,s,1)"


def _apology_context(name: str) -> str:
    return f"apology-{name}" if name else "any-apology"


def _apology(name: str, languages: Sequence[str], sms_number: str | None) -> Iterator[str]:
    yield f"[{_apology_context(name)}]"
    yield f"exten => s,1,{FORGET}"
    for language in languages:
        yield f" same => n,Set(CHANNEL(language)={language})"
        yield f" same => n,Playback({apology(sms_number)})"
    yield " same => n,Hangup()"
    yield "exten => T,1,Hangup()"
