"""The tables ``[[trunk]]`` and ``[[number]]``: by what calls come in, and what was dialled.

What is refused here is what would not work or would leak, with a reason, before an Asterisk is
ever configured by it. A password is never a value: it lies in a file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tipline_gw.settings.fields import Address, Host, Language, Listen, Network, SaidName, Table

LOOPBACK = "line"
"""The name of the trunk that ``--sip-listen`` makes; a ``[[trunk]]`` has another."""
_TAKEN = (LOOPBACK, "general", "defaults", "global")
_SIP_PORT = {"udp": 5060, "tcp": 5060, "tls": 5061}
_PTIMES = (10, 20, 30, 40, 60)
_CHANNELS = {"e1": 31, "t1": 24}


def _trunk_name(value: str) -> str:
    if value in _TAKEN:
        raise ValueError(f"{value} is a name that Asterisk's files use: choose another")
    return value


def _device(value: str) -> str:
    if not re.fullmatch(r"/dev/[A-Za-z0-9._:/+-]+", value):
        raise ValueError("must be a device, best /dev/serial/by-path/…")
    return value


def _ptime(value: int) -> int:
    if value not in _PTIMES:
        raise ValueError(f"must be one of {', '.join(map(str, _PTIMES))}")
    return value


def _username(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._+~-]{1,64}", value):
        raise ValueError("must be letters, digits and . _ + ~ - alone")
    return value


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _dialled(value: str) -> str:
    if not re.fullmatch(r"\+?[0-9A-Za-z]{1,32}", value):
        raise ValueError("must be what the trunk delivers: digits or letters, with or without +")
    if re.fullmatch(r"[A-Za-z]|sms|ussd|report", value):
        raise ValueError("must not be a name that Asterisk itself uses: a single letter, sms, ussd")
    return value


TrunkName = Annotated[SaidName, AfterValidator(_trunk_name)]
Device = Annotated[str, AfterValidator(_device)]
Codec = Literal["ulaw", "alaw", "gsm", "g722"]
Username = Annotated[str, AfterValidator(_username)]


class _Trunk(Table):
    """``max_calls``: at once by this trunk; over it callers hear the apology, and far over it the
    line is busy. ``number``: what was dialled, where the trunk does not say or says something
    that is no ``[[number]]``."""

    name: TrunkName
    max_calls: int | None = Field(default=None, ge=1, le=2000)
    number: SaidName | None = None


class SipTrunk(_Trunk):
    """A provider's SIP trunk.

    ``host``: the provider's; ``accept_from``: where its calls come from, if not from there.
    ``listen``: this side. ``local_net`` and ``external_address``: behind NAT.
    ``username`` and ``secret_file``: ours at the provider, for ``registration``;
    ``inbound_username`` and ``inbound_secret_file``: the provider's, asked for at every call.
    ``srtp``: speech is encrypted or the call is refused; its keys need ``tls``.
    ``dtmf_mode``: rfc4733 where the provider keeps to it, inband where it invents or loses keys.
    """

    kind: Literal["sip"]
    host: Host
    port: int | None = Field(default=None, ge=1, le=65535)
    transport: Literal["udp", "tcp", "tls"] = "udp"
    listen: Listen = "0.0.0.0:5060"
    accept_from: list[Network] = Field(default_factory=list)
    local_net: list[Network] = Field(default_factory=list)
    external_address: Address | None = None
    registration: bool = False
    username: Username | None = None
    secret_file: Path | None = None
    inbound_username: Username | None = None
    inbound_secret_file: Path | None = None
    certificate: Path | None = None
    key_file: Path | None = None
    ca_file: Path | None = None
    verify_server: bool = True
    srtp: bool = False
    codecs: list[Codec] = Field(default=["ulaw", "alaw"], min_length=1)
    ptime: Annotated[int, AfterValidator(_ptime)] = 20
    dtmf_mode: Literal["rfc4733", "auto", "inband", "info"] = "auto"

    @property
    def host_port(self) -> int:
        return self.port or _SIP_PORT[self.transport]

    @model_validator(mode="after")
    def _in_pairs(self) -> SipTrunk:
        for one, other in (
            ("username", "secret_file"), ("inbound_username", "inbound_secret_file"),
            ("certificate", "key_file"), ("local_net", "external_address"),
        ):  # fmt: skip
            if bool(getattr(self, one)) != bool(getattr(self, other)):
                raise ValueError(f"{one} and {other} go together")
        if self.registration != bool(self.username):
            raise ValueError("registration = true, username and secret_file go together")
        return self

    @model_validator(mode="after")
    def _encrypted(self) -> SipTrunk:
        if self.srtp and self.transport != "tls":
            raise ValueError('srtp needs transport = "tls": its keys travel in the signalling')
        if self.transport == "tls" and not self.certificate and not self.registration:
            raise ValueError("tls needs certificate and key_file, because the provider calls here")
        if (
            self.transport == "tls"
            and self.registration
            and self.verify_server
            and not self.ca_file
        ):
            raise ValueError("verify_server needs ca_file, as /etc/ssl/certs/ca-certificates.crt")
        if self.transport != "tls" and (self.certificate or self.ca_file):
            raise ValueError('certificate and ca_file need transport = "tls"')
        return self


class DahdiTrunk(_Trunk):
    """An E1 or T1 with ISDN PRI on a DAHDI card.

    ``span``: as ``dahdi_hardware`` counts; ``first_channel``: its first, where spans before it
    are not in this file. ``timing``: 1 takes the clock from the carrier, 2 is the next choice.
    ``lbo``: line build-out. ``overlap``: the carrier sends what was dialled digit by digit.
    """

    kind: Literal["dahdi"]
    span: int = Field(ge=1, le=64)
    line: Literal["e1", "t1"] = "e1"
    first_channel: int | None = Field(default=None, ge=1, le=2000)
    signalling: Literal["pri_cpe", "pri_net"] = "pri_cpe"
    switchtype: Literal["euroisdn", "national", "ni1", "dms100", "4ess", "5ess", "qsig"] = (
        "euroisdn"
    )
    timing: int = Field(default=1, ge=0, le=8)
    lbo: int = Field(default=0, ge=0, le=7)
    crc4: bool = True
    overlap: bool = False

    @property
    def channels(self) -> int:
        """How many the span has, the D channel included."""
        return _CHANNELS[self.line]


class _Stick(_Trunk):
    """A GSM stick that Asterisk drives itself; never one of ``[[modem]]``: two drivers on one
    stick take one another's answers. ``data`` and ``audio``: its ports, or ``imei``."""

    max_calls: int | None = Field(default=1, ge=1, le=1)
    data: Device | None = None
    audio: Device | None = None
    imei: str | None = Field(default=None, pattern=r"^[0-9]{15}$")


class DongleTrunk(_Stick):
    """A Huawei stick under chan_dongle."""

    kind: Literal["dongle"]

    @model_validator(mode="after")
    def _found_somehow(self) -> DongleTrunk:
        if self.imei is None and not (self.data and self.audio):
            raise ValueError("data and audio are needed, or imei")
        return self


class QuectelTrunk(_Stick):
    """A Quectel or SimCom module under chan_quectel. ``alsa``: its USB sound card, instead of
    ``audio``."""

    kind: Literal["quectel"]
    alsa: str | None = Field(default=None, pattern=r"^[A-Za-z0-9:,._=-]{1,64}$")

    @model_validator(mode="after")
    def _found_somehow(self) -> QuectelTrunk:
        if self.imei is None and not (self.data and (self.audio or self.alsa)):
            raise ValueError("data and audio (or alsa) are needed, or imei")
        if self.audio and self.alsa:
            raise ValueError("audio and alsa exclude one another")
        return self


Stick = DongleTrunk | QuectelTrunk
Trunk = SipTrunk | DahdiTrunk | QuectelTrunk | DongleTrunk
KINDS = ("sip", "dahdi", "quectel", "dongle")
AnyTrunk = Annotated[Trunk, Field(discriminator="kind")]


class Number(Table):
    """A number of the line, of its own languages and greeting. ``dialled``: as the trunk delivers
    it, several where trunks differ. ``greeting``: a recording said instead of ``welcome``, named
    after it, as in ``welcome-centro``."""

    name: SaidName
    dialled: Annotated[
        list[Annotated[str, AfterValidator(_dialled)]],
        BeforeValidator(_one_or_more),
        Field(min_length=1, max_length=20),
    ]
    languages: list[Language] | None = Field(default=None, min_length=1, max_length=9)
    greeting: str | None = Field(default=None, pattern=r"^welcome-[a-z0-9-]{1,40}$")


def first_channel(trunk: DahdiTrunk, trunks: Sequence[Trunk]) -> int:
    """DAHDI counts channels over all spans: after those of the spans before it."""
    if trunk.first_channel is not None:
        return trunk.first_channel
    before = [t for t in trunks if isinstance(t, DahdiTrunk) and t.span < trunk.span]
    if not before:
        return 1
    last = max(before, key=lambda other: other.span)
    return first_channel(last, trunks) + last.channels
