"""``tipline-gw asterisk-config``: an Asterisk for this gateway, startable as it stands."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tipline_gw.asterisk_release import NEWER, SERIES, parse
from tipline_gw.cli.context import AsJson, print_json
from tipline_gw.errors import ConfigError
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
    asterisk_version: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="The Asterisk it is for, as in 22.10. Default: the one in ROOT, or here.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a complete hardened Asterisk configuration, trunks and prompts included."""
    settings = ctx.obj.settings()
    release = parse(asterisk_version) if asterisk_version else None
    if asterisk_version and release is None:
        raise ConfigError("--asterisk-version is no version", "write it like 22.10")
    plan = Plan(
        directory=directory,
        agi_listen=settings.voice.agi_listen,
        prompts=settings.voice.prompts,
        languages=settings.line.languages,
        max_calls=settings.voice.max_calls,
        max_recording_seconds=settings.voice.max_recording_seconds,
        sip_listen=sip_listen,
        root=root,
        trunks=settings.trunk,
        numbers=settings.number,
        sms_number=settings.line.sms_number,
        release=release,
    )
    written = write(plan)
    if as_json:
        print_json(_document(written))
    else:
        _tell(written)


def _document(written: Written) -> dict[str, object]:
    return asdict(written) | {
        "directory": str(written.directory),
        "start": written.start,
        "release": str(written.release) if written.release else None,
        "lacks": written.release.lacks if written.release else "",
    }


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
            f"not in {written.modules}: {' '.join(written.missing)}; "
            f"Asterisk {min(SERIES)} or newer is needed, "
            "with all of its modules, and for a GSM stick the driver of its kind",
            err=True,
        )
    if written.release is not None and written.release.lacks:
        typer.echo(f"{written.release.lacks}; {NEWER}", err=True)
