"""What a message goes through between one modem and the core: found, offered, deleted.

The order is the promise: what lies on the modem is deleted, and what it delivered directly is
acknowledged, only when the core says it is on disk. While the core works on one message the next
is read already. What was on disk before a restart (``settled``) is deleted where it is found and
never offered again. Used by one modem's thread; it outlives the sessions with the device, and
never deletes by what an earlier session saw: behind the port there may be another SIM by now.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog

from tipline_gw.domain.bank import Note, Offer, Place
from tipline_gw.domain.sms import (
    DIRECT,
    Message,
    Part,
    ReplyToken,
    Slot,
    Undecodable,
    check_of,
    repliable,
)
from tipline_gw.errors import ModemError, ModemSilentError
from tipline_gw.modems.reassembly import Assembled, Reassembly

REMEMBERED = 4096
OUTSTANDING = 64
"""Offers the core has not answered; what is beyond them stays on the modem for a while."""
REFUSED_PAUSE = 2.0
"""Seconds until an offer that the core refused is made again: its disk may be full."""
PATIENCE = 10.0
"""Seconds that a message delivered directly may stay unacknowledged while the core refuses it.
The network waits somewhat longer (3GPP TS 24.011 §10, TR2M)."""
DOUBTS = 3
"""Messages delivered directly that did not decode, one after the other, before one is believed."""
NO_TIPS = frozenset(("status-report", "not-received", "waiting", "silent", "sim"))
"""Reports, what the gateway itself sent, and what no person wrote: deleted, not taken in."""


class Core(Protocol):
    """What the bank hands a modem: the way to the other process. Nothing here waits."""

    def offer(self, offer: Offer) -> None: ...
    def serial(self) -> int: ...
    def note(self, note: Note) -> None: ...
    def cleared(self, modem: str, places: tuple[Place, ...]) -> None: ...
    def tally(self, modem: str, what: str, count: float = 1) -> None: ...


class Hardware(Protocol):
    """What of the driver is needed here."""

    def part(self, pdu: str) -> Part | Undecodable: ...
    def read_slot(self, slot: Slot) -> str | None: ...
    def delete_slot(self, slot: Slot) -> None: ...
    def acknowledge(self, accepted: bool) -> None: ...
    @property
    def lives(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Offered:
    """``session``: the one that saw it lie where it says, however often it is offered."""

    assembled: Assembled
    session: int
    piece: bool

    def is_piece_of(self, whole: Assembled) -> bool:
        return self.piece and self.assembled.fingerprints[0] in whole.fingerprints


@dataclass(frozen=True, slots=True)
class _Unacknowledged:
    """A message delivered directly; ``until``: how long the modem may wait for a word."""

    fingerprint: bytes
    until: float


Answered = Callable[[int, ReplyToken, tuple[bytes, ...]], None]
Release = Callable[[ReplyToken, tuple[bytes, ...]], None]


class Taking:
    """``expect``: an answer to offer ``number`` will come for this sender. ``awaited``: whether one
    is still to be given to who sent this. ``release``: nothing will be said, the address may go."""

    def __init__(
        self,
        modem: str,
        core: Core,
        *,
        salt: bytes,
        settled: Iterable[Place],
        reassembly_seconds: float,
        expect: Answered,
        awaited: Callable[[bytes], bool],
        release: Release,
    ) -> None:
        self._modem = modem
        self._core = core
        self._salt = salt
        self._settled: dict[Slot, set[bytes]] = {}
        for place in settled:
            self._settled.setdefault(place.slot, set()).add(place.check)
        self._expect = expect
        self._awaited = awaited
        self._release_token = release
        self._reassembly = Reassembly(modem, reassembly_seconds)
        self._offers: dict[int, _Offered] = {}
        self._in_flight: set[bytes] = set()
        self._lying: set[Slot] = set()
        self._left_over = False
        self._done: OrderedDict[bytes, None] = OrderedDict()
        self._refused: list[tuple[float, _Offered]] = []
        self._direct: _Unacknowledged | None = None
        self._doubted: set[bytes] = set()
        self._no_pdus: set[bytes] = set()
        self._session = 0
        self.emptying: Callable[[Slot], None] = lambda _slot: None
        """Told before a slot is deleted: the network may put another message there at once."""
        self._log = structlog.get_logger().bind(modem=modem)

    def reopened(self) -> None:
        """A new session with the device begins: where things lay before no longer counts."""
        self._session += 1
        self._direct = None
        self._reassembly.reopened()

    @property
    def full(self) -> bool:
        """So much waits for the core that nothing more should be read now."""
        return len(self._offers) + len(self._refused) >= OUTSTANDING

    @property
    def idle(self) -> bool:
        """The core has answered everything."""
        return not self._offers

    def left_over(self) -> bool:
        """Whether something could not be deleted since this was last asked."""
        left_over, self._left_over = self._left_over, False
        return left_over

    def next_at(self) -> float | None:
        """When :meth:`keep_up` has something to do."""
        times = [again_at for again_at, _ in self._refused]
        if (expiry := self._reassembly.next_at()) is not None:
            times.append(expiry)
        if self._direct:
            times.append(self._direct.until)
        return min(times, default=None)

    # In.

    def take(self, driver: Hardware, slot: Slot, pdu: str) -> bool:
        """A message that lies in ``slot``. False: it could not be read for certain, look again.

        Raises ModemError for what is no PDU, and may be a text: the modem is to be initialised
        before it is believed.
        """
        part = _read_twice(driver, slot, driver.part(pdu))
        if part is None:
            return False
        if self._may_be_text(part):
            raise ModemError("a message is no PDU", "its modes are set again")
        return self._sort(driver, part, slot)

    def _may_be_text(self, part: Part | Undecodable) -> bool:
        """A modem that lost its settings gives texts. What is the same in a session after that is
        a broken PDU."""
        if not isinstance(part, Undecodable) or part.error != "not-hex":
            return False
        known = part.fingerprint in self._no_pdus
        self._no_pdus.add(part.fingerprint)
        return not known

    def take_aside(self, driver: Hardware, slot: Slot, pdu: str) -> bool:
        """As :meth:`take`, where nothing need be said to the modem for it. False: nothing done."""
        part = driver.part(pdu)
        if not isinstance(part, Part) or _no_tip(part):
            return False
        place = Place(slot, check_of(part, self._salt))
        if self._is_known(part, place):
            return False
        self._assemble(part, place)
        return True

    def push(self, driver: Hardware, part: Part | Undecodable) -> None:
        """A message that was delivered directly, and waits for its acknowledgement."""
        if self._doubts(part):
            self._refuse(driver)
            return
        self._direct = _Unacknowledged(part.fingerprint, time.monotonic() + PATIENCE)
        self._sort(driver, part, DIRECT)

    def overheard(self, part: Part | Undecodable) -> None:
        """A message that was delivered directly while no session was there to acknowledge it. Many
        modems want no acknowledgement: it is nowhere else then. If they do it comes again, and is
        known."""
        if not isinstance(part, Part) or _no_tip(part):
            return
        place = Place(DIRECT, check_of(part, self._salt))
        if not self._is_known(part, place):
            self._assemble(part, place)

    def _is_known(self, part: Part, place: Place) -> bool:
        if part.fingerprint in self._in_flight or part.fingerprint in self._done:
            return True
        return self._is_settled(place)

    def _doubts(self, part: Part | Undecodable) -> bool:
        """What does not decode is refused until the same comes again: the network has it still, and
        the line may have been bad. A line that is bad again and again is believed in the end."""
        if isinstance(part, Part) or _no_tip(part):
            return False
        doubted = part.fingerprint in self._doubted or len(self._doubted) >= DOUBTS
        if doubted:
            self._doubted.clear()
        else:
            self._doubted.add(part.fingerprint)
        return not doubted

    def _sort(self, driver: Hardware, part: Part | Undecodable, slot: Slot) -> bool:
        place = Place(slot, check_of(part, self._salt))
        if part.fingerprint in self._in_flight:
            return slot == DIRECT or slot in self._lying  # else a copy, to be deleted later
        if self._is_settled(place) or part.fingerprint in self._done:
            self._core.tally(self._modem, "doubled")
            return self._dispose(driver, part, place)
        if _no_tip(part):
            self._core.tally(self._modem, "no-tip")
            return self._dispose(driver, part, place)
        self._assemble(part, place)
        return True

    def _dispose(self, driver: Hardware, part: Part | Undecodable, place: Place) -> bool:
        """Away with it, unoffered. Its sender may still wait for the answer to the first copy, or
        to the message that the first copy is a part of."""
        waits = self._awaited(part.fingerprint) or self._reassembly.knows(part.fingerprint)
        if part.sender is not None and not waits:
            self._release_token(part.sender, (part.fingerprint,))
        return self._clear(driver, place)

    def _is_settled(self, place: Place) -> bool:
        if place.check in self._settled.get(DIRECT, ()):
            return True  # not acknowledged in time, it may come again in any way
        known = self._settled.get(place.slot)
        if known is None:
            return False
        if place.check in known:
            return True
        if place.slot != DIRECT:  # the slot has been used again since
            self._forget_settled(place.slot)
        return False

    def _forget_settled(self, slot: Slot) -> None:
        checks = self._settled.pop(slot)
        self._core.cleared(self._modem, tuple(Place(slot, check) for check in checks))

    def swept(self, storage: str, found: set[Slot]) -> None:
        """All of ``storage`` was seen: what was settled there and is gone need not be known."""
        gone = [slot for slot in self._settled if slot.storage == storage and slot not in found]
        for slot in gone:
            self._forget_settled(slot)

    def _assemble(self, part: Part | Undecodable, place: Place) -> None:
        new = not self._reassembly.knows(part.fingerprint)
        if new:
            self._core.tally(self._modem, "part")
        assembled = self._reassembly.add(part, place)
        if assembled is not None:
            if assembled.message.undecodable:
                self._core.tally(self._modem, "undecodable")
            self._offer(assembled)
        elif place.slot == DIRECT and isinstance(part, Part) and new:
            self._offer_piece(part, place)

    def waiting_in(self, storage: str) -> int:
        """How many parts lie there and wait for their others."""
        return len(self._reassembly.lying_in(storage))

    def make_room(self, storage: str) -> None:
        """Parts that wait take nearly all of ``storage``. They are put on disk by themselves and
        deleted: nothing else would come, not even what they wait for."""
        for part, place in self._reassembly.lying_in(storage):
            if not self.full:
                self._offer_piece(part, place)

    def keep_up(self, driver: Hardware) -> None:
        """Give up waiting for missing parts, offer again what was refused, and tell the modem
        when its patience would end."""
        now = time.monotonic()
        for assembled in self._reassembly.expired():
            self._core.tally(self._modem, "partial")
            self._offer(assembled)
        due = [refused for refused in self._refused if refused[0] <= now]
        self._refused = [refused for refused in self._refused if refused[0] > now]
        for _, offered in due:
            self._put(offered)
        if self._direct and self._direct.until <= now:
            self._refuse(driver)

    # To the core and back.

    def _offer(self, assembled: Assembled, *, piece: bool = False) -> None:
        if not piece:  # a part that is still to be offered by itself need not be any more
            self._refused = [one for one in self._refused if not one[1].is_piece_of(assembled)]
        self._put(_Offered(assembled, self._session, piece))

    def _put(self, offered: _Offered) -> None:
        """To the core, for the first time or again."""
        number, assembled, piece = self._core.serial(), offered.assembled, offered.piece
        self._offers[number] = offered
        self._in_flight.update(assembled.fingerprints)
        self._lying.update(place.slot for place in assembled.places)
        if piece:
            self._reassembly.piece(assembled.fingerprints[0], number)
        message, places = assembled.message, assembled.places
        self._core.offer(Offer(number, message, places, assembled.replaces, piece))

    def _offer_piece(self, part: Part, place: Place) -> None:
        """Before the whole: it must be on disk before it is acknowledged or deleted."""
        total = part.concat.total if part.concat else 1
        message = Message(self._modem, part.sender, (part,), total=total)
        self._offer(Assembled(message, (place,), (part.fingerprint,)), piece=True)

    def taken(self, driver: Hardware | None, number: int, *, answer: bool) -> None:
        """On disk: away with the modem's copies. ``driver``: None while there is no session."""
        offered = self._offers.pop(number, None)
        if offered is None:
            return
        assembled = offered.assembled
        self._in_flight.difference_update(assembled.fingerprints)
        self._lying.difference_update(place.slot for place in assembled.places)
        self._remember(assembled.fingerprints)
        if not offered.piece:
            self._hand_over(number, assembled, answer=answer)
        if driver is not None:
            self._clear_all(driver, offered)

    def refused(self, number: int) -> None:
        """Not on disk: it is kept where it is, and offered again."""
        offered = self._offers.pop(number, None)
        if offered is None:
            return
        self._log.warning("message-left-on-modem")
        self._core.tally(self._modem, "refused")
        if offered.piece and not self._reassembly.knows(offered.assembled.fingerprints[0]):
            return  # the whole has been offered meanwhile
        again_at = time.monotonic() + REFUSED_PAUSE
        self._refused.append((again_at, offered))

    def _hand_over(self, number: int, assembled: Assembled, *, answer: bool) -> None:
        sender = assembled.message.sender
        if sender is None:
            return
        if answer and repliable(sender):
            self._expect(number, sender, assembled.fingerprints)
        else:
            self._release_token(sender, assembled.fingerprints)

    # Away.

    def _clear_all(self, driver: Hardware, offered: _Offered) -> None:
        """What an earlier session saw is left to the next sweep, which knows it again."""
        for place in offered.assembled.places:
            if place.slot == DIRECT:
                if self._direct and self._direct.fingerprint in offered.assembled.fingerprints:
                    self._clear(driver, place)
            elif offered.session == self._session:
                self._clear(driver, place)

    def _clear(self, driver: Hardware, place: Place) -> bool:
        """Delete or acknowledge, and tell the core. One message that cannot be deleted keeps no
        other from being read: it is known again when it is listed again, and tried again."""
        try:
            if place.slot == DIRECT:
                self._direct = None
                driver.acknowledge(True)
            else:
                self.emptying(place.slot)
                driver.delete_slot(place.slot)
        except ModemSilentError:
            raise
        except ModemError:
            if not driver.lives:
                raise
            self._log.warning("message-not-deleted", slot=place.slot.index)
            self._left_over = True
            return False
        self._core.cleared(self._modem, tuple(self._no_more(place)))
        return True

    def _refuse(self, driver: Hardware) -> None:
        """The network should send it again. A modem that waits for no word any more (27.005
        §3.4.4) says so by an error: the next sweep looks how it delivers."""
        self._direct = None
        try:
            driver.acknowledge(False)
        except ModemSilentError:
            raise
        except ModemError:
            if not driver.lives:
                raise
            self._log.warning("message-not-refused")
            self._left_over = True

    def _no_more(self, place: Place) -> Iterator[Place]:
        """The places that the core need not remember any more."""
        yield place
        for slot in {place.slot, DIRECT}:
            checks = self._settled.get(slot, set())
            if place.check in checks:
                checks.discard(place.check)
                if slot != place.slot:
                    yield Place(slot, place.check)

    def _remember(self, fingerprints: tuple[bytes, ...]) -> None:
        for fingerprint in fingerprints:
            self._done[fingerprint] = None
        while len(self._done) > REMEMBERED:
            self._done.popitem(last=False)


def _no_tip(part: Part | Undecodable) -> bool:
    return (part.error if isinstance(part, Undecodable) else part.kind) in NO_TIPS


def _read_twice(
    driver: Hardware, slot: Slot, part: Part | Undecodable
) -> Part | Undecodable | None:
    """What does not decode is read again before it is believed: a bad line must not turn a
    message into garbage and delete it. None while two readings differ."""
    if isinstance(part, Part) or _no_tip(part):
        return part
    pdu = driver.read_slot(slot)
    again = driver.part(pdu) if pdu is not None else None
    same = again is not None and again.fingerprint == part.fingerprint
    return again if same or isinstance(again, Part) else None
