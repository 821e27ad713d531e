"""``tipline-gw tips``: list, export and purge of sealed tips; and the reviewer's opening."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tipline_gw.cli.context import AsJson, Context, print_json
from tipline_gw.domain.tip import coarse_text
from tipline_gw.errors import TiplineError
from tipline_gw.intake import retention
from tipline_gw.intake.desk import line_digest
from tipline_gw.intake.export import export_tips
from tipline_gw.review.marks import marks
from tipline_gw.review.marks import shown as shown_marked
from tipline_gw.sealing.exported import Opened, open_exported
from tipline_gw.sealing.identities import load_identities
from tipline_gw.sealing.recipients import HybridRecipient
from tipline_gw.settings import Settings
from tipline_gw.store import repository
from tipline_gw.store.engine import open_store

app = typer.Typer(
    no_args_is_help=True, help="Sealed tips: list, export, purge; and open, as a reviewer."
)

WIDTH = 120
"""A row stays one line; a narrower terminal folds it."""
MAX_DAYS = 36500
"""A hundred years: nothing is older, and a calendar has no room for much more."""


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Every tip: id, kind, line, coarse time, state, sealed size; an answer is not counted in it.

    With --json also adds_to, answered, and answer_to: the public key that an answer to this tip is
    sealed to (age -r KEY), which only the sender's code opens. Without a code there is none.
    """
    context: Context = ctx.obj
    settings = context.settings()
    engine = open_store(settings.store.url)
    found = repository.tips(engine)
    engine.dispose()
    rows = [_shown(settings, row) for row in found]
    if as_json:
        print_json([shown | _answer_to(row) for shown, row in zip(rows, found, strict=True)])
        return
    table = Table(box=None)
    columns = ("id", "kind", "line", "received", "state", "size", "whole")
    for name in columns:
        table.add_column("octets" if name == "size" else name, no_wrap=name != "line")
    for shown in rows:
        table.add_row(*(str(shown[name]) for name in columns))
    Console(width=WIDTH, markup=False, emoji=False).print(table if rows else "no tips yet")


def _answer_to(row: repository.TipRow) -> dict[str, str | None]:
    return {"answer_to": str(HybridRecipient(row.answer_key)) if row.answer_key else None}


def _shown(settings: Settings, row: repository.TipRow) -> dict[str, Any]:
    """``adds_to``: the id of the tip that came first, where the sender named its code."""
    ours = line_digest(settings.line.name) == row.line
    return {
        "id": row.id.hex(),
        "kind": row.kind.value,
        "line": settings.line.name if ours else f"line-{row.line:04x}",
        "received": coarse_text(row.received, settings.line.time_granularity),
        "state": row.state.slug,
        "size": row.size,
        "whole": row.whole,
        "adds_to": row.adds_to.hex() if row.adds_to else None,
        "answered": row.answered,
    }


@app.command("export")
def export(
    ctx: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the .age files go.")],
    as_json: AsJson = False,
) -> None:
    """Write every tip as <id>.json.age and, for voice, <id>.wav.age. They stay sealed.

    Beside a tip that can be answered lies <id>.answer.pub: seal the answer, a text or a WAV of at
    most 3 minutes, with age -R <id>.answer.pub; only the sender's code opens it.
    """
    context: Context = ctx.obj
    engine = open_store(context.settings().store.url)
    names = export_tips(engine, directory)
    engine.dispose()
    if as_json:
        print_json(names)
    else:
        typer.echo(f"{len(names)} files in {directory}")


@app.command("purge")
def purge(
    ctx: typer.Context,
    days: Annotated[
        int | None,
        typer.Option(
            "--older-than",
            min=0,
            max=MAX_DAYS,
            metavar="DAYS",
            help="Instead of the store's retention_days.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Delete the tips that are older than the store keeps them, so that nobody can recover them.

    The daemon does this by itself. What was exported is not touched.

    The store is then written anew, in memory. Meanwhile nothing can be taken in: for a few seconds,
    but for minutes if it holds gigabytes; stop the daemon then. Where memory is short this is left
    out, and said, with exit code 1. On PostgreSQL run VACUUM FULL for it.
    """
    context: Context = ctx.obj
    settings = context.settings()
    engine = open_store(settings.store.url)
    kept = settings.store.retention_days if days is None else days
    done = retention.purge(engine, kept, settings.line.time_granularity)
    engine.dispose()
    if as_json:
        print_json(asdict(done))
    else:
        typer.echo(f"{done.deleted} tips deleted, {kept} days are kept")
    if done.left_out:
        typer.echo(f"tipline-gw: {done.left_out}", err=True)
        raise typer.Exit(1)


@app.command("open")
def open_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Exported .age files.")],
    identity: Annotated[
        Path, typer.Option("-i", "--identity", metavar="KEY", help="The reviewer's identity file.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Where recordings go.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Open exported tips, also truncated ones: texts are printed, recordings become .wav files.

    For the reviewer's own machine. Recordings go beside their .age files unless -o says where.
    In texts, marks in double square brackets show telephone numbers, names, plates and addresses
    that were recognised: a second person strips these, and what was not recognised, before anything
    is passed on.
    """
    identities = load_identities(identity)
    opened, failed = [], False
    for file in files:
        try:
            opened.append(open_exported(file, identities, output))
        except TiplineError as error:
            failed = True
            reason = str(error).removeprefix(f"{file}: ")
            typer.echo(f"tipline-gw: {file}: {reason}", err=True)
    if as_json:
        print_json([one.to_dict() | _marked(one) for one in opened])
    else:
        for one in opened:
            _tell(one)
    if failed:
        raise typer.Exit(1)


def _marked(one: Opened) -> dict[str, Any]:
    """``marks``: what of the text should not be passed on, by its kind and place."""
    text = (one.envelope or {}).get("text")
    if not isinstance(text, str):
        return {}
    found = [asdict(mark) | {"text": text[mark.start : mark.end]} for mark in marks(text)]
    return {"marks": found}


def _harmless(text: str) -> str:
    """A text may hold what would command the terminal."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else f"\\x{ord(each):02x}" for each in text
    )


def _tell(one: Opened) -> None:
    typer.echo(f"{one.file}" + ("  (truncated: what was whole is here)" if one.truncated else ""))
    for key, value in (one.envelope or {}).items():
        text = key == "text" and isinstance(value, str)
        shown = shown_marked(value, marks(value)) if text else str(value)
        typer.echo(_harmless(f"  {key}: {shown}"))
    if one.recording:
        typer.echo(f"  recording: {one.recording} ({one.seconds:.1f} s)")
