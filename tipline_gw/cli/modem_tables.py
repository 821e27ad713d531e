"""What ``tipline-gw modems`` prints for a person: a hundred columns, most important first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tipline_gw.modems.balance import is_low, operator_of
from tipline_gw.modems.view import STATES, View, signal_word

if TYPE_CHECKING:
    from tipline_gw.modems.probe import Finding
    from tipline_gw.modems.probing import Probed

WIDTH = 100
_MARKS = {True: "[green]yes[/green]  ", False: "[red]no[/red]   ", None: "     "}


def _console() -> Console:
    return Console(width=WIDTH, highlight=False, emoji=False)


def print_views(views: list[View]) -> None:
    """A row a modem, then a paragraph each: the profile and why, and what to do."""
    console = _console()
    if not views:
        console.print(escape("no modems in the configuration: add a [[modem]] table"))
        return
    table = Table(box=None, pad_edge=False)
    for name in ("modem", "state", "what", "signal", "network", "SIM, slots", "last", "restarts"):
        table.add_column(name, overflow="fold")
    for view in views:
        table.add_row(*map(escape, _row(view)))
    console.print(table)
    for view in views:
        console.print()
        for line in _explained(view):
            console.print(escape(line))


def _row(view: View) -> tuple[str, ...]:
    """A cell has a line for each thing in it, so that none is folded where it stands wide."""
    what = f"{view.manufacturer} {view.model}".strip() or "?"
    slots = [f"{name} {used}/{total}" for name, (used, total) in (view.slots or {}).items()]
    resets = [f"{view.resets} resets"] if view.resets else []
    return (
        view.name,
        view.state,
        "\n".join([what, *([f"#{view.tag}"] if view.tag else [])]),
        "?" if view.dbm is None else f"{view.dbm} dBm {signal_word(view.dbm)}",
        f"{view.operator or '?'}\n{view.registration}",
        "\n".join([view.sim, *slots]),
        view.last_message,
        "\n".join([str(view.restarts), *resets]),
    )


def _explained(view: View) -> list[str]:
    lines = [f"{view.name}: {view.port}", f"  profile {view.profile}: {view.why}"]
    if view.model:
        lines.append(f"  delivery: {view.delivery}")
    if view.state != "ready":
        lines.append(f"  {view.state}: {STATES.get(view.state, 'see the log')}")
    if view.balance is not None:
        low = " (low)" if is_low(view.operator, view.balance) else ""
        currency = operator_of(view.operator).currency
        lines.append(f"  balance {view.balance:.2f} {currency}".rstrip() + low)
    if view.sent_this_hour or view.held:
        lines.append(f"  answers: {view.sent_this_hour} parts sent this hour, {view.held} wait")
    return lines


def print_finding(finding: Finding) -> None:
    """One line, as it comes."""
    text = f"{_MARKS[finding.good]}{finding.title:<22}{finding.command:<13}{escape(finding.said)}"
    _console().print(text, soft_wrap=True)


def print_probed(done: Probed, *, proposing: bool) -> None:
    """After the findings: what it is, the profile, and one to be written where none is for it."""
    console, who = _console(), done.identity
    console.print()
    for name, said in (
        ("manufacturer", who.manufacturer),
        ("model", who.model),
        ("revision", who.revision),
        ("USB", f"{done.usb[0]}, interface {done.usb[1]}" if done.usb else ""),
        ("profile", f"{done.profile or 'none'}: {done.why}"),
    ):
        if said:
            console.print(f"{name:<14}{escape(said)}", soft_wrap=True)
    for line in done.disagreements:
        console.print(f"{'':<14}but {escape(line)}", soft_wrap=True)
    if proposing and not done.matched:
        console.print("\nA profile for it, to be tried and completed (--write FILE keeps it):\n")
        console.print(escape(done.proposal), soft_wrap=True)
