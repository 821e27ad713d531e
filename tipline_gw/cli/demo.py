"""``tipline-gw demo``."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from tipline_gw.cli.context import AsJson, print_json

if TYPE_CHECKING:
    from tipline_gw.demo.demo import Summary


def demo(
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Leave everything in DIR, which must be new or empty."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the whole system on this machine: virtual modems, and real Asterisk where there is one.

    Exits 0 only if every promise held.
    """
    from tipline_gw.demo.demo import play  # numpy and all: not for the daemon
    from tipline_gw.setup import own_directory

    started = time.monotonic()
    progress = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    with tempfile.TemporaryDirectory(prefix="tipline-demo-") as temporary:
        directory = own_directory(keep) if keep else Path(temporary)
        summary = play(directory, lambda text: progress.print(f"[dim]·[/dim] {escape(text)}"))
    seconds = time.monotonic() - started
    if as_json:
        print_json({"held": summary.held, "seconds": round(seconds, 1), **asdict(summary)})
    else:
        _tell(summary, seconds)
    if not summary.held:
        raise typer.Exit(1)


def _tell(summary: Summary, seconds: float) -> None:
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    for point in summary.points:
        mark = "[green]held[/green]  " if point.held else "[red]BROKEN[/red]"
        told = f"{point.what}  ({point.detail})" if point.detail else point.what
        console.print(f"{mark} {escape(told)}")
    for note in summary.notes:
        console.print(f"note: {escape(note)}")
    verdict = "every promise held" if summary.held else "not every promise held"
    console.print(f"{verdict}, in {seconds:.0f} seconds")
