"""Writes a whole Asterisk configuration for this gateway, and the prompts that go with it.

Why a whole one: what leaks a caller's number in Asterisk is on by default and spread over many
files, so nothing of a distribution's configuration is built upon. A directory that holds another
configuration is left alone. All that Asterisk writes by itself goes to four folders inside. What
holds a password or a key can be read by Asterisk's user alone.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tipline_gw.asterisk_release import Release, installed
from tipline_gw.domain.intake import RECORDINGS_A_TIP
from tipline_gw.errors import ConfigError, PromptError
from tipline_gw.prompts import names
from tipline_gw.prompts.plan import sounds as sounds_of
from tipline_gw.resources import folder
from tipline_gw.settings.trunks import Number, SipTrunk, Trunk
from tipline_gw.voice import dialplan, trunk_files, trunk_sip
from tipline_gw.voice.listener import parse_address, written_address
from tipline_gw.voice.trunk_files import KEYS, OF_DRIVERS, SYSTEM, TrunkFiles

MARK = "; Written by tipline-gw asterisk-config"
"""The first line of a file that may be written over."""

WRITABLE = ("var", "spool", "run", "log")
"""The folders that Asterisk itself writes to."""

_NEW = "tipline-new"
"""Beside the folder of a language's prompts, until they are whole."""

FILES_A_CALL = 12
"""Descriptors that Asterisk may open for a call; it needs seven or so."""
_FILES = 512
"""Beside them, for itself."""
LONGEST_CALL = 1800
"""Seconds after which Asterisk ends a call that nobody ended, or later if a tip may be longer."""
_MENUS = 600
_MODULES = "/usr/lib/x86_64-linux-gnu/asterisk/modules"
_MODULE_PLACES = (
    "usr/lib/*/asterisk/modules",
    "usr/lib/asterisk/modules",
    "usr/lib64/asterisk/modules",
    "usr/local/lib/asterisk/modules",
)
_DOCUMENTATION = "/usr/share/asterisk/documentation"
_DOCUMENTATION_PLACES = ("usr/share/asterisk/documentation", "var/lib/asterisk/documentation")
_PATH = re.compile(r"/[A-Za-z0-9._/+~-]*")
_LONGEST_SOCKET = 107
"""Octets of a Unix socket's path (unix(7))."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``directory`` and ``root`` as they were asked for, ``prompts`` with a folder a language;
    ``sip_listen`` for an unauthenticated trunk on the loopback. ``release``: which Asterisk it is
    for; without it the one in ``root`` is asked."""

    directory: Path
    agi_listen: str
    prompts: Path
    languages: Sequence[str]
    max_calls: int = 240
    sip_listen: str | None = None
    root: Path | None = None
    trunks: Sequence[Trunk] = ()
    numbers: Sequence[Number] = ()
    sms_number: str | None = None
    release: Release | None = None
    max_recording_seconds: int = 180


@dataclass(frozen=True, slots=True)
class Written:
    """Where it lies (``directory``), where Asterisk sees it (``inside``), the folder of modules,
    whether there is one at all (``found``; else the usual one is written), which of the modules
    named are not in it, and which Asterisk it is for, if that is known."""

    directory: Path
    inside: str
    files: int
    prompts: int
    modules: str
    found: bool
    missing: tuple[str, ...]
    release: Release | None

    @property
    def start(self) -> str:
        """The command that starts Asterisk with it, inside its root."""
        return f"asterisk -f -C {self.inside}/asterisk.conf"


def write(plan: Plan) -> Written:
    """Writes everything. ConfigError for a directory, an address or a password's file that cannot
    be used, PromptError when prompts are not there yet. What was written before is written over."""
    directory, inside = _places(plan)
    prompts = {language: _sounds(plan.prompts, language) for language in plan.languages}
    root = plan.root or Path("/")
    modules = _first(root, _MODULE_PLACES, _MODULES)
    trunks = trunk_files.render(plan.trunks, inside)
    values = _values(plan, inside, modules, trunks)
    try:
        _check_ours(directory)
        texts = dict(_texts(values)) | {n: _marked(n, text) for n, text in trunks.texts.items()}
        keys = {name: path.read_bytes() for name, path in trunks.keys.items()}
        owner = _asterisk_user(root)
        _make_folders(directory, root, owner)
        _write_texts(directory, texts, trunks.secret, owner)
        for name, content in keys.items():
            _lay(directory / name, content, True, owner)
        _drop_keys(directory, keys)
        _write_sounds(directory / "sounds", plan, prompts)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or directory} cannot be read or written ({error.strerror})",
            "is it there, and yours to read and write?",
        ) from None
    count = sum(len(files) for files in prompts.values())
    there = root / modules.lstrip("/")
    return Written(
        directory, inside, len(texts), count, modules, there.is_dir(),
        _missing(there, texts["modules.conf"]), plan.release or installed(root),
    )  # fmt: skip


def _places(plan: Plan) -> tuple[Path, str]:
    """Where the files go, and the same directory as an Asterisk inside ``root`` names it."""
    directory = Path(os.path.normpath(Path.cwd() / plan.directory))
    root = Path(os.path.normpath(Path.cwd() / (plan.root or "/")))
    if directory.is_relative_to(root):
        inside = "/" + directory.relative_to(root).as_posix()
    else:
        inside = directory.as_posix()
        directory = root / directory.relative_to("/")
    if not _PATH.fullmatch(inside):
        raise ConfigError(
            "the directory's name has characters that Asterisk's configuration cannot carry",
            "use letters, digits and . _ + ~ - alone",
        )
    if len(f"{inside}/run/asterisk.ctl") > _LONGEST_SOCKET:
        raise ConfigError("the directory's path is too long for Asterisk's socket", "shorten it")
    return directory, inside


def _check_ours(directory: Path) -> None:
    main = directory / "asterisk.conf"
    if main.exists() and not main.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        raise ConfigError(
            f"{directory} holds another Asterisk configuration", "name an empty directory"
        )


def _values(plan: Plan, inside: str, modules: str, trunks: TrunkFiles) -> dict[str, str]:
    line = dialplan.Line(plan.languages, plan.trunks, plan.numbers, plan.sms_number)
    return {
        "DIR": inside,
        "MODULES": modules,
        "AGI_LISTEN": written_address(*parse_address(plan.agi_listen)),
        "LANGUAGE": plan.languages[0],
        "MAX_CALLS": str(plan.max_calls + max(dialplan.APOLOGISING, plan.max_calls // 10)),
        "MAX_FILES": str(_FILES + FILES_A_CALL * plan.max_calls),
        "LONGEST_CALL": str(_longest_call(plan.max_recording_seconds)),
        "ENTRIES": dialplan.entries(line),
        "LIMITS": dialplan.limits(line),
        "ARGUMENTS": dialplan.arguments(line),
        "UNCHOSEN": dialplan.UNCHOSEN,
        "APOLOGY": dialplan.apology(plan.sms_number),
        "APOLOGIES": dialplan.apologies(line),
        "TRUNK_MODULES": "\n".join(f"load = {name}.so" for name in trunks.modules),
        "LOGGED": trunks.logged,
        "SIP_TRUNKS": _sip(plan, trunks.pjsip),
    }


def _longest_call(recording: int) -> int:
    """Seconds: a tip as long as a tip can be, heard once, and the menus."""
    return max(LONGEST_CALL, 2 * RECORDINGS_A_TIP * recording + _MENUS)


def _sip(plan: Plan, pjsip: str) -> str:
    if plan.sip_listen is None:
        return pjsip or trunk_sip.NOTHING
    host, port = parse_address(plan.sip_listen)
    for trunk in plan.trunks:
        if isinstance(trunk, SipTrunk) and _takes(trunk, written_address(host, port)):
            raise ConfigError(f"trunk {trunk.name} listens on that port", "choose another")
    return f"{trunk_sip.loopback(written_address(host, port), host)}\n{pjsip}"


def _takes(trunk: SipTrunk, listen: str) -> bool:
    """Whether no other UDP socket can have that address."""
    port = listen.rpartition(":")[2]
    taken = (listen, f"0.0.0.0:{port}", f"[::]:{port}")
    return trunk.transport == "udp" and trunk.listen in taken


def _texts(values: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Name and text of every file that is always there."""
    for template in sorted((folder("dialplans") / "asterisk").glob("*.conf")):
        yield template.name, f"{MARK}.\n{_fill(template, values)}"


def _fill(template: Path, values: dict[str, str]) -> str:
    """``template`` with each ``@NAME@`` replaced; ConfigError for a name that has no value."""
    text = template.read_text(encoding="utf-8")
    unknown = {name for name in re.findall(r"@([A-Z_]+)@", text) if name not in values}
    if unknown:
        raise ConfigError(f"{template.name} has a place nothing belongs in", "install again")
    return re.sub(r"@([A-Z_]+)@", lambda match: values[match[1]], text)


def _missing(modules: Path, conf: str) -> tuple[str, ...]:
    """Which of the modules to be loaded are not in that folder."""
    wanted = re.findall(r"^load = (\S+)", conf, re.MULTILINE)
    return tuple(name for name in wanted if not (modules / name).exists())


def _marked(name: str, text: str) -> str:
    """With the mark of a file that is ours, as that file writes a comment."""
    return f"#{MARK.removeprefix(';')}.\n{text}" if name == SYSTEM else f"{MARK}.\n{text}"


def _write_texts(
    directory: Path, texts: Mapping[str, str], secret: bool, owner: tuple[int, int] | None
) -> None:
    """``secret``: pjsip.conf holds a password."""
    for name in OF_DRIVERS - texts.keys():
        (directory / name).unlink(missing_ok=True)
    for name, text in texts.items():
        _lay(directory / name, text.encode(), secret and name == "pjsip.conf", owner)


def _write_sounds(target: Path, plan: Plan, prompts: Mapping[str, Sequence[Path]]) -> None:
    for language, files in prompts.items():
        _copy_sounds(target / language / _NEW, files)
    for first in {number.languages[0] for number in plan.numbers if number.languages}:
        _lend_offers(target, plan.languages, first)
    for language in prompts:
        _take_place(target / language)


def _take_place(folder: Path) -> None:
    """All of its prompts at once, because calls go on meanwhile and a full disk must leave the old
    ones. One that is no more must not be heard any more."""
    here, old = folder / "tipline", folder / "tipline-old"
    shutil.rmtree(old, ignore_errors=True)
    if here.exists():
        here.rename(old)
    (folder / _NEW).rename(here)
    shutil.rmtree(old, ignore_errors=True)


def _lay(path: Path, content: bytes, private: bool, owner: tuple[int, int] | None) -> None:
    """A file as it is to be from its first octet on; a full disk leaves the old one. ``private``:
    for Asterisk's group alone, or where there is no such group for its owner alone."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    mode = (0o640 if owner else 0o600) if private else 0o644
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if private and owner:
            os.chown(file.fileno(), -1, owner[1])
        os.fchmod(file.fileno(), mode)
    new.replace(path)


def _first(root: Path, places: Sequence[str], otherwise: str) -> str:
    for place in places:
        for path in sorted(root.glob(place)):
            if path.is_dir():
                return "/" + path.relative_to(root).as_posix()
    return otherwise


def _make_folders(directory: Path, root: Path, owner: tuple[int, int] | None) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    for name in WRITABLE:
        path = directory / name
        path.mkdir(exist_ok=True)
        path.chmod(0o750)
        if owner is not None:
            os.chown(path, *owner)
            _give(path, owner)
    (directory / KEYS).mkdir(exist_ok=True)
    (directory / KEYS).chmod(0o755)
    # Asterisk takes option names from its own documentation, and does not load without it.
    link = directory / "documentation"
    link.unlink(missing_ok=True)
    link.symlink_to(_first(root, _DOCUMENTATION_PLACES, _DOCUMENTATION))


def _drop_keys(directory: Path, keys: Collection[str]) -> None:
    """A key of a trunk that is no more must not lie about."""
    for path in (directory / KEYS).iterdir():
        if f"{KEYS}/{path.name}" not in keys:
            path.unlink()


def _give(folder: Path, owner: tuple[int, int]) -> None:
    """What lies in it already: Asterisk does not start where another user's run left its database.
    By descriptors, because that user may put links there meanwhile."""
    for _, folders, files, here in os.fwalk(folder):
        for name in (*folders, *files):
            os.chown(name, *owner, dir_fd=here, follow_symlinks=False)


def _asterisk_user(root: Path) -> tuple[int, int] | None:
    """User and group of ``asterisk`` in that system, for root to give the folders to."""
    passwd = root / "etc/passwd"
    if os.geteuid() != 0 or not passwd.exists():
        return None
    found = re.search(r"^asterisk:[^:]*:(\d+):(\d+):", passwd.read_text("utf-8"), re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else None


def _sounds(prompts: Path, language: str) -> list[Path]:
    files = sounds_of(prompts, language)
    if not files:
        raise PromptError(
            f"there are no prompts in {prompts / language}", "run `tipline-gw prompts build` first"
        )
    return files


def _copy_sounds(target: Path, files: Sequence[Path]) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in files:
        shutil.copyfile(file, target / file.name)
        (target / file.name).chmod(0o644)
    for path in (target, target.parent, target.parent.parent):
        path.chmod(0o755)


def _lend_offers(target: Path, languages: Sequence[str], first: str) -> None:
    """The language menu lies in the folder of the line's first language; a number that begins with
    another one plays it from there."""
    lender, borrower = (target / each / _NEW for each in (languages[0], first))
    for offer in map(names.language, languages):
        for file in lender.glob(f"{offer}.*"):
            if not any(borrower.glob(f"{offer}.*")):
                shutil.copyfile(file, borrower / file.name)
                (borrower / file.name).chmod(0o644)
