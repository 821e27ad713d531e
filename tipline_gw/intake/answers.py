"""What senders are told, in the words of the catalogues, and the codes that go with it.

An answer never repeats what was said, and says nothing of what the line is for: it stays in the
phone for others to find.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tipline_gw.domain import case_code
from tipline_gw.domain.case_code import CaseCode
from tipline_gw.domain.tip import TipId
from tipline_gw.errors import NotYetError, StoreError
from tipline_gw.intake.desk import Desk
from tipline_gw.prompts import names
from tipline_gw.prompts.catalogue import Catalogue
from tipline_gw.store.repository import Case

CODE_SLICES, CODE_SLICE = 600, 0.5
"""How often, and how many seconds each time, a code is waited for: as long as a sender's address
is kept."""


class Answers:
    """The texts, in the language of the sender where it is known, else in every language."""

    def __init__(self, catalogues: Sequence[Catalogue]) -> None:
        self._catalogues = {catalogue.language: catalogue for catalogue in catalogues}

    def text(self, name: str, language: str | None = None, **fields: str) -> str:
        one = self._catalogues.get(language or "")
        told = [one] if one else self._catalogues.values()
        # One language may stand in for another: the same is not said twice.
        return "\n".join(dict.fromkeys(catalogue.sms(name, **fields) for catalogue in told))

    def state(self, case: Case | None, language: str | None) -> str:
        return self.text(names.status(case.state) if case else names.STATUS_UNKNOWN, language)

    def with_code(
        self, desk: Desk, tip_id: TipId, name: str, useless: Callable[[], bool]
    ) -> str | None:
        """The text with a fresh code, when there is one; without if it cannot be had. None once
        nobody waits for it any more (``useless``)."""
        code = _code_for(desk, tip_id, useless)
        if code is not None:
            return self.text(name, code=case_code.written(code))
        return None if useless() else self.text(names.RECEIVED)


def _code_for(desk: Desk, tip_id: TipId, useless: Callable[[], bool]) -> CaseCode | None:
    for _ in range(CODE_SLICES):
        if useless():
            return None
        try:
            return desk.give_code(tip_id, wait=CODE_SLICE)
        except NotYetError:
            continue
        except StoreError:
            return None
    return None
