"""``tipline-gw modems``: for the telecom engineer. What each modem is and how it fares.

A running gateway is asked over its control socket, so that it goes on working; where none runs,
the ports are opened here. No number and no text of a tip comes out of any of it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from tipline_gw.cli import modem_console, modem_tables
from tipline_gw.cli.context import AsJson, Context, print_json
from tipline_gw.errors import ConfigError, ModemError, TiplineError
from tipline_gw.modems.control_client import Control
from tipline_gw.modems.control_wire import MAX_RECORD_SECONDS
from tipline_gw.modems.jobs import balance_line
from tipline_gw.settings.paths import control_socket

# The daemon is a command too, and its process has no device: what drives one is imported late.
if TYPE_CHECKING:
    from tipline_gw.modems.alone import Alone
    from tipline_gw.modems.probe import Finding
    from tipline_gw.modems.probing import Keep

app = typer.Typer(
    no_args_is_help=True, help="For the telecom engineer: what each modem is, and how it fares."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A modem's name in the configuration.")]
Seconds = Annotated[
    float, typer.Option("--seconds", min=1, max=MAX_RECORD_SECONDS, help="How long to record.")
]

_progress = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def _say(text: str) -> None:
    _progress.print(f"[dim]·[/dim] {escape(text)}")


@contextlib.contextmanager
def _tools(context: Context) -> Iterator[Control | Alone]:
    """The running gateway, or the ports themselves."""
    tools: Control | Alone | None = Control.find(control_socket(context.config))
    if tools is None:
        from tipline_gw.modems.alone import Alone

        modems = context.settings().modem
        _say("no gateway runs with this configuration: the ports are opened from here")
        tools = Alone(modems, _say)
    try:
        yield tools
    finally:
        tools.close()


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """What each modem is: signal, network, SIM and its slots, profile and why, restarts."""
    with _tools(ctx.obj) as tools:
        views = tools.views()
    if as_json:
        print_json([view.to_dict() for view in views])
    else:
        modem_tables.print_views(views)


@app.command("probe")
def probe(
    ctx: typer.Context,
    port: Annotated[str, typer.Argument(metavar="PORT", help="A tty, as in /dev/ttyUSB2.")],
    as_json: AsJson = False,
    profile: Annotated[
        str, typer.Option(metavar="NAME", help="Compare it with this profile, as in huawei/e173.")
    ] = "auto",
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the proposed profile there.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the scrubbed AT dialogue there.")
    ] = None,
) -> None:
    """Identify the modem at PORT, match a profile, try what it can. Changes and sends nothing."""
    from tipline_gw.modems import probing

    _refuse_held(ctx.obj, port)
    _say(f"asking {port} what it is")
    with _recorded(record) as keep:
        told = _ignore if as_json else modem_tables.print_finding
        done = probing.probe(port, profile, keep, told)
    if as_json:
        print_json(done.to_dict())
    else:
        modem_tables.print_probed(done, proposing=write is None)
    if write is not None:
        with _new_file(write) as file:
            file(done.proposal)
        _say(
            f"the proposed profile is in {write}: try it under modem_profiles/<vendor>/<model>.toml"
        )


def _ignore(_finding: Finding) -> None:
    """JSON is printed at the end."""


def _refuse_held(context: Context, port: str) -> None:
    """A port that the gateway holds is the gateway's; it says what it knows of it."""
    with contextlib.suppress(ConfigError):
        control = Control.find(control_socket(context.config))
        for view in control.views() if control else ():
            if os.path.realpath(view.port) == os.path.realpath(port):
                raise ModemError(
                    f"{port} is held by the running gateway, as {view.name}",
                    f"use modems list and modems console {view.name}, or stop the gateway",
                )


@app.command("ussd")
def ussd(
    ctx: typer.Context,
    name: Name,
    code: Annotated[str, typer.Argument(metavar="CODE", help="In quotes, as in '*133#'.")],
    as_json: AsJson = False,
) -> None:
    """Dial a USSD code and print the answer, long numbers masked, and the balance in it."""
    with _tools(ctx.obj) as tools:
        answer = tools.ussd(name, code)
    if as_json:
        print_json(answer)
        return
    typer.echo(answer["text"])
    if line := balance_line(answer):
        typer.echo(line)


@app.command("console")
def console(ctx: typer.Context, name: Name) -> None:
    """Type AT commands to a modem, through the boundary: addresses show as tokens.

    .help says what else there is. Lines of standard input are commands too; their end ends it.
    """
    with _tools(ctx.obj) as tools:
        failed = modem_console.converse(tools, name)
    if failed:
        raise typer.Exit(1)


@app.command("record")
def record(
    ctx: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    seconds: Seconds = 60.0,
) -> None:
    """Write the AT dialogue with a modem into FILE, scrubbed: for a bug report. Ctrl-C ends it."""
    with (
        _tools(ctx.obj) as tools,
        _new_file(file) as keep,
        contextlib.closing(tools.record(name, seconds)) as pieces,
    ):
        _say(f"recording {name} for {seconds:.0f} seconds; Ctrl-C ends it")
        with contextlib.suppress(KeyboardInterrupt):
            for piece in pieces:
                keep(piece)
    typer.echo(f"{file}: {file.stat().st_size} octets")


@app.command("reset")
def reset(
    ctx: typer.Context,
    name: Name,
    power: Annotated[
        bool, typer.Option("--power", help="Its hardware, as if unplugged; not its software alone.")
    ] = False,
) -> None:
    """Restart a modem, as its profile says. What lies on its SIM stays there."""
    with _tools(ctx.obj) as tools:
        tools.reset(name, "power" if power else "soft")
    typer.echo(f"{name} restarts: see modems list in half a minute")


# Files.


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[Keep]:
    """Writes pieces of text into a new file that nobody else can read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise TiplineError(f"{path} is there already", "name a new file") from None
    except OSError as error:
        raise TiplineError(f"{path} cannot be written ({error.strerror})") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yield file.write
    except BaseException:
        if path.stat().st_size == 0:
            path.unlink()
        raise


@contextlib.contextmanager
def _recorded(path: Path | None) -> Iterator[Keep | None]:
    if path is None:
        yield None
        return
    with _new_file(path) as keep:
        yield keep
