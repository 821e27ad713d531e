"""DAHDI spans: ``chan_dahdi.conf`` for Asterisk, ``system.conf`` for ``dahdi_cfg``.

Only ISDN PRI is written. MFC/R2 asks the exchange for the caller's number as part of every call,
so it is left out on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tipline_gw.settings.trunks import DahdiTrunk, Trunk, first_channel
from tipline_gw.voice.dialplan import context

_CLOSED = """\
; The name and number of who calls are not taken out of the signalling, and none is sent.
usecallerid = no
callerid =
hidecallerid = yes
usecallingpres = no
display_receive = block
display_send = block
colp_send = block
mcid_send = no
; No supplementary service: each of them tells one side about another.
facilityenable = no
callwaiting = no
callwaitingcallerid = no
threewaycalling = no
transfer = no
canpark = no
cancallforward = no
callreturn = no
immediate = no
pridialplan = unknown
prilocaldialplan = unknown
; The network cancels echo; what is recorded is left as it came.
echocancel = no
relaxdtmf = no
busydetect = no
"""


def chan_dahdi(spans: Sequence[DahdiTrunk], all_trunks: Sequence[Trunk]) -> str:
    texts = ["[trunkgroups]\n", f"[channels]\n{_CLOSED}"]
    for group, span in enumerate(sorted(spans, key=lambda one: one.span), 1):
        texts.append("".join(f"{line}\n" for line in _span(span, group, all_trunks)))
    return "\n".join(texts)


def system(spans: Sequence[DahdiTrunk], all_trunks: Sequence[Trunk]) -> str:
    """For ``/etc/dahdi/system.conf`` of the machine that the card is in."""
    lines: list[str] = []
    for span in sorted(spans, key=lambda one: one.span):
        lines += [f"# {span.name}", *_wires(span, first_channel(span, all_trunks)), ""]
    lines += ["loadzone = mx", "defaultzone = mx"]
    return "".join(f"{line}\n" for line in lines)


def modules(spans: Sequence[DahdiTrunk]) -> Iterator[str]:
    if spans:
        yield "chan_dahdi"


def _span(span: DahdiTrunk, group: int, all_trunks: Sequence[Trunk]) -> Iterator[str]:
    bearers, _ = _channels(span, first_channel(span, all_trunks))
    yield f"; {span.name}"
    yield f"context = {context(span.name)}"
    yield f"group = {group}"
    yield f"switchtype = {span.switchtype}"
    yield f"signalling = {span.signalling}"
    yield f"overlapdial = {'incoming' if span.overlap else 'no'}"
    yield f"channel => {bearers}"


def _wires(span: DahdiTrunk, first: int) -> Iterator[str]:
    framing = "ccs,hdb3" + (",crc4" if span.crc4 else "") if span.line == "e1" else "esf,b8zs"
    bearers, signalling = _channels(span, first)
    yield f"span = {span.span},{span.timing},{span.lbo},{framing}"
    yield f"bchan = {bearers}"
    yield f"dchan = {signalling}"


def _channels(span: DahdiTrunk, first: int) -> tuple[str, int]:
    """The B channels, and the D channel: the 16th of an E1, the 24th of a T1."""
    if span.line == "t1":
        return f"{first}-{first + 22}", first + 23
    return f"{first}-{first + 14},{first + 16}-{first + 30}", first + 15
