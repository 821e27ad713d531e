"""Reads an Asterisk configuration directory for what would leak a caller (and nothing more).

``asterisk-config`` writes files that pass; this is for the day someone edits them, or points the
gateway at an Asterisk of their own.
"""

from __future__ import annotations

import itertools
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_SECTION = re.compile(r"^\s*\[([^\]]+)\]")
_SETTING = re.compile(r"^([^=>;]+?)\s*=>?\s*(.*?)\s*(?:;.*)?$")
_BLOCK = re.compile(r"^((?:\\;|[^;\n])*);--(?!-)(?s:.*?)(?:--;|\Z)", re.MULTILINE)
"""A comment over several lines, with what stands before it."""
_INCLUDE = re.compile(r"^\s*#\s*(include|tryinclude|exec)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    """``fatal``: a number is in danger."""

    file: str
    line: int
    what: str
    todo: str
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class _Setting:
    """Asterisk's names of settings and of most sections are the same in capitals: ``key`` is in
    small letters. ``header``: the line of its section's."""

    line: int
    header: int
    section: str
    key: str
    value: str

    def within(self, section: str) -> bool:
        return self.section.lower() == section


# file, section, key, value that must stand there, why
_MUST = (
    ("cdr.conf", "general", "enable", "no", "call detail records hold every caller's number"),
    ("cel.conf", "general", "enable", "no", "channel events hold every caller's number"),
    ("asterisk.conf", "options", "dumpcore", "no", "a core dump holds callers' numbers"),
    ("modules.conf", "modules", "autoload", "no", "modules nobody asked for log numbers"),
)
MUST_NOT_LOAD = re.compile(
    r"^(cdr_|cel_|res_cdrel|app_(cdr|celgen|verbose|record|voicemail|minivm|mixmonitor|chanspy"
    r"|dumpchan|userevent|system|queue|privacy|sms|stasis|externalivr|adsiprog|forkcdr|dictate|db\b"
    r"|alarmreceiver|followme|confbridge|meetme)"
    r"|res_pjsip_(caller_id|diversion|history|logger|header_funcs|publish|phoneprov|stir_shaken"
    r"|geolocation|messaging)"
    r"|res_(hep|ari|stasis|security_log|snmp|prometheus|statsd|xmpp|odbc|config_|phoneprov|curl"
    r"|http|calendar|smdi|realtime|manager|monitor|stir_shaken|geolocation)"
    r"|chan_(iax2|sip|mgcp|skinny|unistim|motif|console|websocket|mobile|ooh323)\b"
    r"|func_(cdr|db|odbc|curl|shell|blacklist|env|realtime|pjsip)|pbx_(realtime|dundi|lua|spool))"
)
"""Modules that write down, publish or look up who calls, by their names."""
READS_FROM = "the From header is read, and its name and number can come into a warning"
QUOTES_SIP = "pjproject's messages are logged, and quote who calls"
STICKS = re.compile(r"^chan_(dongle|quectel)")
FORGET = "Set(CALLERID(all)=)"
NOBODY = "anonymous <anonymous>"
"""The ``callerid`` of every endpoint. Where one has a number, Asterisk reads no From header."""
HAS_CALLER = re.compile(r".*<(?!unknown>)[^<>]+>")
FROM_LINE = re.compile(r"from-line(-[a-z0-9-]+)?")
"""The contexts that trunks may deliver to: all of them forget first."""
_MAY_LOG = re.compile(r"(\[\w*\])?[\s,]*((warning|error)\b[\s,]*)*", re.IGNORECASE)
FORGETS = ("CALLERID(all)", "CALLERID(ANI-all)", "CALLERID(RDNIS)", "CALLERID(DNID)")


def faults(directory: Path, srtp: Collection[str] = ()) -> list[Fault]:
    """What in ``directory`` would leak; empty when nothing does. ``srtp``: trunks whose speech is
    to be encrypted."""
    if not (directory / "asterisk.conf").is_file():
        return [Fault(str(directory), 0, "there is no asterisk.conf", "tipline-gw asterisk-config")]
    return [*_required(directory), *_modules(directory), *_logger(directory),
            *_interfaces(directory), *_dialplan(directory), *_pjsip(directory, srtp),
            *_pjproject(directory),
            *_dahdi(directory), *_sticks(directory), *_secrets(directory),
            *_included(directory)]  # fmt: skip


def loaded(directory: Path) -> list[str]:
    """The modules that ``modules.conf`` names."""
    settings = _settings(directory / "modules.conf")
    return [s.value for s in settings if s.key in ("load", "preload", "require")]


def _settings(path: Path) -> list[_Setting]:
    section, header, settings = "", 0, []
    text = path.read_text(errors="replace") if path.is_file() else ""
    said = _BLOCK.sub(lambda block: block[1] + "\n" * block[0].count("\n"), text)
    for number, line in enumerate(said.split("\n"), 1):
        if begins := _SECTION.match(line):
            section, header = begins[1], number
        elif found := _SETTING.match(line.strip()):
            settings.append(_Setting(number, header, section, found[1].strip().lower(), found[2]))
    return settings


def _required(directory: Path) -> Iterator[Fault]:
    for file, section, key, value, why in _MUST:
        settings = _settings(directory / file)
        there = [s for s in settings if s.key == key and s.within(section)]
        # Of two, some of Asterisk's parts take the first and some the last.
        wrong = [s for s in there if s.value.lower() != value]
        if wrong or not there:
            line = wrong[0].line if wrong else 0
            yield Fault(str(directory / file), line, why, f"set {key} = {value} in [{section}]")


def _modules(directory: Path) -> Iterator[Fault]:
    path = directory / "modules.conf"
    for setting in _settings(path):
        if setting.key in ("load", "preload", "require") and MUST_NOT_LOAD.match(setting.value):
            yield Fault(
                str(path),
                setting.line,
                f"{setting.value} records or logs callers",
                "do not load it",
            )


def _logger(directory: Path) -> Iterator[Fault]:
    path = directory / "logger.conf"
    if not path.is_file():
        yield Fault(str(path), 0, "without it Asterisk logs notices", "tipline-gw asterisk-config")
    for setting in _settings(path):
        if setting.within("logfiles") and not _MAY_LOG.fullmatch(setting.value):
            yield Fault(
                str(path), setting.line, "these levels quote callers", "log error,warning alone"
            )


def _interfaces(directory: Path) -> Iterator[Fault]:
    for file, what in (("manager.conf", "the manager interface"), ("http.conf", "HTTP")):
        path = directory / file
        for setting in _settings(path):
            on = setting.key == "enabled" and setting.value.lower() != "no"
            if on and setting.within("general"):
                yield Fault(str(path), setting.line, f"{what} tells who calls", "set enabled = no")


def _dialplan(directory: Path) -> Iterator[Fault]:
    path = directory / "extensions.conf"
    said = "\n".join(setting.value for setting in _settings(path))
    before = said.split("AGI(agi://")[0]
    for what in FORGETS:
        if f"Set({what}=)" not in before:
            yield Fault(
                str(path), 0, f"{what} is not blanked before the gateway is called",
                "tipline-gw asterisk-config",
            )  # fmt: skip
    for setting in _settings(path):
        if FROM_LINE.fullmatch(setting.section) and not _forgets_first(setting):
            yield Fault(
                str(path), setting.line, f"[{setting.section}] does not begin by {FORGET}",
                "make that the first priority of each extension there",
            )  # fmt: skip


def _forgets_first(setting: _Setting) -> bool:
    """Also true of what is no first priority."""
    if setting.key == "exten":
        priority, _, does = setting.value.partition(",")[2].partition(",")
        number = priority.partition("(")[0].strip()  # behind it, a label
        return number not in ("1", "hint") or does.strip() == FORGET
    return setting.key == "same"


def _pjsip(directory: Path, srtp: Collection[str]) -> Iterator[Fault]:
    path = directory / "pjsip.conf"
    settings = _settings(path)
    # Of a template too, or of what goes on with a section: no other object has these options.
    for setting in settings:
        yield from _endpoint_says(path, setting)
    for _, section in itertools.groupby(settings, lambda setting: setting.header):
        keys = {setting.key: setting for setting in section}
        if "type" in keys and keys["type"].value == "endpoint":
            yield from _endpoint_lacks(path, keys, srtp)


_TO_FROM_LINE = "set context = from-line, or write it again: tipline-gw asterisk-config"
_ENDPOINT_NO = (
    "trust_id_inbound", "trust_id_outbound", "send_pai", "send_rpid", "send_diversion",
    "send_connected_line", "send_history_info", "allow_subscribe", "one_touch_recording",
    "media_encryption_optimistic",
)  # fmt: skip
"""Options of an endpoint that must not be on: they believe, tell or record who calls."""


def _endpoint_says(path: Path, setting: _Setting) -> Iterator[Fault]:
    if setting.key in _ENDPOINT_NO and setting.value not in ("no", "false", "off", "0"):
        what = f"{setting.key} takes or gives who calls, or lets speech go in clear"
        yield Fault(str(path), setting.line, what, f"set {setting.key} = no")
    if setting.key == "context" and not FROM_LINE.fullmatch(setting.value):
        what = "calls go to a context that may not forget who calls"
        yield Fault(str(path), setting.line, what, _TO_FROM_LINE)


def _endpoint_lacks(
    path: Path, keys: Mapping[str, _Setting], srtp: Collection[str]
) -> Iterator[Fault]:
    kind = keys["type"]
    if "context" not in keys:
        yield Fault(str(path), kind.line, "an endpoint has no context", _TO_FROM_LINE)
    caller = keys.get("callerid")
    if caller is None or not HAS_CALLER.fullmatch(caller.value):
        yield Fault(str(path), (caller or kind).line, READS_FROM, f"set callerid = {NOBODY}")
    encryption = keys.get("media_encryption")
    if kind.section in srtp and (encryption is None or encryption.value != "sdes"):
        what = "speech of a trunk with srtp = true goes in clear"
        yield Fault(str(path), (encryption or kind).line, what, "set media_encryption = sdes")


def _pjproject(directory: Path) -> Iterator[Fault]:
    """Without that file, and that section, some of its levels are logged."""
    if not (directory / "pjsip.conf").is_file():
        return
    path = directory / "pjproject.conf"
    settings = _settings(path)
    mapped = [s for s in settings if s.key.startswith("asterisk_") and s.value]
    if mapped or not any((s.key, s.value) == ("type", "log_mappings") for s in settings):
        line = mapped[0].line if mapped else 0
        todo = "map no level there, or write it again: tipline-gw asterisk-config"
        yield Fault(str(path), line, QUOTES_SIP, todo)


def _dahdi(directory: Path) -> Iterator[Fault]:
    """chan_dahdi.conf is read downwards: a channel has what was said above it."""
    path = directory / "chan_dahdi.conf"
    said: dict[str, str] = {}
    for setting in _settings(path):
        said[setting.key] = setting.value
        if setting.key != "channel":
            continue
        if said.get("usecallerid") != "no":
            what = "usecallerid takes the caller's number out of the signalling"
            yield Fault(str(path), setting.line, what, "set usecallerid = no above it")
        if not FROM_LINE.fullmatch(said.get("context", "")):
            what = "calls go to a context that may not forget who calls"
            yield Fault(str(path), setting.line, what, _TO_FROM_LINE)


def _sticks(directory: Path) -> Iterator[Fault]:
    for name in ("dongle.conf", "quectel.conf"):
        path = directory / name
        settings = _settings(path)
        for key, value in (("disablesms", "yes"), ("smsdb", ":memory:")):
            there = [setting for setting in settings if setting.key == key]
            wrong = [setting for setting in there if setting.value != value]
            if settings and (wrong or not there):
                what = "texts and who sent them are kept or logged by the driver"
                yield Fault(str(path), wrong[0].line if wrong else 0, what, f"set {key} = {value}")
        for setting in settings:
            if setting.key == "context" and not FROM_LINE.fullmatch(setting.value):
                what = "calls go to a context that may not forget who calls"
                yield Fault(str(path), setting.line, what, _TO_FROM_LINE)
    if any(STICKS.match(name) for name in loaded(directory)):
        for setting in _settings(directory / "logger.conf"):
            if setting.within("logfiles"):
                what = "drivers of GSM sticks quote callers even in errors"
                yield Fault(str(directory / "logger.conf"), setting.line, what, "log nothing")


def _secrets(directory: Path) -> Iterator[Fault]:
    private = list(directory.glob("keys/*"))
    for path in sorted(directory.glob("*.conf")):
        if any(s.key in ("password", "md5_cred", "secret") for s in _settings(path)):
            private.append(path)
    for path in private:
        if path.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP):
            yield Fault(
                str(path), 0, "others can read a password or a key", f"chmod o-rwx,g-w {path}"
            )


def _included(directory: Path) -> Iterator[Fault]:
    """Only the files themselves are read here."""
    for path in sorted(directory.glob("*.conf")):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if _INCLUDE.match(line):
                what = "what this brings in is not looked at"
                todo = "write it into this file; a running Asterisk is asked what it made of all"
                yield Fault(str(path), number, what, todo, fatal=False)
