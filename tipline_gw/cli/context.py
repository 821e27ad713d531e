"""What every command can ask for: where the configuration is, and what it says."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tipline_gw.settings import Settings, load

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class Context:
    """``ctx.obj``. The file is read when a command asks, so that ``--help`` needs none."""

    config: Path
    log_level: str

    def settings(self) -> Settings:
        return load(self.config)


def print_json(value: Any) -> None:
    """On one line where a program reads it, indented where a person does."""
    indent = 2 if sys.stdout.isatty() else None
    # As octets: JSON is UTF-8, whatever the terminal's own encoding is.
    typer.echo(json.dumps(value, ensure_ascii=False, indent=indent).encode("utf-8", "replace"))
