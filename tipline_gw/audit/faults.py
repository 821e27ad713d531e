"""Makes a running gateway fail, once in each room, with whatever is at hand in the exception.

A number that only shows in a traceback is found by no test that goes well. The gateway itself has
no switch for this: its interpreter is started with a ``sitecustomize`` that calls :func:`plant`,
and fails where a file of the room's name lies in a folder.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "TIPLINE_AUDIT_FAULTS"

SMS: Final = {
    "boundary": ("tipline_gw.boundary.at_reader", "AtReader.feed"),
    "decoder": ("tipline_gw.boundary.pdu_rewriter", "PduRewriter.part"),
    "modems": ("tipline_gw.modems.taking", "Taking._assemble"),
    "answering": ("tipline_gw.modems.answering", "Answering.send_one"),
    "intake": ("tipline_gw.intake.sms", "SmsIntake._sort"),
    "sealing": ("tipline_gw.intake.desk", "Desk.seal_envelope"),
    "host": ("tipline_gw.modem_host", "ModemHost._heed"),
    "telemetry": ("tipline_gw.telemetry.metrics", "Metrics.take"),
}
"""Rooms that a text goes through, and where each is made to fail."""
VOICE: Final = {
    "environment": ("tipline_gw.voice.lines", "Lines.readline"),
    "channel": ("tipline_gw.voice.channel", "Channel.stream_file"),
    "audio": ("tipline_gw.voice.audiosocket", "AudioSocketServer._claim"),
    "recording": ("tipline_gw.intake.calls", "CallRecording.write"),
    "store": ("tipline_gw.store.repository", "add_tip"),
    "dialog": ("tipline_gw.ivr.walker", "step"),
}
"""Rooms that a call goes through."""


def plant() -> None:
    """Called as the interpreter starts; does nothing where nobody asked for it."""
    folder = os.environ.get(FOLDER)
    if folder:
        for room, (module, name) in (SMS | VOICE).items():
            _plant(Path(folder) / room, module, name)


def _plant(trigger: Path, module: str, name: str) -> None:
    *owners, last = name.split(".")
    owner: Any = importlib.import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    setattr(owner, last, _failing(trigger, getattr(owner, last)))


def _failing(trigger: Path, do: Callable[..., Any]) -> Callable[..., Any]:
    def fail_or_do(*arguments: Any, **named: Any) -> Any:
        with contextlib.suppress(FileNotFoundError):
            trigger.unlink()
            raise RuntimeError("forced", *map(repr, arguments), *map(repr, named.values()))
        return do(*arguments, **named)

    return fail_or_do


@contextlib.contextmanager
def possible(directory: Path, spoilt_by: str = "") -> Iterator[Path]:
    """Every Python started meanwhile can be made to fail: touch a room's name in the folder.
    ``spoilt_by``: a module that is imported there too, to audit the audit."""
    folder, site = directory / "faults", directory / "site"
    for each in (folder, site):
        each.mkdir()
    lines = ["from tipline_gw.audit.faults import plant", "plant()"]
    lines += [f"import {spoilt_by}"] if spoilt_by else []
    (site / "sitecustomize.py").write_text("\n".join(lines) + "\n")
    before = dict(os.environ)
    paths = [str(site), os.environ.get("PYTHONPATH", ""), str(Path(__file__).parents[2])]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    os.environ[FOLDER] = str(folder)
    try:
        yield folder
    finally:
        os.environ.clear()
        os.environ.update(before)
