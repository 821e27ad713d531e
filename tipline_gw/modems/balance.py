"""Prepaid balances: which code asks for one, and where in the answer it stands.

Operators word their answers as they like and change them: both are data, ``config/operators.toml``.
It refuses to guess: an answer that fits no pattern has no balance, and an operator whose code
nobody has published is not asked.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tipline_gw import resources
from tipline_gw.errors import ConfigError

FILE = "operators.toml"
AMOUNT = (
    r"(?<![\d/*.,])(?P<amount>-?\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?|-?\d+(?:[.,]\d{1,2})?)"
    r"(?![\d*/:]|[.,-]\d)"
)
"""What ``AMOUNT`` in a pattern stands for. A date, a time, and an amount that the boundary masked
in part are none."""


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return value


def _balance_pattern(value: str) -> str:
    if value.count("AMOUNT") != 1:
        raise ValueError("must have AMOUNT once, where the amount stands")
    return _pattern(value.replace("AMOUNT", AMOUNT))


class Operator(BaseModel):
    """One operator. ``names``: a regular expression, found without case in what +COPS gives;
    ``networks``: the same by MCC and MNC, where the modem gives those. ``code``: the USSD code
    that asks for the balance, with its ``source``; absent where none is published. ``balance``:
    patterns, tried in this order. ``low``: below this much ``currency`` somebody should see to
    it. ``decimal``: how it writes decimals."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    names: Annotated[str, AfterValidator(_pattern)]
    networks: list[Annotated[str, Field(pattern=r"^\d{5,6}$")]] = []
    code: str | None = Field(default=None, pattern=r"^[*#][*#0-9]{1,20}$")
    source: str = Field(min_length=1)
    balance: list[Annotated[str, AfterValidator(_balance_pattern)]] = []
    currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    low: float = Field(default=0.0, ge=0)
    decimal: Literal[".", ","] = "."


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    operator: list[Operator] = Field(min_length=1)
    generic: Operator


def operator_of(said: str) -> Operator:
    """Whose network +COPS names; the generic one where nobody is known by that name."""
    table, said = _table(), said.strip()
    for operator in table.operator if said else ():
        named = re.search(operator.names, said, re.IGNORECASE)
        if said in operator.networks or (named and not said.isdigit()):
            return operator
    return table.generic


def code_for(operator: str) -> str | None:
    """The USSD code that asks for the balance; None where none is known."""
    return operator_of(operator).code


def balance_of(operator: str, text: str) -> float | None:
    """The balance in an answer, in the operator's currency; None where none is found."""
    known, generic = operator_of(operator), _table().generic
    flat = " ".join(text.split())
    for pattern in (*known.balance, *generic.balance):
        if match := re.search(pattern, flat, re.IGNORECASE):
            return _amount(match["amount"], known.decimal)
    return None


def currency_of(operator: str, text: str = "") -> str:
    """Of that operator's balances; of one that is not known, as ``text`` says. Empty: unknown."""
    known = {one.currency for one in _table().operator} - {""}
    said = [word for word in re.findall(r"\b[A-Z]{3}\b", text) if word in known]
    return operator_of(operator).currency or next(iter(said), "")


def is_low(operator: str, balance: float) -> bool:
    """Whether somebody should see to it."""
    return balance < operator_of(operator).low


def _amount(text: str, decimal: str) -> float:
    """``1,234.50`` and ``1.234,50``. A mark before one or two digits is decimal whoever wrote it;
    before three it is what this operator means by it."""
    if tail := re.search(r"[.,](\d{1,2})$", text):
        whole, part = text[: tail.start()], tail[1]
    elif re.fullmatch(rf"-?\d+{re.escape(decimal)}\d{{3}}", text):
        whole, part = text.split(decimal)
    else:
        whole, part = text, "0"
    return float(re.sub(r"[.,]", "", whole) + "." + part)


@cache
def _table() -> _Table:
    """Raises ConfigError for a broken file."""
    path = resources.folder("config") / FILE
    try:
        return _Table.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        reasons = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in faults)
        raise ConfigError(f"{path}: {reasons}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from None
