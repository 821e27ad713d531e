"""Reads an Asterisk configuration directory for what would leak a caller (and nothing more).

``asterisk-config`` writes files that pass; this is for the day someone edits them, or points the
gateway at an Asterisk of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SECTION = re.compile(r"^\[([^\]]+)\]")
_SETTING = re.compile(r"^([^=>;]+?)\s*=>?\s*(.*?)\s*(?:;.*)?$")


@dataclass(frozen=True, slots=True)
class Fault:
    file: str
    line: int
    what: str
    todo: str


@dataclass(frozen=True, slots=True)
class _Setting:
    line: int
    section: str
    key: str
    value: str


# file, section, key, value that must stand there, why
_MUST = (
    ("cdr.conf", "general", "enable", "no", "call detail records hold every caller's number"),
    ("cel.conf", "general", "enable", "no", "channel events hold every caller's number"),
    ("asterisk.conf", "options", "dumpcore", "no", "a core dump holds callers' numbers"),
    ("modules.conf", "modules", "autoload", "no", "modules nobody asked for log numbers"),
)
_MUST_NOT_LOAD = re.compile(
    r"^(cdr_|cel_|app_verbose|app_record|app_voicemail|res_pjsip_(caller_id|diversion|history|logger)"
    r"|res_hep|app_mixmonitor)"
)
_MUST_NOT_LOG = re.compile(r"\b(verbose|debug|security|notice|dtmf|full)\b|\*")
_FORGETS = ("CALLERID(all)", "CALLERID(ANI-all)", "CALLERID(RDNIS)", "CALLERID(DNID)")


def faults(directory: Path) -> list[Fault]:
    """What in ``directory`` would leak; empty when nothing does."""
    if not (directory / "asterisk.conf").is_file():
        return [Fault(str(directory), 0, "there is no asterisk.conf", "tipline-gw asterisk-config")]
    return [*_required(directory), *_modules(directory), *_logger(directory),
            *_interfaces(directory), *_dialplan(directory)]  # fmt: skip


def _settings(path: Path) -> list[_Setting]:
    section, settings = "", []
    text = path.read_text(errors="replace") if path.is_file() else ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _SECTION.match(line):
            section = header[1]
        elif found := _SETTING.match(line.strip()):
            settings.append(_Setting(number, section, found[1].strip(), found[2]))
    return settings


def _required(directory: Path) -> Iterator[Fault]:
    for file, section, key, value, why in _MUST:
        there = [s for s in _settings(directory / file) if (s.section, s.key) == (section, key)]
        if not there or there[-1].value != value:
            line = there[-1].line if there else 0
            yield Fault(str(directory / file), line, why, f"set {key} = {value} in [{section}]")


def _modules(directory: Path) -> Iterator[Fault]:
    path = directory / "modules.conf"
    for setting in _settings(path):
        if setting.key in ("load", "preload", "require") and _MUST_NOT_LOAD.match(setting.value):
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
        if setting.section == "logfiles" and _MUST_NOT_LOG.search(setting.value):
            yield Fault(
                str(path), setting.line, "these levels quote callers", "log error,warning alone"
            )


def _interfaces(directory: Path) -> Iterator[Fault]:
    for file, what in (("manager.conf", "the manager interface"), ("http.conf", "HTTP")):
        path = directory / file
        for setting in _settings(path):
            if setting.section == "general" and setting.key == "enabled" and setting.value != "no":
                yield Fault(str(path), setting.line, f"{what} tells who calls", "set enabled = no")


def _dialplan(directory: Path) -> Iterator[Fault]:
    path = directory / "extensions.conf"
    text = path.read_text(errors="replace") if path.is_file() else ""
    before = text.split("AGI(agi://")[0]
    for what in _FORGETS:
        if f"Set({what}=)" not in before:
            yield Fault(
                str(path), 0, f"{what} is not blanked before the gateway is called",
                "tipline-gw asterisk-config",
            )  # fmt: skip
