"""The audit itself: send, wait, search.

``of_a_demonstration`` builds a whole system and does everything to it. ``of_a_running_gateway``
looks at one that is in service, after somebody called and texted it from a telephone whose number
is known.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tipline_gw.audit import database, faults, national, places, plays, scene
from tipline_gw.audit.canaries import Canaries
from tipline_gw.audit.places import Place
from tipline_gw.audit.plays import Say
from tipline_gw.audit.report import Report
from tipline_gw.demo.asterisk_host import find_host
from tipline_gw.demo.stage import until

MEMORY_SECONDS = 60.0
"""So long after its message ended a number may be in the daemon's memory, and no longer."""
TEXTS, CALLS = 500, 50


@dataclass(frozen=True, slots=True)
class System:
    """What belongs to a gateway that runs. ``folders`` are searched whole, ``temporary`` for what
    was changed ``since``. ``asterisk``: its process, if there is one. ``server``: the URL of a
    store that is no file."""

    folders: tuple[Path, ...]
    temporary: tuple[Path, ...]
    pids: dict[str, int]
    since: float
    asterisk: int | None = None
    server: str | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    """What of it was not found."""


def of_a_demonstration(
    directory: Path,
    say: Say,
    *,
    texts: int = TEXTS,
    calls: int = CALLS,
    change_asterisk: scene.Change = scene.nothing,
    spoilt_by: str = "",
) -> Report:
    """In ``directory``, which is new or empty. TiplineError when it cannot begin. The last two are
    for whoever wants to see it fail."""
    since, report = time.time(), Report()
    say("starting virtual modems, the daemon at log level debug, and Asterisk")
    with (
        faults.possible(directory, spoilt_by) as faults_in,
        scene.opened(directory, change_asterisk) as made,
    ):
        if made.without:
            report.notes.append(f"calls were not tried: {made.without}")
        report.failures += plays.all_of_them(made, faults_in, say, texts, calls)
        say("looking everywhere")
        _search_running(_system_of(made, since), made.canaries, report)
        _search_hardware(made, report)
        exchange = made.exchange
        if exchange is not None:
            console = "\n".join(exchange.asterisk.log)
            report.search([_said("log", "Asterisk's console", console)], made.canaries)
        if made.gateway.stop() != 0:
            report.failures.append("the daemon did not end cleanly")
        # Once more: what was in the write-ahead log is in the store now.
        report.search(places.files(made.folders), made.canaries)
        report.sent = _counted(made.canaries)
    return report


def of_a_running_gateway(system: System, canaries: Canaries) -> Report:
    notes = [*system.notes, *national.not_searched(canaries.own)]
    report = Report(sent=_counted(canaries), notes=notes)
    _search_running(system, canaries, report)
    return report


def call(listen: str, canaries: Canaries, say: Say) -> None:
    """Two calls to the Asterisk at ``listen``, one of them hung up while speaking. TiplineError
    where there is no SIPp to call with."""
    say(f"two calls to {listen}")
    plays.call_at(find_host(), listen, canaries)


def _counted(canaries: Canaries) -> dict[str, int]:
    intakes = [*canaries.used.values(), *canaries.own.values()]
    return {what: intakes.count(what) for what in dict.fromkeys(intakes)}


def _system_of(made: scene.Scene, since: float) -> System:
    core, *others = made.gateway.pids
    pids = {"core": core} | {f"modem side {pid}": pid for pid in others}
    exchange = made.exchange
    return System(
        folders=tuple(made.folders),
        temporary=places.TEMPORARY,
        pids=pids,
        since=since,
        asterisk=exchange.asterisk.pid if exchange else None,
    )


def _search_running(system: System, canaries: Canaries, report: Report) -> None:
    _search_memory(system, canaries, report)
    report.search(_everything(system), canaries)
    if shutil.which("journalctl") is None:
        report.notes.append("there is no journalctl: what is logged elsewhere was not searched")
    for name, pid in system.pids.items():
        if swapped := places.swapped_kib(pid):
            report.notes.append(f"{name}: {swapped} KiB lie in swap, where nobody can search")


def _search_memory(system: System, canaries: Canaries, report: Report) -> None:
    """Again and again until nothing is found, or the time that it may take is over."""
    scans: list[Report] = []

    def clean() -> bool:
        scans.append(Report(sent=_counted(canaries)))
        for name, pid in system.pids.items():
            scans[-1].search(places.memory(pid, name), canaries)
        return scans[-1].clean

    until(clean, MEMORY_SECONDS)
    report.looked |= scans[-1].looked
    report.rows += scans[-1].rows
    report.failures += scans[-1].failures
    if system.asterisk is not None:
        report.search(places.memory(system.asterisk, "Asterisk", judged=False), canaries)


def _everything(system: System) -> Iterator[Place]:
    searched: set[str] = set()
    pids = [*system.pids.values(), *([system.asterisk] if system.asterisk else [])]
    for found in (
        places.files(system.folders),
        places.files(system.temporary, since=system.since),
        places.core_dumps(pids, system.since),
        *(places.open_files(pid) for pid in pids),
        *(places.deleted_files(pid) for pid in pids),
        places.journal(system.since),
        database.rows(system.server) if system.server else (),
    ):
        yield from _once(found, searched)


def _once(found: Iterable[Place], searched: set[str]) -> Iterator[Place]:
    for place in found:
        if place.where not in searched:
            searched.add(place.where)
            yield place


def _search_hardware(made: scene.Scene, report: Report) -> None:
    """The SIMs and the call lists of the virtual modems, as a laboratory would read them."""
    for name, modem in made.modems.items():
        held = modem.control.kept()
        for what, part in (("SIM", "storages"), ("call list", "calls")):
            report.search([_said(what, name, str(held[part]))], made.canaries)


def _said(what: str, where: str, text: str) -> Place:
    return Place(what, where, lambda: [text.encode()])
