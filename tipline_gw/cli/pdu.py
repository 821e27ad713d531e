"""``tipline-gw pdu``: what a PDU says, for the telecom engineer. Never its address.

Decoding cannot fail: what does not decode is a line with ``error``, and the exit status is 0.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from tipline_gw.boundary.pdu import decode_hex, describe

app = typer.Typer(no_args_is_help=True, help="Short messages as modems give them.")


@app.callback()
def pdu() -> None:
    """Short messages as modems give them."""


@app.command("decode")
def decode(
    pdus: Annotated[
        list[str] | None,
        typer.Argument(metavar="[HEX]...", help="PDUs; without any, lines of standard input."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, which is what it does anyway.")
    ] = True,
) -> None:
    """Decode SMS-DELIVER PDUs, service centre included: one line of JSON for each."""
    del as_json
    lines: Iterable[str | bytes] = pdus or sys.stdin.buffer
    for line in lines:
        if line.strip():
            described = json.dumps(describe(decode_hex(line)), ensure_ascii=False)
            # As octets: the terminal's own encoding may lack what a message has.
            typer.echo(described.encode("utf-8"))
