"""A call on paper: what the dialog commands, and what it is told.

``Playbook(["es"]) << Ask(...) >> Keys("1") << ...`` reads like the call: ``<<`` is the next
command of the dialog, ``>>`` the event it is sent. A ``Say``, a ``Speak``, a ``Count`` and a
``Prepare`` are answered by ``Done`` at once, as they nearly always are.
"""

from __future__ import annotations

from collections.abc import Sequence

from tipline_gw.domain.dialog import (
    Ask,
    Command,
    Count,
    Done,
    Event,
    Prepare,
    Say,
    Speak,
)
from tipline_gw.ivr.dialog import dialog

TONE = Ask(("tone",), 0.0)
DONE_AT_ONCE = Say | Speak | Count | Prepare


class Playbook:
    def __init__(self, languages: Sequence[str] = ("es", "en"), **options: object) -> None:
        self._dialog = dialog(languages, **options)  # type: ignore[arg-type]
        self.command: Command | None = next(self._dialog)

    def __lshift__(self, expected: Command | None) -> Playbook:
        """The dialog's command is ``expected``; ``None``: it has ended."""
        assert self.command == expected
        return self >> Done() if isinstance(expected, DONE_AT_ONCE) else self

    def __rshift__(self, event: Event) -> Playbook:
        assert self.command is not None, "the dialog has ended"
        try:
            self.command = self._dialog.send(event)
        except StopIteration:
            self.command = None
        return self
