"""``tipline-gw init`` and ``run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tipline_gw.cli.context import Context
from tipline_gw.daemon import Daemon
from tipline_gw.hardening import allow_descriptors, harden_process
from tipline_gw.setup import prepare
from tipline_gw.telemetry import log


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new directory.")],
    demo_keys: Annotated[
        bool,
        typer.Option(
            "--demo-keys", help="Also make a reviewer's identity: to try it, not for real tips."
        ),
    ] = False,
) -> None:
    """Write a ready configuration, directories and prompts into DIR."""
    for line in prepare(directory, demo_keys=demo_keys):
        typer.echo(line)


def run(ctx: typer.Context) -> None:
    """Run the daemon in the foreground. It prints nothing but logs; SIGTERM ends it cleanly."""
    context: Context = ctx.obj
    settings = context.settings()
    log.configure(context.log_level)
    harden_process()
    allow_descriptors()
    Daemon(context.config, settings, context.log_level).run()
