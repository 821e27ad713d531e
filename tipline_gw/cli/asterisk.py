"""``tipline-gw asterisk-config``: an Asterisk for this gateway, startable as it stands."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tipline_gw.cli.context import AsJson, print_json
from tipline_gw.voice.asterisk_config import Plan, Written, write


def asterisk_config(
    ctx: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write it.")],
    sip_listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Add an unauthenticated SIP trunk, on the loopback alone."
        ),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            metavar="ROOT", help="Asterisk runs chrooted in ROOT: write to ROOT/DIR for it."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a complete hardened Asterisk configuration, prompts included."""
    settings = ctx.obj.settings()
    plan = Plan(
        directory=directory,
        agi_listen=settings.voice.agi_listen,
        prompts=settings.voice.prompts,
        languages=settings.line.languages,
        max_calls=settings.voice.max_calls,
        sip_listen=sip_listen,
        root=root,
    )
    written = write(plan)
    if as_json:
        print_json(_document(written))
    else:
        _tell(written)


def _document(written: Written) -> dict[str, object]:
    return asdict(written) | {"directory": str(written.directory), "start": written.start}


def _tell(written: Written) -> None:
    typer.echo(f"{written.directory}: {written.files} files, {written.prompts} prompts")
    typer.echo(f"start it with: {written.start}")
    if not written.found:
        typer.echo(
            f"no Asterisk was found here: {written.modules} was taken for its modules; if that is "
            "not so where it runs, write this again there (or with --root)",
            err=True,
        )
    elif written.missing:
        typer.echo(
            f"not in {written.modules}: {' '.join(written.missing)}; Asterisk 22.4 or newer is "
            "needed, with all of its modules",
            err=True,
        )
