"""Everything ``tipline-gw check`` looks at: each finding with its place and what to do.

It changes nothing, and opens nothing that the daemon does not open.
"""

from __future__ import annotations

import ipaddress
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tipline_gw.asterisk_files import Fault
from tipline_gw.asterisk_files import faults as asterisk_faults
from tipline_gw.asterisk_live import live_faults, runs
from tipline_gw.errors import TiplineError
from tipline_gw.modems import balance, profiles, usb
from tipline_gw.modems.pin import read_pin
from tipline_gw.prompts.check import Problem
from tipline_gw.prompts.check import check as check_prompts
from tipline_gw.sealing.recipients import load_recipients
from tipline_gw.settings import Settings
from tipline_gw.settings.secret import read_secret
from tipline_gw.settings.store_url import sqlite_file
from tipline_gw.settings.trunks import SipTrunk, Stick
from tipline_gw.store import repository
from tipline_gw.store.engine import open_store
from tipline_gw.voice import dialplan
from tipline_gw.voice.asterisk_config import MARK
from tipline_gw.voice.listener import parse_address, written_address
from tipline_gw.voice.trunk_files import copied

IDENTITY_MARK = b"AGE-SECRET-KEY-"
_LARGEST_KEY_FILE = 65536


@dataclass(frozen=True, slots=True)
class Finding:
    """``fatal``: the daemon will not start, or a number or a tip is in danger."""

    file: str
    line: int
    what: str
    todo: str
    fatal: bool = True

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        said = f"{place}: {self.what}" + (f": {self.todo}" if self.todo else "")
        return said if self.fatal else f"{said} (a warning)"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def findings(
    config: Path,
    settings: Settings,
    asterisk: Path | None,
    live: Path | None = None,
    sysfs: Path = usb.SYSFS,
) -> list[Finding]:
    """All of them; empty when all is well. ``asterisk``: a configuration to read; the Asterisk
    that runs with it is asked as well. ``live``: ask the one that runs with this, and say so if
    none does. ``sysfs``: where the kernel tells of USB devices."""
    found: list[Finding] = []
    found += _permissions(config, settings)
    found += _attempt(settings.recipients.file, partial(load_recipients, settings.recipients.file))
    found += _profiles(config, settings)
    found += _trunks(config, settings)
    found += _ports(config, settings, sysfs)
    found += _listeners(config, settings)
    found += _store(config, settings)
    found += _prompts(settings)
    found += _greetings(settings)
    found += _asterisk(settings, asterisk, live)
    return found


def _asterisk(settings: Settings, files: Path | None, live: Path | None) -> Iterator[Finding]:
    srtp = [t.name for t in settings.trunk if isinstance(t, SipTrunk) and t.srtp]
    if files is not None:
        try:
            yield from map(_finding, asterisk_faults(files, srtp))
            yield from _unwritten(settings, files)
        except PermissionError as error:
            yield _unread(error, files)
    if live is None and files is not None:
        try:
            live = files if runs(files) else None
        except PermissionError:
            what = "whether this Asterisk runs cannot be seen from here"
            yield Finding(str(files), 0, what, "run check as root as well", fatal=False)
    if live is not None:
        try:
            yield from map(_finding, live_faults(live, srtp))
        except TiplineError as error:
            yield Finding(str(live), 0, error.what, error.todo)
        except PermissionError as error:
            yield _unread(error, live)


def _unread(error: PermissionError, place: Path) -> Finding:
    what = "it cannot be read from here, so nothing is known of it"
    return Finding(str(error.filename or place), 0, what, "run check as root as well")


def _unwritten(settings: Settings, files: Path) -> Iterator[Finding]:
    """Trunks and numbers that were configured after Asterisk's files were written."""
    path = files / "extensions.conf"
    text = path.read_text(errors="replace") if path.is_file() else ""
    there = set(re.findall(r"^\[([^\]]+)\]", text, re.MULTILINE))
    wanted = [(f"trunk {t.name}", f"from-line-{t.name}") for t in settings.trunk]
    wanted += [(f"number {n.name}", f"number-{n.name}") for n in settings.number]
    for what, context in wanted:
        if context not in there:
            yield Finding(
                str(path), 0, f"{what} is not in Asterisk's files", "tipline-gw asterisk-config",
                fatal=False,
            )  # fmt: skip
    if text.startswith(MARK):
        yield from _outdated(settings, path, text)


def _outdated(settings: Settings, path: Path, text: str) -> Iterator[Finding]:
    """What else of the configuration was changed after ``text`` was written."""
    line = dialplan.Line(
        settings.line.languages, settings.trunk, settings.number, settings.line.sms_number
    )
    listen = settings.voice.agi_listen
    goes = _is_loopback(listen) and f"AGI(agi://{written_address(*parse_address(listen))},"
    if goes and goes not in text:
        what = "calls do not go to voice.agi_listen, so none is served"
        yield Finding(str(path), 0, what, "tipline-gw asterisk-config, then restart Asterisk")
    parts = (dialplan.entries, dialplan.limits, dialplan.apologies)
    if not all(part(line) in text for part in parts):
        what = "languages, trunks or numbers are not those of the configuration"
        todo = "tipline-gw asterisk-config, then restart Asterisk"
        yield Finding(str(path), 0, what, todo, fatal=False)
    for name, source in copied(settings.trunk).items():
        copy = path.parent / name
        if None not in (now := (_content(source), _content(copy))) and now[0] != now[1]:
            what = f"{source} is another one by now: the copy may have expired"
            todo = "tipline-gw asterisk-config, then restart Asterisk"
            yield Finding(str(copy), 0, what, todo, fatal=False)


def _content(path: Path) -> bytes | None:
    """None where it is not there, or may not be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _finding(fault: Fault) -> Finding:
    return Finding(fault.file, fault.line, fault.what, fault.todo, fault.fatal)


def _trunks(config: Path, settings: Settings) -> Iterator[Finding]:
    for trunk in settings.trunk:
        if isinstance(trunk, SipTrunk):
            for path in filter(None, (trunk.secret_file, trunk.inbound_secret_file)):
                yield from _attempt(path, partial(read_secret, path))
            yield from _keys(trunk)
        elif isinstance(trunk, Stick):
            what = f"trunk {trunk.name}: a stick's own call list keeps who called it"
            todo = "put in a SIM and stick of their own, and see docs/trunks.md on emptying it"
            yield Finding(str(config), 0, what, todo, fatal=False)


def _keys(trunk: SipTrunk) -> Iterator[Finding]:
    for path in filter(None, (trunk.certificate, trunk.key_file, trunk.ca_file)):
        if not _mode(path):
            what = f"trunk {trunk.name}: it is not there, or cannot be seen from here"
            yield Finding(str(path), 0, what, "correct its path, or run check as root", fatal=False)
    if trunk.key_file and _mode(trunk.key_file) & stat.S_IRWXO:
        todo = f"chmod o-rwx {trunk.key_file}"
        yield Finding(str(trunk.key_file), 0, "others can read a key", todo)


def _attempt(file: Path, do: Callable[[], object]) -> Iterator[Finding]:
    """The complaint of something that the daemon does at its start, too."""
    try:
        do()
    except TiplineError as error:
        place = re.match(re.escape(str(file)) + r":(?:(\d+):)? ?", error.what)
        what = error.what[place.end() :] if place else error.what
        yield Finding(str(file), int(place[1] or 0) if place else 0, what, error.todo)


def _permissions(config: Path, settings: Settings) -> Iterator[Finding]:
    for path in (config, config.parent, settings.recipients.file):
        if _mode(path) & (stat.S_IWGRP | stat.S_IWOTH):
            yield Finding(str(path), 0, "others can change it", f"chmod go-w {path}")
    for path in _store_files(settings):
        if _mode(path) & (stat.S_IRWXG | stat.S_IRWXO):
            yield Finding(str(path), 0, "others can read the store", f"chmod go-rwx {path}")
    yield from _identities(config.parent)


def _mode(path: Path) -> int:
    """0 where it is not there or not to be seen: whoever opens it complains of that."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _identities(directory: Path) -> Iterator[Finding]:
    try:
        paths = sorted(directory.iterdir())
    except OSError:
        what = "whether a reviewer's identity lies there cannot be seen from here"
        yield Finding(str(directory), 0, what, "run check as root as well", fatal=False)
        return
    for path in paths:
        if _holds_identity(path):
            yield Finding(
                str(path), 0, "a reviewer's identity lies on the gateway",
                "move it to the reviewer's own machine: who seizes this one can read all tips",
                fatal=False,
            )  # fmt: skip


def _store_files(settings: Settings) -> list[Path]:
    database = sqlite_file(settings.store.url)
    if database is None:
        return []
    return [p for p in database.parent.glob(f"{database.name}*") if stat.S_ISREG(_mode(p))]


def _holds_identity(path: Path) -> bool:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_KEY_FILE:
            return False
        return IDENTITY_MARK in path.read_bytes()
    except OSError:
        return False


def _profiles(config: Path, settings: Settings) -> Iterator[Finding]:
    for name in profiles.names():
        yield from _attempt(config, partial(profiles.load, name))
    yield from _attempt(config, partial(balance.operator_of, ""))
    for modem in settings.modem:
        if modem.profile != "auto":
            yield from _attempt(config, partial(profiles.load, modem.profile))
            yield from _unsafe(config, modem.name, modem.profile)
        if modem.pin_file:
            yield from _attempt(modem.pin_file, partial(read_pin, modem.pin_file))


def _ports(config: Path, settings: Settings, sysfs: Path) -> Iterator[Finding]:
    for modem in settings.modem:
        what, todo = _port(modem.port, sysfs)
        if what:
            yield Finding(str(config), 0, f"modem {modem.name}: {what}", todo, fatal=False)


def _port(port: str, sysfs: Path) -> tuple[str, str]:
    """What is wrong with it, and what to do; empty where nothing is."""
    if not Path(port).exists():
        return f"there is no {port} now", "plug it in, or correct its port"
    try:
        return usb.advice(port, sysfs) or "", "name that one's port, by-path"
    except TiplineError:
        return "", ""  # a broken profile is a finding already


def _unsafe(config: Path, name: str, profile: str) -> Iterator[Finding]:
    """Accepted by name; what it takes to be safe with it is still the operator's to do."""
    try:
        calls = profiles.load(profile).calls
    except TiplineError:
        return  # a finding already
    if calls.list == "unsafe":
        what = f"modem {name}: {profile} keeps who called it where nothing deletes that"
        yield Finding(str(config), 0, what, "have voice calls to it barred", fatal=False)


def _listeners(config: Path, settings: Settings) -> Iterator[Finding]:
    listens = {
        "voice.agi_listen": settings.voice.agi_listen,
        "voice.audio_listen": settings.voice.audio_listen,
        "metrics.listen": settings.metrics.listen,
    }
    for key, listen in listens.items():
        if not _is_loopback(listen):
            yield Finding(
                str(config), 0, f"{key}: {listen} is not on the loopback",
                "use 127.0.0.1: Asterisk belongs on this machine", fatal=key.startswith("voice"),
            )  # fmt: skip


def _is_loopback(listen: str) -> bool:
    try:
        return ipaddress.ip_address(listen.rpartition(":")[0].strip("[]")).is_loopback
    except ValueError:
        return False


def _store(config: Path, settings: Settings) -> Iterator[Finding]:
    def read() -> None:
        engine = open_store(settings.store.url)
        try:
            repository.tips(engine)
        finally:
            engine.dispose()

    yield from _attempt(config, read)


def _prompts(settings: Settings) -> Iterator[Finding]:
    """Synthetic ones and those of another language are no fault: ``prompts check`` lists them."""
    folder, line = settings.voice.prompts, settings.line
    try:
        found = check_prompts(folder, line.languages, line.emergency_number)
    except TiplineError as error:
        yield Finding(str(folder), 0, error.what, error.todo)
        return
    for prompt in found:
        if prompt.problem is not Problem.SYNTHETIC and not prompt.stands_in:
            place = folder / prompt.language / prompt.name
            what = f"the prompt is {prompt.problem.value}"
            yield Finding(str(place), 0, what, prompt.todo, fatal=prompt.fatal)


def _greetings(settings: Settings) -> Iterator[Finding]:
    """A greeting is a recording of the operator's own: no catalogue has its words."""
    for number in settings.number:
        for language in (number.languages or settings.line.languages) if number.greeting else ():
            place = settings.voice.prompts / language / str(number.greeting)
            if not (place.parent / f"{place.name}.sln").exists():
                what = f"number {number.name}: its greeting is missing"
                yield Finding(str(place), 0, what, f"record it as {place.name}.sln")
