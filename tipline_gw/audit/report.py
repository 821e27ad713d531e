"""What an audit found: a row a place and form, and how much was looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from tipline_gw.audit import national
from tipline_gw.audit.canaries import Canaries
from tipline_gw.audit.places import Place
from tipline_gw.demo.search import search_octets


@dataclass(frozen=True, slots=True)
class Row:
    """``hits`` of ``form`` in ``where``. ``intakes``: what the numbers found were sent by; never
    the numbers."""

    what: str
    where: str
    form: str
    hits: int
    intakes: tuple[str, ...]
    judged: bool


@dataclass(slots=True)
class Report:
    """``sent``: numbers by intake. ``looked``: places and octets searched, by kind. ``notes``:
    what could not be tried or looked at here, and how it could."""

    sent: dict[str, int] = field(default_factory=dict)
    looked: dict[str, list[int]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """What did not go as it should while numbers were sent: then their absence proves nothing."""

    @property
    def clean(self) -> bool:
        tried = bool(self.sent) and not self.failures
        return tried and not any(row.judged for row in self.rows)

    @property
    def places(self) -> int:
        """Different places with something in them that must not be there."""
        return len({(row.what, row.where) for row in self.rows if row.judged})

    def to_dict(self) -> dict[str, Any]:
        return {"clean": self.clean, "places": self.places, **asdict(self)}

    def search(self, places: Iterable[Place], canaries: Canaries) -> None:
        for place in places:
            self._search(place, canaries)

    def _search(self, place: Place, canaries: Canaries) -> None:
        counts: Counter[tuple[str, str]] = Counter()
        octets = 0
        try:
            for piece in place.pieces():
                octets += len(piece)
                counts.update(_hits(piece, canaries))
        except OSError as error:
            told = self.failures if place.needed else self.notes
            told.append(f"{place.what}: {place.where} was not searched ({error.strerror})")
        looked = self.looked.setdefault(place.what, [0, 0])
        looked[0] += 1
        looked[1] += octets
        self.rows += _rows(place, counts, canaries)


def _hits(piece: bytes, canaries: Canaries) -> Iterator[tuple[str, str]]:
    """Form and number, once for each place in ``piece`` that it stands in."""
    numbers = list(canaries.own)
    if any(search_octets(piece, [canaries.shared])):
        numbers += canaries.used
    upper = piece.upper() if numbers else b""
    for number in numbers:
        for form, octets in national.long_forms(number).items():
            for _ in range(max(piece.count(octets), upper.count(octets) if "hex" in form else 0)):
                yield form, number
    yield from national.found(piece, canaries.own)


def _rows(place: Place, counts: Counter[tuple[str, str]], canaries: Canaries) -> Iterator[Row]:
    for form in sorted({form for form, _ in counts}):
        of_form = {number: hits for (each, number), hits in counts.items() if each == form}
        intakes = tuple(sorted({canaries.what(number) for number in of_form}))
        yield Row(place.what, place.where, form, sum(of_form.values()), intakes, place.judged)
