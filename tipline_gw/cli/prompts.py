"""``tipline-gw prompts``: makes the sound files of the prompts, and says what is wrong with them.

Recordings are the operator's: nothing here writes over one.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Final

import typer

from tipline_gw.cli.context import AsJson, print_json
from tipline_gw.errors import PromptError
from tipline_gw.prompts import build as building
from tipline_gw.prompts import check as checking
from tipline_gw.prompts import listing
from tipline_gw.prompts.build import Progress, Report
from tipline_gw.prompts.check import Finding, Problem

_ABSENT: Final = {
    "prompt": "not recorded",
    "sms": "texts not translated",
    "keyword": "keywords not translated",
}

app = typer.Typer(
    no_args_is_help=True, help="The spoken prompts: synthesise, take in recordings, check."
)


@app.command("build")
def build(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Make the sounds that are missing or changed: from PROMPTS/LANGUAGE/NAME.wav where you
    recorded one, else synthetic. Recordings are left alone. Exit 1 if one cannot be used."""
    settings = ctx.obj.settings()
    with _progress(shown=not as_json) as progress:
        report = building.build(
            settings.voice.prompts,
            settings.line.languages,
            settings.line.emergency_number,
            progress,
        )
    if as_json:
        print_json(asdict(report))
    else:
        typer.echo("\n".join(_told(report)))
    if report.failed:
        raise PromptError(
            f"recordings that cannot be used: {len(report.failed)}",
            "mend or take away the files named, and build again",
        )


@app.command("check")
def check(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Say which prompts are missing and what stands in, and which are too long, clipped, too quiet
    or too loud, of old words, or synthetic. Exit 1 if a caller would hear nothing."""
    settings = ctx.obj.settings()
    findings = checking.check(
        settings.voice.prompts, settings.line.languages, settings.line.emergency_number
    )
    if as_json:
        print_json([_plain(finding) for finding in findings])
    elif not findings:
        typer.echo("every prompt is there and recorded")
    else:
        typer.echo("\n".join(_lines(findings)))
    silent = sum(finding.fatal for finding in findings)
    if silent:
        raise PromptError(
            f"prompts that cannot be played: {silent}",
            "run tipline-gw prompts build, or record them",
        )


@app.command("list")
def list_prompts(
    ctx: typer.Context,
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only this one, also before it is in use.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List every prompt with its words and the name its recording is to have."""
    settings = ctx.obj.settings()
    line = settings.line
    lines = [
        each
        for code in ([language] if language else line.languages)
        for each in listing.listing(
            settings.voice.prompts, line.languages, line.emergency_number, code
        )
    ]
    if as_json:
        print_json([{**asdict(each), "file": str(each.file)} for each in lines])
        return
    for each in lines:
        typer.echo(f"{each.file} ({each.heard})\n    {each.words_in}: {each.words}\n")


@app.command("po")
def po(
    ctx: typer.Context, language: Annotated[str, typer.Argument(metavar="CODE", help="As in tar.")]
) -> None:
    """Print the catalogue of a language as a PO file for its translators."""
    typer.echo(listing.template(language, ctx.obj.settings().voice.prompts), nl=False)


@contextmanager
def _progress(*, shown: bool) -> Iterator[Progress | None]:
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("prompts", total=None)
        yield lambda made, total: bar.update(task, completed=made, total=total)


def _told(report: Report) -> Iterator[str]:
    imported = f" ({len(report.imported)} from recordings)" if report.imported else ""
    yield (
        f"{len(report.built)} made{imported}, {report.unchanged} unchanged, "
        f"{len(report.recorded)} recorded"
    )
    yield from report.failed
    for file in report.strange:
        yield f"{file}: no prompt here has that name, only a greeting may: see prompts list"
    for label in report.outdated:
        yield f"{label}: recorded before its words were changed: record it again"
    for label in report.unspoken:
        yield f"{label}: there is no synthetic voice for this language: record it"
    pairs = Counter((label.partition("/")[0], to) for label, to in report.standing_in.items())
    for (language, other), count in pairs.items():
        yield f"{language}: {count} not recorded yet: {other} stands in"


def _lines(findings: list[Finding]) -> Iterator[str]:
    """One line a finding; the synthetic ones and those of another language together."""
    for finding in findings:
        if finding.problem is not Problem.SYNTHETIC and not finding.stands_in:
            what = f"{finding.language}/{finding.name}: {finding.problem}{_measured(finding)}"
            yield f"{what}: {finding.todo}"
    for language in dict.fromkeys(finding.language for finding in findings):
        mine = [finding for finding in findings if finding.language == language]
        yield from _together(language, mine)


def _measured(finding: Finding) -> str:
    found = []
    if finding.seconds is not None:
        found.append(f"{finding.seconds} s")
    if finding.loudness is not None:
        found.append(f"{finding.loudness} LUFS")
    return f" ({', '.join(found)})" if found else ""


def _together(language: str, mine: Sequence[Finding]) -> Iterator[str]:
    synthetic = [finding.name for finding in mine if finding.problem is Problem.SYNTHETIC]
    if synthetic:
        yield f"{language}: {len(synthetic)} synthetic: {', '.join(synthetic)}"
    others = dict.fromkeys((finding.kind, finding.stands_in) for finding in mine)
    for kind, other in others:
        absent = [f.name for f in mine if f.stands_in == other and f.kind == kind]
        if other and absent:
            what = f"{len(absent)} {_ABSENT[kind]}, {other} stands in"
            yield f"{language}: {what}: {', '.join(absent)}"


def _plain(finding: Finding) -> dict[str, object]:
    return {**asdict(finding), "fatal": finding.fatal, "todo": finding.todo}
