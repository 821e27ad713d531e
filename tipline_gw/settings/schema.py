"""The shape of the configuration: every key, its unit, its default and the reason for it.

Frozen after loading; an unknown key is an error, because a misspelt safety setting that is
silently ignored is worse than a daemon that does not start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from tipline_gw.settings.fields import Language, Listen, Name
from tipline_gw.settings.fields import Table as _Table
from tipline_gw.settings.store_url import StoreUrl
from tipline_gw.settings.trunks import AnyTrunk, Number


class Line(_Table):
    """What callers are told, and how coarse time is kept. ``sms_number``: the line's own, public;
    said digit by digit to a caller whose call cannot be taken."""

    name: str = Field(min_length=1, max_length=80)
    languages: list[Language] = Field(min_length=1, max_length=9)
    emergency_number: str = Field(default="911", pattern=r"^[0-9]{2,4}$")
    sms_number: str | None = Field(default=None, pattern=r"^[0-9]{3,15}$")
    time_granularity: Literal["hour", "day"] = "hour"

    @model_validator(mode="after")
    def _no_language_twice(self) -> Line:
        if len(set(self.languages)) != len(self.languages):
            raise ValueError("languages names one twice")
        return self


class Store(_Table):
    """Where sealed tips rest. ``retention_days``: how long, counted from arrival."""

    url: StoreUrl
    retention_days: int = Field(default=90, ge=1, le=3650)


class Recipients(_Table):
    """The age public keys every tip is sealed to."""

    file: Path


class Voice(_Table):
    """FastAGI and AudioSocket listeners, both for an Asterisk on this machine.

    ``disguise``: whether voices are changed before they are sealed. ``offer``: for who presses 3;
    ``default``: for all but who presses 3; ``off``: for nobody. Not for all from the start,
    because a changed voice is harder to understand and no proof against being recognised.
    ``challenge_calls``: with so many calls under way a new caller has to press a key that is said
    to them, which a machine that dials does not; 0 asks nobody, because it is one more step for
    somebody in fear.
    """

    agi_listen: Listen = "127.0.0.1:4573"
    audio_listen: Listen = "127.0.0.1:4574"
    max_recording_seconds: int = Field(default=180, ge=5, le=1800)
    max_calls: int = Field(default=240, ge=1, le=2000)
    challenge_calls: int = Field(default=0, ge=0, le=2000)
    prompts: Path = Path("prompts")
    disguise: Literal["off", "offer", "default"] = "offer"


class Sms(_Table):
    """``reply``: answer texts, or none at all, not even questions. ``reassembly_seconds``: how
    long the missing parts of a long message are waited for.

    Limits an hour, because a line that anybody can flood serves nobody. ``sender_limit``: messages
    of one sender, and no person writes 30; the next one is answered that it is the last one kept.
    ``modem_limit``: messages on one modem that are answered with a code, which costs computing;
    a modem takes about as many. ``answer_limit``: answers to one sender, because the other one
    may be a machine. ``sending_limit``: messages one modem may send; networks block SIMs that
    send many more.
    """

    reply: Literal["code", "none"] = "code"
    reassembly_seconds: int = Field(default=600, ge=5, le=86400)
    sender_limit: int = Field(default=30, ge=1, le=100_000)
    modem_limit: int = Field(default=1200, ge=1, le=1_000_000)
    answer_limit: int = Field(default=6, ge=1, le=100_000)
    sending_limit: int = Field(default=120, ge=1, le=100_000)


class Modem(_Table):
    """One GSM modem. ``port``: best a by-path link, which stays the same over a replug."""

    name: Name
    port: str = Field(pattern=r"^/")
    profile: str = Field(default="auto", pattern=r"^(auto|[a-z0-9-]+/[a-z0-9-]+)$")
    pin_file: Path | None = None


class Metrics(_Table):
    """/metrics, /healthz and /readyz."""

    listen: Listen = "127.0.0.1:9477"


class Site(_Table):
    """The public pages: nothing is published sooner, nor in smaller batches."""

    publish_after_hours: int = Field(default=24, ge=0)
    minimum_batch: int = Field(default=5, ge=1)


class Settings(_Table):
    """The whole file. Relative paths are relative to it."""

    line: Line
    store: Store
    recipients: Recipients
    voice: Voice = Voice()
    sms: Sms = Sms()
    modem: list[Modem] = Field(default_factory=list)
    trunk: list[AnyTrunk] = Field(default_factory=list)
    number: list[Number] = Field(default_factory=list)
    metrics: Metrics = Metrics()
    site: Site = Site()

    @model_validator(mode="after")
    def _modems_apart(self) -> Settings:
        for what in ("name", "port"):
            values = [getattr(modem, what) for modem in self.modem]
            if len(set(values)) != len(values):
                raise ValueError(f"two [[modem]] tables have the same {what}")
        return self
