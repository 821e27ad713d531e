"""What ``init`` writes: configuration, recipients, store, prompts, and for a trial a key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tipline_gw import resources
from tipline_gw.errors import ConfigError, PromptError
from tipline_gw.prompts.build import build
from tipline_gw.sealing.identities import HybridIdentity, write_identity
from tipline_gw.settings import load
from tipline_gw.settings.store_url import sqlite_url
from tipline_gw.store.engine import migrate, open_engine

NO_RECIPIENTS = """\
# Who can read the tips: age public keys, one a line. `tipline-gw keys new FILE` makes one, on the
# reviewer's own machine; only the line it prints belongs here.
"""


def prepare(directory: Path, *, demo_keys: bool) -> Iterator[str]:
    """Do it all; yields a line for each thing done. Raises ConfigError if DIR is in use."""
    directory = own_directory(directory)
    config = directory / "tipline.toml"
    _write(config, _configuration(directory))
    recipients = NO_RECIPIENTS
    if demo_keys:
        identity = HybridIdentity.generate()
        write_identity(directory / "reviewer.key", identity)
        recipients += "# The key of reviewer.key: for trials, because it lies on this machine.\n"
        recipients += f"{identity.public_key}\n"
    _write(directory / "recipients.txt", recipients)
    settings = load(config)
    engine = open_engine(settings.store.url, make=True)
    migrate(engine)
    engine.dispose()
    yield f"configuration: {config}"
    yield from _prompts(
        settings.voice.prompts, settings.line.languages, settings.line.emergency_number
    )
    yield from _next_steps(config, demo_keys=demo_keys)


def own_directory(directory: Path) -> Path:
    """Made, empty, and absolute, as it stands in a configuration. Raises ConfigError."""
    directory = directory.absolute()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        in_use = any(directory.iterdir())
    except OSError as error:
        raise ConfigError(f"{directory}: cannot be made ({error.strerror})") from None
    if in_use:
        raise ConfigError(f"{directory} is in use", "name a new or an empty directory")
    return directory


def _configuration(directory: Path) -> str:
    sample = (resources.folder("config") / "tipline.toml").read_text("utf-8")
    return sample.replace(
        "sqlite:////var/lib/tipline-gw/tips.db", sqlite_url(directory / "tips.db")
    )


def _write(path: Path, text: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(text.encode())
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written ({error.strerror})", "see space, owner and permissions"
        ) from None


def _prompts(folder: Path, languages: list[str], emergency: str) -> Iterator[str]:
    """A machine without espeak-ng can still take texts, and can be given prompts later."""
    try:
        build(folder, languages, emergency)
    except PromptError as error:
        yield f"prompts: not made, {error}; then: tipline-gw prompts build"
    else:
        yield f"prompts: {folder}"


def _next_steps(config: Path, *, demo_keys: bool) -> Iterator[str]:
    if demo_keys:
        yield f"reviewer's identity, for trials only: {config.parent / 'reviewer.key'}"
    else:
        yield f"next: put the reviewers' public keys into {config.parent / 'recipients.txt'}"
    yield f"next: name your modems in {config}, then: tipline-gw --config {config} check"
