"""``tipline-gw``: puts the command groups together. Importing it imports the whole program."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tipline_gw import __version__
from tipline_gw.cli import asterisk, audit, check, demo, gateway, keys, modems, pdu, prompts, tips
from tipline_gw.cli.context import Context

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Gateway of an anonymous tip line: calls and texts in, sealed tips out.",
)


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tipline-gw {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    config: Annotated[
        Path, typer.Option(envvar="TIPLINE_CONFIG", help="The configuration file.", metavar="FILE")
    ] = Path("/etc/tipline-gw/tipline.toml"),
    log_level: Annotated[
        Level, typer.Option(envvar="TIPLINE_LOG_LEVEL", case_sensitive=False)
    ] = Level.INFO,
    _asked: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    ctx.obj = Context(config, log_level.value)


app.command("init")(gateway.init)
app.command("run")(gateway.run)
app.command("check")(check.check)
app.add_typer(keys.app, name="keys")
app.add_typer(modems.app, name="modems")
app.add_typer(pdu.app, name="pdu")
app.add_typer(prompts.app, name="prompts")
app.command("asterisk-config")(asterisk.asterisk_config)
app.add_typer(tips.app, name="tips")
app.command("audit")(audit.audit)
app.command("demo")(demo.demo)
