"""One modem's thread: keep it running, take its messages in, answer them.

A modem that fails is begun anew, with growing pauses; the others never notice. Whatever goes
wrong, what was not on disk still lies on the modem, or is sent again by the network, and is found
by the next sweep.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog

from tipline_gw.boundary.recorder import Recorder
from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.domain.bank import Answer, Note, Place, Refused, Taken
from tipline_gw.domain.sms import Notice, Pushed, Ringing, Slot, Stored
from tipline_gw.errors import ModemError, ModemSilentError, TiplineError
from tipline_gw.modems import identify
from tipline_gw.modems.answering import Answering
from tipline_gw.modems.driver import Driver
from tipline_gw.modems.jobs import Restarting
from tipline_gw.modems.pin import Pin
from tipline_gw.modems.profiles import AUTO, GENERIC, Profile, load
from tipline_gw.modems.revival import BarePort, Failures
from tipline_gw.modems.taking import Core, Taking
from tipline_gw.modems.view import View
from tipline_gw.modems.watch import Watch
from tipline_gw.settings.schema import Modem as ModemSettings

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LONGEST_WAIT = 5.0
SOON, LATER, EARLY = 2.0, 10.0, 20.0
FINISH_SECONDS = 5.0
"""How long the end waits for the core's word on what is offered."""

T = TypeVar("T")
OpenPort = Callable[[Profile, Callable[[Notice], None]], BoundaryPort]


@dataclass(frozen=True, slots=True)
class _Job:
    """Something that an engineer wants done, between two messages."""

    do: Callable[[Driver], Any]
    result: Future[Any]


class _Gone:
    """The device went, or the end is near: look up from waiting."""


_GONE = _Gone()
Event = Notice | Taken | Refused | Answer | _Job | _Gone


class Modem:
    """``open_port`` opens the device by a profile, its notices going where it is told."""

    def __init__(
        self,
        settings: ModemSettings,
        open_port: OpenPort,
        core: Core,
        taking: Taking,
        answering: Answering,
        *,
        tried_pin: Place | None = None,
    ) -> None:
        self.name = settings.name
        self.ready = False
        self._settings = settings
        self._open_port = open_port
        self._core = core
        self._taking = taking
        taking.emptying = self._emptying
        self._answering = answering
        self._pin = Pin(settings.pin_file, tried_pin, self._note, self._forget)
        self._watch = Watch(self._tally)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._backlog: deque[Event] = deque()
        self._read: tuple[Slot, str] | None = None
        self._left: deque[tuple[Slot, str]] = deque()
        self._waiting: deque[Slot] = deque()
        self._sweep_at = 0.0
        self._early_sweep = False
        self._unlisted: set[str] = set()
        self._stop = threading.Event()
        self._finish_by: float | None = None
        self._driver: Driver | None = None
        self._recorder: Recorder | None = None
        self._state = "starting"
        self._profile: Profile = load(GENERIC)
        self._why = ""
        self._failures = Failures()
        self._restarts = 0
        self._last_message = 0.0
        self._log = structlog.get_logger().bind(modem=self.name)
        self._thread = threading.Thread(target=self._run, name=f"modem-{self.name}")

    # What others call.

    def start(self) -> None:
        self._thread.start()

    def heed(self, word: Taken | Refused | Answer) -> None:
        """The core's word on one of this modem's offers."""
        self._events.put(word)

    def finish(self) -> None:
        """Read nothing new; end when the core has answered what is offered."""
        self._finish_by = time.monotonic() + FINISH_SECONDS
        self._stop.set()
        self._events.put(_GONE)

    def abandon(self) -> None:
        """End at once. What lies on the modem stays there."""
        self._finish_by = time.monotonic()
        self._stop.set()
        self._events.put(_GONE)

    def join(self, timeout: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(timeout)

    @property
    def lives(self) -> bool:
        """The thread does its work; a modem that is away is no fault of the process."""
        return self._thread.is_alive()

    def run(self, job: Callable[[Driver], T], timeout: float) -> T:
        """Do ``job`` with the driver, in this modem's thread. Raises ModemError."""
        if not self.ready:
            raise ModemError(f"{self.name} does not answer now", "see modems list")
        result: Future[T] = Future()
        self._events.put(_Job(job, result))
        try:
            return result.result(timeout)
        except TimeoutError:
            result.cancel()
            raise ModemError(f"{self.name} has too much to do", "try again in a while") from None

    def record(self, recorder: Recorder | None) -> None:
        """Write down the dialogue with the device, scrubbed; None ends it."""
        self._recorder = recorder
        if self._driver is not None:
            self._driver.record(recorder)

    def view(self) -> View:
        watch, answering = self._watch, self._answering
        return View(
            name=self.name,
            port=self._settings.port,
            profile=self._profile.name,
            why=self._why,
            state=self._shown_state(),
            manufacturer=watch.identity.manufacturer,
            model=watch.identity.model,
            revision=watch.identity.revision,
            tag=watch.tag,
            sim=watch.sim,
            operator=watch.reception.operator,
            registration=watch.reception.registration,
            dbm=watch.reception.dbm,
            slots={name: list(pair) for name, pair in watch.slots.items()},
            delivery=self._delivery(),
            last_message=_coarse(self._last_message),
            restarts=self._restarts,
            resets=watch.resets,
            balance=watch.balance,
            sent_this_hour=answering.sent_this_hour,
            held=answering.held,
        )

    def _delivery(self) -> str:
        """As it is; as the profile wants it while there is no session."""
        driver = self._driver
        if driver is None:
            return self._profile.sms.delivery
        return "direct" if driver.direct else "stored"

    def _shown_state(self) -> str:
        if self._state != "ready":
            return self._state
        if not self._watch.registered:
            return "not-registered"
        return "cannot-send" if self._answering.failing else "ready"

    # Keep it running.

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            started = time.monotonic()
            self._session()
            self._up(False)
            self._revive()
            if time.monotonic() - started > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            self._rest(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            if not self._stop.is_set():
                self._restarts += 1
                self._tally("restart")

    def _session(self) -> None:
        """From opening the port to its end or failure."""
        try:
            self._driver = driver = self._opened()
        except TiplineError as error:
            self._failed(error)
            return
        except Exception as error:
            self._broke(error)
            return
        try:
            self._begin(driver)
            self._serve(driver)
        except TiplineError as error:
            self._failed(error)
        except Exception as error:
            self._broke(error)
        finally:
            self._driver = None
            driver.stop()
            self._fail_jobs()

    def _opened(self) -> Driver:
        """Find out what it is, and make the driver for it."""
        self._state = "starting"
        wanted = self._settings.profile
        if wanted != AUTO:
            self._profile = load(wanted)
        profile, why = identify.choose(wanted, lambda first: self._open_port(first, self._overhear))
        self._profile, self._why = profile, why
        if wanted == AUTO and profile.calls.list == "unsafe":
            raise ModemError(
                _UNSAFE, f'have voice calls to it barred, and accept it: profile = "{profile.name}"'
            )
        return Driver(
            lambda: self._recorded(self._open_port(profile, self._events.put)),
            profile,
            on_gone=lambda: self._events.put(_GONE),
        )

    def _overhear(self, notice: Notice) -> None:
        """While it is identified. The sweep finds what is stored; nothing finds the others."""
        if isinstance(notice, Pushed):
            self._taking.overheard(notice.part)

    def _recorded(self, port: BoundaryPort) -> BoundaryPort:
        port.recorder = self._recorder
        return port

    def _begin(self, driver: Driver) -> None:
        self._drop_notices()
        self._read = None
        self._left.clear()
        self._waiting.clear()
        self._taking.reopened()
        self._start(driver)
        self._watch.identity, self._watch.tag = driver.identity(), driver.imei_tag()
        self._sweep_at = 0.0
        driver.arm()
        driver.keeps_reading = True
        # What the session before did not acknowledge is stored if it was not asked for again.
        self._early_sweep = driver.direct
        self._up(True)
        self._failures.ready()
        self._log.info("modem-ready", profile=self._profile.name)
        if "but the modem says" in self._why:
            self._log.warning("profile-is-of-another-model", profile=self._profile.name)

    def _start(self, driver: Driver) -> None:
        has_pin, started = self._pin.may_be_sent(), False
        driver.before_pin, driver.after_pin = self._pin.noted, self._pin.was_right
        try:
            driver.start(has_pin=has_pin)
            started = True
        except ModemError as error:
            if self._pin.refused_before() and error.what == _WANTS_PIN:
                raise ModemError(_REFUSED_PIN, "correct its pin_file: it is tried once") from None
            raise
        finally:
            self._pin.ended(sent=driver.pin_sent, accepted=started or driver.pin_accepted)

    def _up(self, up: bool) -> None:
        self.ready = up
        if up:
            self._state = "ready"
        self._tally("up", float(up))

    def _failed(self, error: TiplineError) -> None:
        self._state = _STATES.get(error.what, "away")
        self._log.warning("modem-failed", error=type(error).__name__, reason=_slug(error))
        if isinstance(error, Restarting):
            self._failures.was_reset()
        else:
            self._count_failure()

    def _broke(self, error: Exception) -> None:
        self._state = "away"
        self._log.error("modem-failed", exc_info=error)
        self._count_failure()

    def _count_failure(self) -> None:
        """That none is plugged in is counted once."""
        there = self._failures.session or Path(self._settings.port).exists()
        if there and self._state in _MENDABLE:
            self._failures.add()

    def _revive(self) -> None:
        """A modem that fails again and again, and still takes a command, is reset."""
        wanted = self._failures.due and self._state in _MENDABLE
        if not wanted or self._stop.is_set():
            return
        profile = self._profile
        port = BarePort(lambda: self._recorded(self._open_port(profile, _unheard)), profile)
        if self._watch.reset(port, hard=self._failures.hard):
            self._failures.was_reset()

    def _rest(self, seconds: float) -> None:
        """Until the pause is over, or the device comes (back). The core's words are heeded."""
        until = time.monotonic() + seconds
        path, absent = Path(self._settings.port), not Path(self._settings.port).exists()
        while not self._stop.is_set() and time.monotonic() < until:
            if absent and path.exists():
                return
            event = self._next_event(min(1.0, until - time.monotonic()))
            self._heed_core(None, event)

    # Serve it.

    def _serve(self, driver: Driver) -> None:
        while not self._finished():
            if time.monotonic() >= self._sweep_at and not self._stop.is_set():
                self._sweep_at = time.monotonic() + self._next_sweep()
                self._sweep(driver)
            self._taking.keep_up(driver)
            self._answering.send_one(driver)
            if self._taking.left_over():
                self._sweep_soon(LATER)
            if self._waiting and not self._taking.full:
                self._fetch(driver, self._waiting.popleft())
            event = self._next_event(0.0)
            if event is not None:
                self._heed(driver, event)
            elif driver.meanwhile:
                self._work_off(driver)
            else:
                driver.idle()
                self._heed(driver, self._next_event(self._patience()))
            self._take_what_is_left(driver)
            if not driver.lives:
                raise ModemError("its port is gone", "see whether it is plugged in")

    def _next_sweep(self) -> float:
        early, self._early_sweep = self._early_sweep, False
        usual = self._profile.sms.sweep_seconds
        return min(EARLY, usual) if early else usual

    def _finished(self) -> bool:
        if not self._stop.is_set() or self._finish_by is None:
            return False
        return self._taking.idle or time.monotonic() >= self._finish_by

    def _patience(self) -> float:
        """Seconds until something is to be done without being told."""
        times = [self._sweep_at, self._taking.next_at(), self._answering.next_at()]
        first = min(at for at in times if at is not None)
        longest = SOON / 10 if self._stop.is_set() else LONGEST_WAIT
        return max(0.0, min(first - time.monotonic(), longest))

    def _next_event(self, seconds: float) -> Event | None:
        """None: nothing came in that time."""
        if self._backlog:
            return self._backlog.popleft()
        try:
            return self._events.get(timeout=seconds) if seconds > 0 else self._events.get_nowait()
        except queue.Empty:
            return None

    def _heed(self, driver: Driver, event: Event | None) -> None:
        if isinstance(event, Stored):
            self._fetch(driver, event.slot)
        elif isinstance(event, Pushed):
            self._last_message = time.time()
            self._taking.push(driver, event.part)
        elif isinstance(event, Ringing):
            driver.refuse_call()
            driver.purge_calls()
            self._tally("call-refused")
        elif isinstance(event, _Job):
            _carry_out(event, driver)
        else:
            self._heed_core(driver, event)

    def _heed_core(self, driver: Driver | None, event: Event | None) -> None:
        if isinstance(event, Taken):
            self._taking.taken(driver, event.serial, answer=event.answer)
        elif isinstance(event, Refused):
            self._taking.refused(event.serial)
        elif isinstance(event, Answer):
            self._answering.answer(event.serial, event.text, confirm=event.confirm)
        elif isinstance(event, Pushed):
            self._taking.overheard(event.part)
        elif isinstance(event, _Job) and event.result.set_running_or_notify_cancel():
            event.result.set_exception(ModemError(f"{self.name} does not answer now"))

    def _sweep_soon(self, seconds: float) -> None:
        """Something could not be read or deleted. It lies there."""
        self._sweep_at = min(self._sweep_at, time.monotonic() + seconds)

    def _fetch(self, driver: Driver, slot: Slot) -> None:
        if self._stop.is_set():
            return
        if self._taking.full:
            self._waiting.append(slot)
            return
        self._last_message = time.time()
        pdu = self._read_at(driver, slot)
        if pdu is None:
            self._sweep_soon(SOON)
            return
        # The line is the bottleneck: the next command goes out before this is worked on.
        self._read = slot, pdu
        driver.meanwhile = lambda: self._work_off(driver)

    def _read_at(self, driver: Driver, slot: Slot) -> str | None:
        """A notice may name a storage that cannot be chosen: one that the profile does not know, or
        that noise made of another. That ends no session: what lies there is swept."""
        try:
            return driver.read_slot(slot)
        except ModemSilentError:
            raise
        except ModemError:
            if not driver.lives:
                raise
            self._log.warning("message-not-read")
            return None

    def _work_off(self, driver: Driver) -> None:
        """Take in what was read last, as far as nothing need be said to the modem for it."""
        driver.meanwhile = None
        read, self._read = self._read, None
        if read is not None and not self._taking.take_aside(driver, *read):
            self._left.append(read)

    def _take_what_is_left(self, driver: Driver) -> None:
        while self._left and not self._taking.full and not self._stop.is_set():
            if not self._taking.take(driver, *self._left.popleft()):
                self._sweep_soon(SOON)

    def _emptying(self, slot: Slot) -> None:
        """What was read there is not to be deleted a second time: that would be the next one."""
        self._left = deque(read for read in self._left if read[0] != slot)
        if self._read is not None and self._read[0] == slot:
            self._read = None

    def _sweep(self, driver: Driver) -> None:
        """Everything that lies on it, whatever notices came: they get lost."""
        driver.ping()
        if not driver.armed():
            self._log.warning("delivery-armed-again")
            self._tally("rearmed")
            driver.arm()
            self._early_sweep = driver.direct
        self._watch.look(driver)
        self._left.clear()  # what was read before is listed again, if it is still there
        for storage in driver.storages:
            self._sweep_storage(driver, storage)
        driver.choose(driver.storages[0])

    def _sweep_storage(self, driver: Driver, storage: str) -> None:
        listed = self._listed(driver, storage)
        if listed is None:
            return
        found = {slot for slot, _ in listed}
        self._forget_notices(found)
        self._taking.swept(storage, found)
        self._left.extend(listed)
        self._take_what_is_left(driver)
        if self._watch.nearly_filled(storage, self._taking.waiting_in(storage)):
            self._taking.make_room(storage)

    def _listed(self, driver: Driver, storage: str) -> list[tuple[Slot, str]] | None:
        """None: it is not listed, and was not in the session before either. That is no empty
        storage; what notices tell of can still be read. The first time another session may help."""
        try:
            listed = driver.listed(storage)
        except ModemSilentError:
            raise
        except ModemError:
            if storage not in self._unlisted or not driver.lives:
                self._unlisted.add(storage)
                raise
            self._log.warning("storage-not-listed", storage=storage.lower())
            return None
        self._unlisted.discard(storage)
        return listed

    def _forget_notices(self, slots: set[Slot]) -> None:
        """Notices of what was just listed: nothing new can lie there before it is deleted."""
        self._drain()
        self._backlog = deque(
            event
            for event in self._backlog
            if not (isinstance(event, Stored) and event.slot in slots)
        )
        self._waiting = deque(slot for slot in self._waiting if slot not in slots)

    def _drop_notices(self) -> None:
        """Of an earlier session: the sweep at the start of this one finds what is stored."""
        self._drain()
        for event in self._backlog:
            if isinstance(event, Pushed):
                self._taking.overheard(event.part)
        self._backlog = deque(
            event for event in self._backlog if not isinstance(event, Stored | Pushed | Ringing)
        )

    def _drain(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._backlog.append(self._events.get_nowait())

    def _fail_jobs(self) -> None:
        self._drain()
        for event in [event for event in self._backlog if isinstance(event, _Job)]:
            self._backlog.remove(event)
            self._heed_core(None, event)

    # With the core.

    def _tally(self, what: str, count: float = 1) -> None:
        self._core.tally(self.name, what, count)

    def _forget(self, place: Place) -> None:
        self._core.cleared(self.name, (place,))

    def _note(self, place: Place) -> bool:
        """Have the core remember ``place``; whether it does. The SIM is locked still: no notice
        that comes meanwhile is of a message."""
        number = self._core.serial()
        self._core.note(Note(number, self.name, place))
        until = time.monotonic() + FINISH_SECONDS
        while time.monotonic() < until and not self._stop.is_set():
            event = self._next_event(until - time.monotonic())
            if isinstance(event, Taken | Refused) and event.serial == number:
                return isinstance(event, Taken)
            self._heed_core(None, event)
        return False


_UNSAFE = "it keeps who called it where nothing deletes that"
_WANTS_PIN, _REFUSED_PIN = "its SIM wants a PIN", "its SIM refused the PIN"
_STATES = {
    "its SIM is blocked": "sim-blocked",
    "its SIM is missing": "sim-missing",
    _WANTS_PIN: "sim-pin",
    _REFUSED_PIN: "pin-refused",
    _UNSAFE: "unsafe",
}
"""By what went wrong; everything else is ``away``."""
_MENDABLE = frozenset(("away", "sim-missing"))
"""What a reset may mend."""


def _unheard(_notice: Notice) -> None:
    """Notices on a port that is only asked something; the next sweep finds what they tell of."""


def _carry_out(job: _Job, driver: Driver) -> None:
    if not job.result.set_running_or_notify_cancel():
        return
    try:
        job.result.set_result(job.do(driver))
    except ModemSilentError as error:
        job.result.set_exception(error)
        raise
    except Exception as error:
        job.result.set_exception(error)


def _coarse(moment: float) -> str:
    """How long ago, in words: a minute would say who wrote."""
    if not moment:
        return "none"
    hours = time.time() // 3600 - moment // 3600
    return "this hour" if hours < 1 else "today" if hours < 24 else "earlier"


def _slug(error: TiplineError) -> str:
    """What happened, as a word the log lets through."""
    return "".join(c if c.isalnum() else "-" for c in error.what.lower())[:48]
