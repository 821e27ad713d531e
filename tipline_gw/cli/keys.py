"""``tipline-gw keys``: a reviewer's age identity and its public key.

Meant for the reviewer's own machine: the gateway needs the public key alone. A secret is written
to its file and never printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tipline_gw.cli.context import AsJson, print_json
from tipline_gw.sealing.identities import HybridIdentity, load_identities, write_identity

app = typer.Typer(no_args_is_help=True, help="A reviewer's age identity and its public key.")


@app.command("new")
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The identity file to make.")],
    as_json: AsJson = False,
) -> None:
    """Make a hybrid (post-quantum) identity in FILE, which must not exist; print its public key."""
    identity = HybridIdentity.generate()
    write_identity(file, identity)
    if as_json:
        print_json({"file": str(file), "public_key": identity.public_key})
    else:
        typer.echo(identity.public_key)


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An identity file.")],
    as_json: AsJson = False,
) -> None:
    """Print the public key of each identity in FILE."""
    public_keys = [identity.public_key for identity in load_identities(file)]
    if as_json:
        print_json({"file": str(file), "public_keys": public_keys})
    else:
        typer.echo("\n".join(public_keys))
