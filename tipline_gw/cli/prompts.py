"""``tipline-gw prompts``: makes the sound files of the prompts, and says what is wrong with them.

Recordings are the operator's: nothing here writes over one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import typer

from tipline_gw.cli.context import AsJson, print_json
from tipline_gw.errors import PromptError
from tipline_gw.prompts import build as building
from tipline_gw.prompts import check as checking
from tipline_gw.prompts.build import Progress, Report
from tipline_gw.prompts.check import Finding, Problem

app = typer.Typer(no_args_is_help=True, help="The spoken prompts: synthesise, check.")


@app.command("build")
def build(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Synthesise the prompts that are missing or were reworded. Recordings are left alone."""
    settings = ctx.obj.settings()
    with _progress() as progress:
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


@app.command("check")
def check(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Say which prompts are missing, too long, clipped or synthetic. Exit 1 if one is missing."""
    settings = ctx.obj.settings()
    findings = checking.check(settings.voice.prompts, settings.line.languages)
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


@contextmanager
def _progress() -> Iterator[Progress | None]:
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("prompts", total=None)
        yield lambda made, total: bar.update(task, completed=made, total=total)


def _told(report: Report) -> Iterator[str]:
    yield (
        f"{len(report.built)} made, {report.unchanged} unchanged, {len(report.recorded)} recorded"
    )
    for label in report.outdated:
        yield f"{label}: recorded before its words were changed: record it again"
    for label in report.unspoken:
        yield f"{label}: there is no synthetic voice for this language: record it"


def _lines(findings: list[Finding]) -> Iterator[str]:
    """One line a finding; the synthetic ones, usually most, together."""
    for finding in findings:
        if finding.problem is not Problem.SYNTHETIC:
            length = f" ({finding.seconds} s)" if finding.seconds is not None else ""
            what = f"{finding.language}/{finding.name}: {finding.problem}{length}"
            yield f"{what}: {finding.todo}"
    for language in dict.fromkeys(finding.language for finding in findings):
        synthetic = [
            finding.name
            for finding in findings
            if finding.language == language and finding.problem is Problem.SYNTHETIC
        ]
        if synthetic:
            yield f"{language}: {len(synthetic)} synthetic: {', '.join(synthetic)}"


def _plain(finding: Finding) -> dict[str, object]:
    return {**asdict(finding), "fatal": finding.fatal, "todo": finding.todo}
