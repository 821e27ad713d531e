"""``tipline-gw check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tipline_gw.checking import findings
from tipline_gw.cli.context import AsJson, Context, print_json


def check(
    ctx: typer.Context,
    asterisk: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="An Asterisk configuration to check. Default: asterisk/ beside FILE, if there.",
        ),
    ] = None,
    asterisk_live: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Ask the Asterisk that runs with this directory (or asterisk.conf). Default: "
            "that of --asterisk, if it runs.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check configuration, keys, prompts, permissions, Asterisk's files and a running Asterisk."""
    context: Context = ctx.obj
    settings = context.settings()
    beside = context.config.absolute().parent / "asterisk"
    if asterisk is None and beside.is_dir():
        asterisk = beside
    found = findings(context.config.absolute(), settings, asterisk, asterisk_live)
    if as_json:
        print_json([finding.to_dict() for finding in found])
    else:
        for finding in found:
            typer.echo(str(finding))
        fatal = sum(finding.fatal for finding in found)
        typer.echo(f"{fatal} to mend, {len(found) - fatal} warnings" if found else "all is well")
    if any(finding.fatal for finding in found):
        raise typer.Exit(1)
