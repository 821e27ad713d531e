"""One modem's thread: keep it running, take its messages in, delete them, answer them.

The order is the promise: a message is on disk before its copy on the modem is deleted, and it is
deleted before it is answered. Whatever goes wrong, the message still lies on the modem and is
found by the next sweep. A modem that fails is begun anew, with growing pauses; the others never
notice.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from tipline_gw.domain.sms import (
    Accept,
    Delivered,
    Notice,
    Part,
    Reply,
    ReplyToken,
    Ringing,
    Slot,
    Stored,
    Undecodable,
    repliable,
)
from tipline_gw.errors import ModemError, ModemSilentError, NotYetError, StoreError, TiplineError
from tipline_gw.modems.driver import Driver
from tipline_gw.modems.profiles import Profile
from tipline_gw.modems.reassembly import Assembled, Reassembly

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
REMEMBERED = 4096
NO_TIPS = ("status-report", "not-received")
"""Reports, and what the gateway itself sent: deleted, not taken in."""

SEND_TRIES = 4
SEND_PAUSE = 2.0
"""Seconds before the second try, twice as many before the third, and so on."""

MOMENT = 0.1
"""Seconds until a reply that is being prepared is asked for again; intake goes on meanwhile."""
LONGEST_WAIT = 5.0
_DIRECT = "its profile needs another cnmi; it is initialised anew"
SOON, LATER = 2.0, 10.0


class Releases(Protocol):
    """What the vault does for us: forget an address once its message is answered."""

    def release(self, token: ReplyToken, fingerprints: tuple[bytes, ...]) -> None: ...


@dataclass(frozen=True, slots=True)
class Counters:
    """Called as things happen; the bank ties them to the metrics."""

    part: Callable[[], None]
    undecodable: Callable[[], None]
    doubled: Callable[[], None]
    reply: Callable[[str], None]
    up: Callable[[bool], None]
    restart: Callable[[], None]


@dataclass(slots=True)
class _Answer:
    token: ReplyToken
    fingerprints: tuple[bytes, ...]
    reply: Reply
    text: str | None = None
    tries: int = 0
    not_before: float = 0.0


class Modem:
    """``accept`` commits a message and gives the way to its reply."""

    def __init__(
        self,
        name: str,
        profile: Profile,
        new_driver: Callable[[Callable[[Notice | None], None]], Driver],
        accept: Accept,
        vault: Releases,
        counters: Counters,
        *,
        reassembly_seconds: float,
        has_pin: bool = False,
    ) -> None:
        self.name = name
        self.ready = False
        self._profile = profile
        self._new_driver = new_driver
        self._accept = accept
        self._vault = vault
        self._counters = counters
        self._has_pin = has_pin
        self._notices: queue.SimpleQueue[Notice | None] = queue.SimpleQueue()
        self._reassembly = Reassembly(reassembly_seconds)
        self._done: OrderedDict[bytes, None] = OrderedDict()
        self._answers: deque[_Answer] = deque()
        self._sweep_at = 0.0
        self._stop = threading.Event()
        self._log = structlog.get_logger().bind(modem=name, profile=profile.name)
        self._thread = threading.Thread(target=self._run, name=f"modem-{name}")

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End after the message in hand. What lies on the modem stays there."""
        self._stop.set()
        self._notices.put(None)

    def join(self, timeout: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(timeout)

    @property
    def lives(self) -> bool:
        """The thread does its work; a modem that is away is no fault of the process."""
        return self._thread.is_alive()

    # Keep it running.

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            started = time.monotonic()
            self._session()
            self.ready = False
            self._counters.up(False)
            if time.monotonic() - started > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            if self._stop.wait(pause):
                break
            pause = min(pause * 2, LONGEST_PAUSE)
            self._counters.restart()

    def _session(self) -> None:
        """From opening the port to its end or failure."""
        driver = self._new_driver(self._notices.put)
        try:
            driver.start(has_pin=self._has_pin)
            self.ready = True
            self._counters.up(True)
            self._log.info("modem-ready")
            if not self._profile.matches(*driver.identity()):
                self._log.warning("profile-is-of-another-model")
            self._serve(driver)
        except TiplineError as error:
            self._log.warning("modem-failed", error=type(error).__name__, reason=_slug(error))
        except Exception as error:
            self._log.error("modem-failed", exc_info=error)
        finally:
            driver.stop()
            self._has_pin = self._has_pin and not driver.pin_refused

    def _serve(self, driver: Driver) -> None:
        self._sweep_at = 0.0
        while not self._stop.is_set():
            if time.monotonic() >= self._sweep_at:
                self._sweep_at = time.monotonic() + self._profile.sms.sweep_seconds
                self._sweep(driver)
            self._give_up_waiting(driver)
            self._answer_one(driver)
            due = self._sweep_at - time.monotonic()
            self._heed(
                driver, 0.0 if self._answer_due() else max(0.0, min(due, self._longest_wait()))
            )
            if driver.dropped() > 0:
                raise ModemError("it delivers directly although it was told not to", _DIRECT)
            if not driver.lives:
                raise ModemError("its port is gone", "see whether it is plugged in")

    def _longest_wait(self) -> float:
        """Until the next answer is due, or for a while."""
        if not self._answers:
            return LONGEST_WAIT
        return max(0.0, self._answers[0].not_before - time.monotonic())

    def _sweep_soon(self, seconds: float) -> None:
        """Something could not be read or deleted: the line is bad, or the modem busy. It lies
        there."""
        self._sweep_at = min(self._sweep_at, time.monotonic() + seconds)

    def _heed(self, driver: Driver, seconds: float) -> None:
        """Wait for a notice that long, and do what it says."""
        try:
            notice = self._notices.get(timeout=seconds) if seconds else self._notices.get_nowait()
        except queue.Empty:
            return
        if isinstance(notice, Stored):
            self._fetch(driver, notice.slot)
        elif isinstance(notice, Ringing):
            driver.refuse_call()

    # Take messages in.

    def _sweep(self, driver: Driver) -> None:
        driver.ping()
        for storage in self._profile.sms.storages:
            for slot, pdu in self._listed(driver, storage):
                self._take(driver, slot, pdu)
        driver.choose(self._profile.sms.storages[0])

    def _give_up_waiting(self, driver: Driver) -> None:
        """Messages whose missing parts did not come in time are taken in as partial."""
        for assembled in self._reassembly.expired():
            self._deliver(driver, assembled)

    def _listed(self, driver: Driver, storage: str) -> list[tuple[Slot, str]]:
        """A storage this modem lacks is no failure of the modem, unless it is the first."""
        try:
            return driver.listed(storage)
        except ModemError:
            if storage == self._profile.sms.storages[0] or not driver.lives:
                raise
            return []

    def _fetch(self, driver: Driver, slot: Slot) -> None:
        pdu = driver.read_slot(slot)
        if pdu is None:
            self._sweep_soon(SOON)
        else:
            self._take(driver, slot, pdu)

    def _take(self, driver: Driver, slot: Slot, pdu: str) -> None:
        part = self._read_twice(driver, slot, driver.part(pdu))
        if part is None:
            self._sweep_soon(SOON)
        elif part.fingerprint in self._done:
            self._counters.doubled()
            self._delete(driver, slot)
            if not any(part.fingerprint in answer.fingerprints for answer in self._answers):
                self._release(part.sender, (part.fingerprint,))
        elif isinstance(part, Undecodable) and part.error in NO_TIPS:
            self._delete(driver, slot)
            self._release(part.sender, (part.fingerprint,))
        else:
            self._assemble(driver, Delivered(self.name, slot, part))

    @staticmethod
    def _read_twice(
        driver: Driver, slot: Slot, part: Part | Undecodable
    ) -> Part | Undecodable | None:
        """What does not decode is read again before it is believed: a bad line must not turn a
        message into garbage and delete it. None while two readings differ."""
        if isinstance(part, Part) or part.error in NO_TIPS:
            return part
        pdu = driver.read_slot(slot)
        again = driver.part(pdu) if pdu is not None else None
        same = again is not None and again.fingerprint == part.fingerprint
        return again if same or isinstance(again, Part) else None

    def _assemble(self, driver: Driver, delivered: Delivered) -> None:
        self._counters.part()
        if isinstance(delivered.part, Undecodable):
            self._counters.undecodable()
        assembled = self._reassembly.add(delivered)
        if assembled is not None:
            self._deliver(driver, assembled)

    def _deliver(self, driver: Driver, assembled: Assembled) -> None:
        """Commit, then delete, then queue the answer. A store that refuses leaves all as it is."""
        message = assembled.message
        try:
            reply = self._accept(message)
        except StoreError as error:
            self._log.error("message-left-on-modem", reason=_slug(error))
            self._release(message.sender, assembled.fingerprints)
            return
        self._remember(assembled.fingerprints)
        if message.sender is not None and repliable(message.sender):
            self._answers.append(_Answer(message.sender, assembled.fingerprints, reply))
        else:
            self._release(message.sender, assembled.fingerprints)
        for slot in assembled.slots:
            self._delete(driver, slot)

    def _delete(self, driver: Driver, slot: Slot) -> None:
        """One message that cannot be deleted keeps no other from being read. It is known again
        when it is listed again, and tried again."""
        try:
            driver.delete_slot(slot)
        except ModemSilentError:
            raise
        except ModemError as error:
            if not driver.lives:
                raise
            self._log.warning("message-not-deleted", reason=_slug(error), slot=slot.index)
            self._sweep_soon(LATER)

    def _remember(self, fingerprints: tuple[bytes, ...]) -> None:
        for fingerprint in fingerprints:
            self._done[fingerprint] = None
        while len(self._done) > REMEMBERED:
            self._done.popitem(last=False)

    def _release(self, token: ReplyToken | None, fingerprints: tuple[bytes, ...]) -> None:
        if token is not None:
            self._vault.release(token, fingerprints)

    # Answer.

    def _answer_one(self, driver: Driver) -> None:
        if not self._answer_due():
            return
        answer = self._answers.popleft()
        result = self._send(driver, answer)
        if result == "again":
            self._answers.append(answer)
            return
        self._counters.reply(result)
        self._release(answer.token, answer.fingerprints)

    def _answer_due(self) -> bool:
        return bool(self._answers) and self._answers[0].not_before <= time.monotonic()

    def _send(self, driver: Driver, answer: _Answer) -> str:
        """``sent``, ``none`` (not wanted), ``failed``, or ``again``."""
        try:
            if answer.text is None:
                answer.text = answer.reply()
            if answer.text is None:
                return "none"
            driver.send_text(answer.token, answer.text)
        except NotYetError:
            answer.not_before = time.monotonic() + MOMENT
            return "again"
        except TiplineError as error:
            answer.tries += 1
            answer.not_before = time.monotonic() + answer.tries * SEND_PAUSE
            self._log.warning("reply-failed", reason=_slug(error), count=answer.tries)
            return "again" if answer.tries < SEND_TRIES else "failed"
        return "sent"


def _slug(error: TiplineError) -> str:
    """What happened, as a word the log lets through."""
    return "".join(c if c.isalnum() else "-" for c in error.what.lower())[:48]
