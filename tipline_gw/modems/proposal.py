"""A profile file for a modem that none is for, from what it answered to a probe.

Why it exists: a first file that loads and is safe, to be tried and completed; what can be known
from a manual alone (pacing, dialects, what a reset does) is left at the defaults. It refuses to
promise: the file says of itself that it is a proposal.
"""

from __future__ import annotations

import json
import re
import tomllib

from tipline_gw.modems.identify import Identity
from tipline_gw.modems.probe import CALL_LISTS, Answer, Probe
from tipline_gw.modems.profiles import Profile

_PURGES = {"AT^SPBD=?": 'AT^SPBD="{}"', "AT+WDCP=?": 'AT+WDCP="{}"'}
_PURGEABLE = ("RC", "MC", "LD")
_POWER = {"AT+CRESET=?": "AT+CRESET", "AT#ENHRST=?": "AT#ENHRST=1,0"}
"""By their test forms: what empties a call list, and what restarts the hardware."""

Answers = dict[str, Answer]


def proposal(probe: Probe, identity: Identity, usb: tuple[str, int] | None = None) -> str:
    """A profile file for this modem, to be read, tried and completed. It loads as it stands.

    ``usb``: vendor and product id, and the interface that speaks AT.
    """
    tables = [_head(identity), _sms(probe), _calls(probe.answers), _USSD, _reset(probe.answers)]
    if usb is not None:
        tables.insert(1, _usb(*usb))
    text = "\n".join(tables)
    Profile.model_validate({**tomllib.loads(text), "name": "proposed/profile"})
    return text


def _sms(probe: Probe) -> str:
    how = "direct" if probe.direct else "stored"
    csms = "csms = 1\n" if probe.direct else ""
    reason = (
        "it offers +CSMS 1, +CNMI mt 2 and +CNMA: the SIM need never be written"
        if probe.direct
        else "it does not offer all of +CSMS 1, +CNMI mt 2 and +CNMA"
    )
    return (
        f'[sms]\ndelivery = "{how}"\nstorages = {json.dumps(_chosen(probe.answers))}\n{csms}'
        f'cnmi = "{_cnmi(probe.answers)}"\nreason = {_toml(reason)}\n'
    )


def _chosen(answers: Answers) -> list[str]:
    """Those it receives into, the SIM first, then status reports'. MT is SM and ME again."""
    answer = answers["AT+CPMS=?"]
    receive = [name for name in answer.names(2) or answer.names(0) if name != "SR"]
    order = [name for name in receive if name in ("SM", "ME")] or receive[:2] or ["SM"]
    reports = [name for name in answer.names(0) if name == "SR"]
    return sorted(order, key=lambda name: name != "SM") + reports


def _cnmi(answers: Answers) -> str:
    """Buffered while the link is busy, stored with a notice, no status reports; where it does
    not offer that, the nearest."""
    groups = answers["AT+CNMI=?"].groups()
    wanted = ((2, 1, 3, 0), (1,), (0,), (0,), (0, 1))
    chosen = [
        next((v for v in values if v in offered), min(min(offered, default=values[0]), 9))
        for values, offered in zip(wanted, groups, strict=False)
    ]
    return ",".join(map(str, chosen if len(chosen) > 1 else (2, 1, 0, 0, 0)))


def _calls(answers: Answers) -> str:
    lists = [name for name in answers["AT+CPBS=?"].names() if name in CALL_LISTS]
    if not lists:
        return '[calls]\nlist = "no list"\nreason = "+CPBS names no list of calls"\n'
    known = [command for test, command in _PURGES.items() if answers[test].ok]
    if known and set(lists) <= set(_PURGEABLE):
        purge = json.dumps([known[0].format(name) for name in lists])
        reason = "it keeps calls, and knows the command: see whether it empties them"
        return f'[calls]\nlist = "purgeable"\npurge = {purge}\nreason = "{reason}"\n'
    reason = f"it keeps calls in {' '.join(lists)}; look for a command that empties them"
    return f'[calls]\nlist = "unsafe"\nreason = "{reason}"\n'


def _reset(answers: Answers) -> str:
    known = [command for test, command in _POWER.items() if answers[test].ok]
    power = f'power = "{known[0]}"\n' if known else ""
    reason = "27.007 §8.2" + ("; the other is named by its test form" if power else "")
    return f'[reset]\nsoft = "AT+CFUN=1,1"\n{power}seconds = 20\nreason = "{reason}"\n'


_USSD = '[ussd]\ndialect = "plain"\n'


def _head(identity: Identity) -> str:
    named = identity.manufacturer or identity.model
    information = "" if named else f"information = {_exactly(identity.information)}\n"
    return (
        "# Proposed by modems probe: try it, complete it, name the manual.\n"
        'source = "answers to modems probe; the AT manual is to be named here"\n\n'
        f"[identify]\nmanufacturer = {_exactly(identity.manufacturer)}\n"
        f"model = {_exactly(identity.model)}\n{information}"
    )


def _usb(number: str, interface: int) -> str:
    return (
        f'[[usb]]\nid = "{number}"\nat_interface = {interface}\n'
        'reason = "the interface it was probed at"\n'
    )


def _exactly(said: str) -> str:
    return _toml(f"^{re.escape(said)}$" if said else "")


def _toml(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, which wants one more."""
    return json.dumps(text).replace("\x7f", "\\u007f")
