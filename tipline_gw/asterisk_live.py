"""Reads a running Asterisk for what would leak a caller: what it does now, not what its files say.

A level that somebody turned up, a module loaded by hand or a reloaded file is in no file that
``asterisk_files`` reads. Only fixed questions are asked, and nothing is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from tipline_gw import asterisk_answers as answer
from tipline_gw.asterisk_console import Console
from tipline_gw.asterisk_files import STICKS, Fault, loaded
from tipline_gw.asterisk_release import parse
from tipline_gw.errors import VoiceError

Ask = Callable[[str], str]


def socket_of(place: Path) -> Path:
    """The control socket of the Asterisk that ``place`` configures: a directory, or its
    asterisk.conf. In a root of its own, a directory has another name inside: what the file calls
    its own directory tells the root."""
    conf = place / "asterisk.conf" if place.is_dir() else place
    text = conf.read_text(errors="replace") if conf.is_file() else ""
    named = dict(re.findall(r"^\s*(ast\w+dir)\s*=>?\s*([^;\s]+)", text, re.MULTILINE))
    run = Path(named.get("astrundir", "/var/run/asterisk"))
    inside, outside = named.get("astetcdir", ""), str(conf.parent.resolve())
    root = outside.removesuffix(inside) if inside and outside.endswith(inside) else ""
    return Path(f"{root}{run}") / "asterisk.ctl"


def runs(place: Path) -> bool:
    """Whether the Asterisk of ``place`` runs. PermissionError when that may not be known."""
    return Console(socket_of(place)).runs()


def live_faults(place: Path, srtp: Collection[str] = ()) -> list[Fault]:
    """What the running Asterisk of ``place`` leaks; empty when nothing. ``srtp``: trunks whose
    speech is to be encrypted. Raises VoiceError when it cannot be asked."""
    directory = place if place.is_dir() else place.parent
    return list(faults(Console(socket_of(place)).ask, loaded(directory), srtp))


def faults(ask: Ask, wanted: Collection[str] = (), srtp: Collection[str] = ()) -> Iterator[Fault]:
    """``ask`` answers a command of Asterisk's; ``wanted``: the modules that its files load."""
    told = ask("core show version")
    if parse(told) is None:
        raise VoiceError("the running Asterisk does not tell its version",
                         "if it is starting, check again in a moment")  # fmt: skip
    yield from answer.version(told)
    yield from answer.settings(ask("core show settings"))
    yield from answer.events(ask("cel show status"))
    yield from answer.http(ask("http show status"))
    running = answer.modules_in(ask("module show"))
    yield from answer.modules(running, wanted)
    sticks = any(STICKS.match(name) for name in running)
    yield from answer.logger(ask("logger show channels"), sticks)
    yield from answer.dialplan(ask("dialplan show"))
    yield from answer.hints(ask("core show hints"))
    yield from answer.variables(ask("dialplan show globals"))
    yield from answer.database(ask("database show"))
    yield from answer.mappings(ask("pjproject show log mappings"))
    names, odd = answer.endpoints(ask("pjsip show endpoints"))
    yield from odd
    for name in names:
        yield from answer.endpoint(name, ask(f"pjsip show endpoint {name}"), name in srtp)
