"""What a modem can do, asked without sending a message or changing a setting.

Why it exists: of a modem that no profile is for, an engineer needs to know which one to write. It
asks read and test forms alone (3GPP TS 27.005, 27.007; V.250 §5.4.2), the vendors' reset and purge
commands too, and refuses to try whether they do what they say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.errors import ModemSilentError
from tipline_gw.modems import identify
from tipline_gw.modems.profiles import Profile

ANSWER_SECONDS = 8.0
_GROUP = re.compile(r"\(([^()]*)\)")
_NAMES = re.compile(r'"([A-Z]{2})"')
_SPAN = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")

DIRECT_MT = 2
"""<mt> of +CNMI (27.005 §3.4.1): SMS-DELIVERs go to the TE, unstored."""
CALL_LISTS = ("RC", "MC", "LD", "DC", "EN")
"""<storage> of +CPBS (27.007 §8.11) that callers come to stand in. EN and ON are the user's own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``said``: the lines without their command's name; ``error``: the result, where not OK."""

    said: str
    error: str = ""

    @property
    def ok(self) -> bool:
        return not self.error

    def groups(self) -> list[frozenset[int]]:
        """The values of each parenthesised group of a test form: ``(0-2),(0,2)``."""
        return [_values(group) for group in _GROUP.findall(self.said)]

    def offers(self, group: int, value: int) -> bool:
        groups = self.groups()
        return self.ok and group < len(groups) and value in groups[group]

    def names(self, group: int | None = None) -> tuple[str, ...]:
        """Two-letter storages, of one group or of all."""
        groups = _GROUP.findall(self.said) or [self.said]
        if group is not None:
            groups = groups[group : group + 1]
        return tuple(dict.fromkeys(name for part in groups for name in _NAMES.findall(part)))


@dataclass(frozen=True, slots=True)
class Finding:
    """``good``: as the gateway wants it; None where it is neither good nor bad."""

    title: str
    command: str
    good: bool | None
    said: str


Reader = Callable[[Answer], tuple[bool | None, str]]


def _values(group: str) -> frozenset[int]:
    return frozenset(
        value
        for low, high in _SPAN.findall(group)
        for value in range(int(low), min(int(high or low), int(low) + 255) + 1)
    )


# -- how each answer is read -----------------------------------------------------------------------


def _works(answer: Answer) -> tuple[bool | None, str]:
    return answer.ok, answer.said or "accepted"


def _tells(answer: Answer) -> tuple[bool | None, str]:
    return (True if answer.ok else None), answer.said


def _pdu_mode(answer: Answer) -> tuple[bool | None, str]:
    offered = answer.offers(0, 0)
    return offered, "PDU mode" if offered else "no PDU mode: the gateway cannot use it"


def _storages(answer: Answer) -> tuple[bool | None, str]:
    read, receive = answer.names(0), answer.names(2) or answer.names(0)
    return bool(read), f"read and delete {' '.join(read)}; receive into {' '.join(receive)}"


def _acknowledged(answer: Answer) -> tuple[bool | None, str]:
    if answer.offers(0, 1):
        return True, "phase 2+: what is delivered directly is acknowledged"
    return None, "no phase 2+: stored delivery only"


def _routing(answer: Answer) -> tuple[bool | None, str]:
    groups = answer.groups()
    if len(groups) < 2:
        return False, answer.said
    shown = ", ".join(str(value) for value in sorted(groups[1]))
    return 1 in groups[1], f"mt {shown}" + (": direct too" if DIRECT_MT in groups[1] else "")


def _callers_off(answer: Answer) -> tuple[bool | None, str]:
    on = answer.ok and answer.said.startswith("1")
    return not on, "on: the gateway turns it off" if on else "off"


def _call_lists(answer: Answer) -> tuple[bool | None, str]:
    lists = [name for name in answer.names() if name in CALL_LISTS]
    return (None if lists else True), " ".join(lists) or "none"


def _ready(answer: Answer) -> tuple[bool | None, str]:
    return answer.said == "READY", answer.said or answer.error


def _exists(answer: Answer) -> tuple[bool | None, str]:
    return (True if answer.ok else None), "known" if answer.ok else "not known"


QUESTIONS: tuple[tuple[str, str, Reader], ...] = (
    ("echo off", "ATE0", _works),
    ("error numbers", "AT+CMEE=?", _works),
    ("PDU mode", "AT+CMGF=?", _pdu_mode),
    ("SIM", "AT+CPIN?", _ready),
    ("storages", "AT+CPMS=?", _storages),
    ("slots", "AT+CPMS?", _tells),
    ("message service", "AT+CSMS=?", _acknowledged),
    ("routing of messages", "AT+CNMI=?", _routing),
    ("acknowledgement", "AT+CNMA=?", _tells),
    ("caller's number", "AT+CLIP?", _callers_off),
    ("USSD", "AT+CUSD=?", _works),
    ("registration", "AT+CREG?", _tells),
    ("signal", "AT+CSQ", _tells),
    ("operator", "AT+COPS?", _tells),
    ("call lists", "AT+CPBS=?", _call_lists),
    ("purge, Cinterion", "AT^SPBD=?", _exists),
    ("purge, Wavecom", "AT+WDCP=?", _exists),
    ("reset", "AT+CFUN=?", _tells),
    ("reset, SIMCom", "AT+CRESET=?", _exists),
    ("reset, Telit", "AT#ENHRST=?", _exists),
)
"""Title, command, reader; in the order asked."""


class Probe:
    """``ask`` gives all lines of an answer, result last, and raises ModemSilentError."""

    def __init__(self, ask: Callable[[str], list[str]]) -> None:
        self._ask = ask
        self.answers: dict[str, Answer] = {}

    def findings(self) -> Iterator[Finding]:
        """One a question, as they come. A question without an answer is a finding too."""
        for title, command, read in QUESTIONS:
            answer = self.answers[command] = self._answer(command)
            good, said = read(answer)
            if not answer.ok and not said:
                said = answer.error
            yield Finding(title, command, good, said)

    def _answer(self, command: str) -> Answer:
        try:
            lines = self._ask(command)
        except ModemSilentError:
            return Answer("", "no answer")
        name = re.sub(r"^AT|[?=].*$", "", command)
        said = [line.removeprefix(f"{name}:").strip() for line in lines[:-1]]
        return Answer(" ".join(said), "" if lines[-1] == "OK" else lines[-1])

    def disagreements(self, profile: Profile) -> list[str]:
        """Where ``profile`` asks for what this modem does not offer."""
        sms, told = profile.sms, []
        offered = self.answers["AT+CPMS=?"].names()
        lacking = [name for name in sms.storages if name not in offered] if offered else []
        if lacking:
            told.append(f"its storages name {' '.join(lacking)}, which the modem lacks")
        if sms.delivery == "direct" and not self.direct:
            told.append("it wants direct delivery, which the modem does not offer")
        groups = self.answers["AT+CNMI=?"].groups()
        for at, value in enumerate(sms.cnmi.split(",")):
            if at < len(groups) and groups[at] and int(value) not in groups[at]:
                told.append(f"its cnmi wants {value} as value {at + 1}, which the modem refuses")
        return told

    @property
    def direct(self) -> bool:
        """Whether it can deliver directly and wait for the acknowledgement."""
        return (
            self.answers["AT+CSMS=?"].offers(0, 1)
            and self.answers["AT+CNMI=?"].offers(1, DIRECT_MT)
            and self.answers["AT+CNMA=?"].ok
        )


def asker(port: BoundaryPort, pause: float = 0.0) -> Callable[[str], list[str]]:
    """Questions to an open port, one at a time, with so many seconds after each answer."""
    return lambda command: identify.ask(port, command, ANSWER_SECONDS, pause)
