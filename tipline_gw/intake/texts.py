"""The envelope of a text: what was said, and what is missing of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tipline_gw.domain.sms import Message, Part
from tipline_gw.domain.tip import Envelope, Kind, TipId

Join = Callable[[Sequence[Part]], str]
"""Puts the parts of a text together: :func:`tipline_gw.boundary.pdu.join`."""

GAP = "[…]"
"""Where parts are missing."""


FOR_A_PROGRAM = "port-addressed"
"""Sent by one program to another (3GPP TS 23.040 §9.2.3.24.3): sealed as data."""


def for_a_program(message: Message) -> bool:
    """Nobody wrote it, and nobody waits for an answer."""
    if message.undecodable is not None:
        return message.undecodable.error == FOR_A_PROGRAM
    return any(part.kind == "port" for part in message.parts)


def envelope_of(
    message: Message,
    text: str | None,
    line: str,
    received: str,
    *,
    added: tuple[TipId, str] | None = None,
) -> Envelope:
    """``text``: see :func:`text_of`. ``added``: the case it adds to, and the text without that
    case's code."""
    if message.undecodable is not None:
        error, data = message.undecodable.error, message.undecodable.data.hex()
        return Envelope(Kind.SMS, None, received, line, error=error, data=data, parts=1)
    partial, data = message.partial, b"".join(part.data for part in message.parts).hex()
    program = for_a_program(message)
    return Envelope(
        Kind.SMS,
        None,
        received,
        line,
        text=added[1] if added else text,
        encoding=message.parts[0].encoding,
        parts=len(message.parts),
        partial=partial,
        data=data if program else None,
        error=FOR_A_PROGRAM if program else None,
        numbers=tuple(map(_number, message.parts)) if partial else None,
        of=message.total if partial else None,
        adds_to=added[0].hex() if added else None,
    )


def text_of(message: Message, join: Join) -> str | None:
    """The whole text, or what there is of it with its gaps marked; None if it does not decode,
    or is no text."""
    if message.undecodable is not None or for_a_program(message):
        return None
    return _with_gaps(message, join) if message.partial else join(message.parts)


def _with_gaps(message: Message, join: Join) -> str:
    said = [GAP] if _number(message.parts[0]) > 1 else []
    for run in _runs(message.parts):
        said.append(join(run))
        if _number(run[-1]) < message.total:
            said.append(GAP)
    return " ".join(said)


def _runs(parts: Sequence[Part]) -> list[list[Part]]:
    """The parts that follow one another: a letter may be split between them."""
    runs: list[list[Part]] = []
    for part in parts:
        if runs and _number(runs[-1][-1]) + 1 == _number(part):
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs


def _number(part: Part) -> int:
    return part.concat.seq if part.concat else 1
