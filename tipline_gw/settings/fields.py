"""The words that the tables of the configuration share: their base, and the types of one value.

A type refuses with a reason that a person can act upon; where it stands is the loader's to say.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

DIGITS_IN_A_NAME = 4
"""A name that goes through Asterisk has no more: what has more may be a telephone number."""


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    named = re.fullmatch(r"[0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\]", host)
    if not named or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ValueError("must be HOST:PORT, as in 127.0.0.1:4573 or [::1]:4573")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}", value):
        raise ValueError("must be a language code of two or three letters, as in es")
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", value) or re.search(r"\d{5}", value):
        raise ValueError("must be a short name as in gsm0: lower-case letters, few digits")
    return value


def _said_name(value: str) -> str:
    if sum(character.isdigit() for character in _name(value)) > DIGITS_IN_A_NAME:
        raise ValueError(f"must not have more than {DIGITS_IN_A_NAME} digits")
    return value


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("must be an address, as in 192.0.2.10") from None


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise ValueError("must be an address or a network, as in 192.0.2.0/24") from None


def _host(value: str) -> str:
    """An address, or a name as of RFC 1123 §2.1: ASCII letters, digits and inner hyphens."""
    label = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    if len(value) <= 253 and re.fullmatch(rf"{label}(?:\.{label})*\.?", value):
        return value
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("must be a host's name or address") from None


Listen = Annotated[str, AfterValidator(_listen)]
Language = Annotated[str, AfterValidator(_language)]
Name = Annotated[str, AfterValidator(_name)]
SaidName = Annotated[str, AfterValidator(_said_name)]
"""A name that Asterisk's dialplan tells the gateway: a trunk's, a number's."""
Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[str, AfterValidator(_network)]
Host = Annotated[str, AfterValidator(_host)]
