"""Writes a whole Asterisk configuration for this gateway, and the prompts that go with it.

Why a whole one: what leaks a caller's number in Asterisk is on by default and spread over many
files, so nothing of a distribution's configuration is built upon. A directory that holds another
configuration is left alone. All that Asterisk writes by itself goes to four folders inside.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tipline_gw.errors import ConfigError, PromptError
from tipline_gw.prompts.plan import sounds as sounds_of
from tipline_gw.resources import folder
from tipline_gw.voice.listener import parse_address, written_address

MARK = "; Written by tipline-gw asterisk-config"
"""The first line of a file that may be written over."""

WRITABLE = ("var", "spool", "run", "log")
"""The folders that Asterisk itself writes to."""

LONGEST_CALL = 1800
"""Seconds after which Asterisk ends a call that nobody ended."""
APOLOGY = "cannot-take-now"
"""The prompt of a call that the gateway did not take, in every language."""

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
    ``sip_listen`` for an unauthenticated trunk on the loopback."""

    directory: Path
    agi_listen: str
    prompts: Path
    languages: Sequence[str]
    max_calls: int = 240
    sip_listen: str | None = None
    root: Path | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """Where it lies (``directory``), where Asterisk sees it (``inside``), the folder of modules,
    whether there is one at all (``found``; else the usual one is written), and which of the
    modules named are not in it."""

    directory: Path
    inside: str
    files: int
    prompts: int
    modules: str
    found: bool
    missing: tuple[str, ...]

    @property
    def start(self) -> str:
        """The command that starts Asterisk with it, inside its root."""
        return f"asterisk -f -C {self.inside}/asterisk.conf"


def write(plan: Plan) -> Written:
    """Writes everything. ConfigError for a directory or an address that cannot be used,
    PromptError when prompts are not there yet. What was written before is written over."""
    directory, inside = _places(plan)
    sounds = {language: _sounds(plan.prompts, language) for language in plan.languages}
    root = plan.root or Path("/")
    modules = _first(root, _MODULE_PLACES, _MODULES)
    values = _values(plan, inside, modules)
    try:
        _check_ours(directory)
        texts = dict(_texts(values, plan.sip_listen))
        _make_folders(directory, root)
        for name, text in texts.items():
            (directory / name).write_text(text, encoding="utf-8")
            (directory / name).chmod(0o644)
        for language, files in sounds.items():
            _copy_sounds(directory / "sounds" / language / "tipline", files)
    except OSError as error:
        raise ConfigError(
            f"{directory} cannot be written ({error.strerror})", "is it yours to write?"
        ) from None
    prompts = sum(len(files) for files in sounds.values())
    there = root / modules.lstrip("/")
    return Written(directory, inside, len(texts), prompts, modules, there.is_dir(), _missing(there))


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


def _values(plan: Plan, inside: str, modules: str) -> dict[str, str]:
    values = {
        "DIR": inside,
        "MODULES": modules,
        "AGI_LISTEN": written_address(*parse_address(plan.agi_listen)),
        "LANGUAGE": plan.languages[0],
        "MAX_CALLS": str(plan.max_calls),
        "LONGEST_CALL": str(LONGEST_CALL),
        "APOLOGY": "\n".join(_apology(plan.languages)),
    }
    if plan.sip_listen is not None:
        host, port = parse_address(plan.sip_listen)
        values |= {"SIP_LISTEN": written_address(host, port), "SIP_HOST": host}
    return values


def _apology(languages: Sequence[str]) -> Iterator[str]:
    for language in languages:
        yield f" same => n,Set(CHANNEL(language)={language})"
        yield f" same => n,Playback(tipline/{APOLOGY})"


def _texts(values: dict[str, str], sip_listen: str | None) -> Iterator[tuple[str, str]]:
    """Name and text of every file."""
    templates = folder("dialplans") / "asterisk"
    trunk = "example" if sip_listen is None else "loopback"
    values["TRUNK"] = _fill(templates / "trunk" / f"{trunk}.conf", values)
    for template in sorted(templates.glob("*.conf")):
        yield template.name, f"{MARK}.\n{_fill(template, values)}"


def _fill(template: Path, values: dict[str, str]) -> str:
    """``template`` with each ``@NAME@`` replaced; ConfigError for a name that has no value."""
    text = template.read_text(encoding="utf-8")
    unknown = {name for name in re.findall(r"@([A-Z_]+)@", text) if name not in values}
    if unknown:
        raise ConfigError(f"{template.name} has a place nothing belongs in", "install again")
    return re.sub(r"@([A-Z_]+)@", lambda match: values[match[1]], text)


def _missing(modules: Path) -> tuple[str, ...]:
    """Which of the modules to be loaded are not in that folder."""
    listed = (folder("dialplans") / "asterisk" / "modules.conf").read_text(encoding="utf-8")
    wanted = re.findall(r"^load = (\S+)", listed, re.MULTILINE)
    return tuple(name for name in wanted if not (modules / name).exists())


def _first(root: Path, places: Sequence[str], otherwise: str) -> str:
    for place in places:
        for path in sorted(root.glob(place)):
            if path.is_dir():
                return "/" + path.relative_to(root).as_posix()
    return otherwise


def _make_folders(directory: Path, root: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    owner = _asterisk_user(root)
    for name in WRITABLE:
        path = directory / name
        path.mkdir(exist_ok=True)
        path.chmod(0o750)
        if owner is not None:
            os.chown(path, *owner)
    # Asterisk takes option names from its own documentation, and does not load without it.
    link = directory / "documentation"
    link.unlink(missing_ok=True)
    link.symlink_to(_first(root, _DOCUMENTATION_PLACES, _DOCUMENTATION))


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
    # The folder is ours: a prompt that is no more must not be heard any more.
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in files:
        shutil.copyfile(file, target / file.name)
        (target / file.name).chmod(0o644)
    for path in (target, target.parent, target.parent.parent):
        path.chmod(0o755)
