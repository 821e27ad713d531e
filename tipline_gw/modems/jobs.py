"""What an engineer may have a modem do, in that modem's own thread, between two messages.

The same from within the running gateway (:mod:`tipline_gw.modems.control`) and on a port of the
engineer's own (:mod:`tipline_gw.modems.alone`). Answers are plain values that cross a socket. It
refuses what :mod:`tipline_gw.modems.console` refuses.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from tipline_gw.errors import ModemError, ModemSilentError
from tipline_gw.modems import balance, console

if TYPE_CHECKING:
    from tipline_gw.modems.driver import Driver

USSD_SECONDS = 45.0
"""The network ends a session that nothing comes of after some 30 (3GPP TS 24.090)."""

Reset = Literal["soft", "power"]

_CODE = re.compile(r"[*#0-9]{1,40}")


def check_code(code: str) -> None:
    """Raises ModemError: it is no USSD code."""
    if not _CODE.fullmatch(code):
        raise ModemError("a USSD code has digits, * and # alone", "as in '*133#'")


def ussd(driver: Driver, code: str) -> dict[str, Any]:
    """``text`` as the boundary masked it, ``operator``, the ``balance`` found in it, its
    ``currency`` and whether it is ``low``."""
    check_code(code)
    operator = driver.reception().operator
    text = driver.ussd(code, USSD_SECONDS)
    amount = balance.balance_of(operator, text)
    return {
        "text": text,
        "operator": operator,
        "balance": amount,
        "currency": "" if amount is None else balance.currency_of(operator, text),
        "low": amount is not None and balance.is_low(operator, amount),
    }


def balance_line(answer: dict[str, Any]) -> str | None:
    """What :func:`ussd` found, for a person; None where no balance was."""
    if answer["balance"] is None:
        return None
    said = f"balance: {answer['balance']:.2f} {answer['currency']}".rstrip()
    return said + (" (low)" if answer["low"] else "")


def introduce(driver: Driver) -> None:
    """Have it say what it is and how it fares."""
    driver.identity()
    driver.reception()


def signal(driver: Driver) -> dict[str, Any]:
    """``operator``, ``registration`` and ``dbm``, asked now."""
    return asdict(driver.reception())


def command(driver: Driver, line: str) -> list[str]:
    """The lines of the answer, result code included."""
    if why := console.refusal(line):
        raise ModemError(why)
    lines = driver.command(line, console.seconds_for(line))
    return console.shown(lines, driver.part)


def messages(driver: Driver) -> list[dict[str, Any]]:
    """What lies on the modem now, a message each: where, of what kind, and its sender's token."""
    return [
        {"storage": slot.storage, "slot": slot.index, **console.described(driver.part(pdu))}
        for storage in driver.storages
        for slot, pdu in driver.listed(storage)
    ]


class Restarting(ModemSilentError):  # noqa: N818 - what was asked for, not a failure
    """It was reset, as asked or to find its network: whoever served it begins anew."""

    def __init__(self) -> None:
        super().__init__("it was reset", "wait until it has started")


def reset(driver: Driver, how: Reset) -> None:
    """Raises Restarting when it is done, and ModemError where its profile has no way to."""
    done = driver.power_cycle() if how == "power" else driver.soft_reset()
    if not done:
        raise ModemError(
            f"its profile has no {how} reset", "see modems probe, or unplug it and plug it in"
        )
    raise Restarting
