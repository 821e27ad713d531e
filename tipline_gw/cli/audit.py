"""``tipline-gw audit``."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tipline_gw.cli.context import AsJson, Context, print_json
from tipline_gw.errors import ConfigError

if TYPE_CHECKING:
    from tipline_gw.audit.plays import Say
    from tipline_gw.audit.report import Report

WIDTH = 140
_LARGEST_FILE = 65536


def audit(
    ctx: typer.Context,
    running: Annotated[
        bool,
        typer.Option(
            "--running",
            help="Look at the gateway in service instead of a demonstration of its own.",
        ),
    ] = False,
    numbers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --running: the numbers of your own telephones, one a line, each from + and "
            "country code on; you are asked for them otherwise.",
        ),
    ] = None,
    asterisk: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With --running: the directory of Asterisk's files."),
    ] = None,
    sip: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="With --running: place calls here, where no one must log in."
        ),
    ] = None,
    texts: Annotated[int, typer.Option(min=0, help="Plain texts sent beside all others.")] = 500,
    calls: Annotated[int, typer.Option(min=0, help="Plain calls beside all others.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Send known numbers through every way in, and look for them everywhere.

    Without options a whole system is set up for it: virtual modems, the daemon, real Asterisk where
    there is one; texts of all kinds, calls, failures forced in every room. With --running your own
    gateway is searched after you called and texted it. Exits 1 if a number is found.
    """
    progress = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

    def say(text: str) -> None:
        progress.print(f"[dim]·[/dim] {escape(text)}")

    started = time.time()
    if running:
        report = _of_running(ctx.obj, numbers, asterisk, sip, say)
    else:
        report = _of_demonstration(say, texts, calls)
    if as_json:
        print_json({"seconds": round(time.time() - started, 1), **report.to_dict()})
    else:
        _tell(report)
    if not report.clean:
        raise typer.Exit(1)


def _of_demonstration(say: Say, texts: int, calls: int) -> Report:
    from tipline_gw.audit.audit import of_a_demonstration  # numpy and all: not for the daemon

    with tempfile.TemporaryDirectory(prefix="tipline-audit-") as directory:
        return of_a_demonstration(Path(directory), say, texts=texts, calls=calls)


def _of_running(
    context: Context, file: Path | None, asterisk: Path | None, sip: str | None, say: Say
) -> Report:
    from tipline_gw.audit import audit, running
    from tipline_gw.audit.canaries import Canaries

    since = time.time()
    settings = context.settings()
    running.find(context.config, settings, asterisk, since)  # complains before anybody calls
    canaries = Canaries()
    if sip:
        audit.call(sip, canaries, say)
    canaries.own = dict.fromkeys(_numbers(file), "a telephone of yours")
    if not canaries.own and not canaries.used:
        raise ConfigError(
            "there is no number to search for", "name a telephone of yours, or let --sip call"
        )
    if canaries.own:
        typer.prompt(_NOW, default="", show_default=False, err=True)
    system = running.find(context.config, settings, asterisk, since)
    say(f"looking everywhere; memory for up to {audit.MEMORY_SECONDS:.0f} seconds")
    return audit.of_a_running_gateway(system, canaries)


_NOW = (
    "Now call the line and text it from that telephone, hang up while you speak, leave a text "
    "unanswered, whatever comes to your mind. Then press Enter"
)
_NUMBER = re.compile(r"\+?\d{8,15}")


def _numbers(file: Path | None) -> list[str]:
    """From a file or from whoever sits here: never from the command line, which others can read."""
    if file is None:
        asked = typer.prompt(
            "The number of the telephone you will use, from + and country code on (Enter for none)",
            default="", show_default=False, hide_input=True, err=True,
        )  # fmt: skip
        lines = [asked]
    else:
        lines = _read(file).splitlines()
    numbers = [re.sub(r"[\s().-]", "", line) for line in lines if line.strip()]
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        raise ConfigError("a number is malformed", "write it as +52 and ten digits, one a line")
    return numbers


def _read(file: Path) -> str:
    try:
        with file.open(encoding="ascii") as source:
            return source.read(_LARGEST_FILE)
    except (OSError, ValueError):
        raise ConfigError(f"{file} cannot be read", "one number a line, plain text") from None


def _tell(report: Report) -> None:
    console = Console(highlight=False, soft_wrap=True, width=WIDTH, markup=False, emoji=False)
    console.print(f"sent from {sum(report.sent.values())} numbers, by: {', '.join(report.sent)}")
    table = Table("what", "where", "form", "hits", box=None)
    for what, (count, octets) in report.looked.items():
        of_kind = [row for row in report.rows if row.what == what]
        for row in of_kind:
            told = "" if row.judged else "  (told, not judged)"
            table.add_row(what, row.where + told, row.form, str(row.hits))
        if not of_kind:
            table.add_row(what, f"{count} searched, {octets / 1e6:.1f} MB", "every form", "0")
    console.print(table)
    for line in (*(f"FAILED: {one}" for one in report.failures), *report.notes):
        console.print(line)
    console.print(_verdict(report))


def _verdict(report: Report) -> str:
    if report.clean:
        return "no number was found where none may be"
    if report.places:
        return f"numbers were found in {report.places} places"
    return "nothing was found, but not all was tried: this proves nothing"
