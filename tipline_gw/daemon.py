"""The composition root: makes every part, hands each what it needs, and ends them in order.

Nothing else wires anything. What the rooms know of one another are the callables given here.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import structlog

from tipline_gw import __version__
from tipline_gw.boundary.pdu import join
from tipline_gw.domain.dialog import Dialog
from tipline_gw.domain.tip import Kind
from tipline_gw.errors import StoreError
from tipline_gw.intake import retention
from tipline_gw.intake.calls import CallTip
from tipline_gw.intake.case_answers import Reader
from tipline_gw.intake.codes import CodePool
from tipline_gw.intake.desk import Desk
from tipline_gw.intake.sms import SmsIntake
from tipline_gw.ivr.dialog import dialog
from tipline_gw.modem_host import ModemHost
from tipline_gw.prompts import names
from tipline_gw.prompts.catalogue import Catalogue
from tipline_gw.sealing.recipients import load_recipients
from tipline_gw.settings import Settings
from tipline_gw.settings.numbers import Manners, manners
from tipline_gw.store import repository
from tipline_gw.store.engine import migrate, open_engine
from tipline_gw.store.writer import Writer
from tipline_gw.telemetry.health import HealthServer, sd_notify
from tipline_gw.telemetry.metrics import Metrics
from tipline_gw.voice.admission import Admission, Rules, Verdict, challenge
from tipline_gw.voice.audiosocket import AudioSocketServer
from tipline_gw.voice.call import run_call
from tipline_gw.voice.channel import Channel
from tipline_gw.voice.fastagi import FastAgiServer
from tipline_gw.voice.lobby import Reason

_log = structlog.get_logger()

HOUSEKEEPING_SECONDS = 20.0
CHECKPOINT_SECONDS = 900.0
DRAIN_SECONDS = 5.0
SWITCH_SECONDS = 0.001
"""A thread comes back from the store, or from a socket, several times for each thing it does for a
caller: where all are busy it must not wait 5 ms each time, Python's own interval."""
COLLECTED = 5000, 10, 20
"""A full search for garbage stops every thread, a quarter of a second with 480 calls: whoever is
at the tone then is not heard. So it comes once in some two thousand calls, not in two hundred."""


class Daemon:
    """Made from settings: whatever is wrong with them is raised here, before anything starts."""

    def __init__(self, config: Path, settings: Settings, log_level: str = "info") -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._checkpoint_at = 0.0
        self._clock = retention.Clock(
            lambda: _log.warning("clock-jumped", reason="nothing-is-deleted-for-an-hour")
        )
        self._to_be_rearranged = False
        self.metrics = Metrics()
        recipients = load_recipients(settings.recipients.file)
        catalogues = [
            Catalogue.load(language, settings.voice.prompts) for language in settings.line.languages
        ]
        self._engine = open_engine(settings.store.url, make=True)
        migrate(self._engine)
        self._writer = Writer(self._engine, self._committed)
        try:
            self._codes = CodePool(self._writer.do(repository.code_salt))
            self._desk = Desk(
                writer=self._writer,
                engine=self._engine,
                recipients=recipients,
                codes=self._codes,
                line=settings.line.name,
                granularity=settings.line.time_granularity,
                on_tip=self._count_tip,
                read_aloud=Reader(catalogues),
            )
            self._sms = SmsIntake(
                self._desk,
                catalogues,
                settings.sms,
                modems=[modem.name for modem in settings.modem],
                join=join,
                count=lambda what: self.metrics.asked.labels(what).inc(),
            )
            self._modems = ModemHost(
                config, log_level, settings.modem, self._sms, self.metrics.take
            )
            self._listen()
        except BaseException:
            self._writer.close()  # its thread would keep a failed start alive
            raise

    def _listen(self) -> None:
        voice = self._settings.voice
        most = {trunk.name: trunk.max_calls for trunk in self._settings.trunk if trunk.max_calls}
        self._admission = Admission(Rules(most, voice.challenge_calls))
        self._audio = AudioSocketServer(voice.audio_listen, max_calls=voice.max_calls)
        self._agi = FastAgiServer(voice.agi_listen, self._answer, max_calls=voice.max_calls)
        self._health = HealthServer(
            self._settings.metrics.listen, self.metrics, self._faults, self._hindrances
        )
        metrics = self.metrics
        metrics.gauge("calls_now", "Calls under way.", lambda: self._agi.active)
        rooms = {"agi": self._agi.turned_away, "audio": self._audio.turned_away}
        metrics.gauge_by(
            "connections_turned_away",
            "Connections of FastAGI and AudioSocket that were not served, and why.",
            ("room", "reason"),
            {
                (room, reason.value): partial(turned_away.__getitem__, reason)
                for room, turned_away in rooms.items()
                for reason in Reason
            },
        )

    # Life.

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or SIGHUP; returns when everything acknowledged is on
        disk. What cannot start is ended as well: a thread of it would keep the process alive,
        which serves nobody and heeds no signal any more."""
        ends = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else it is nohup's
            ends.append(signal.SIGHUP)
        for number in ends:
            signal.signal(number, lambda *_: self._stop.set())
        try:
            self.start()
            _let_no_thread_wait()
            while not self._stop.wait(HOUSEKEEPING_SECONDS):
                self._keep_house()
        finally:
            self.close()

    def _keep_house(self) -> None:
        """What was deleted leaves the write-ahead log; systemd is told that all is well."""
        self._modems.keep_house()
        if time.monotonic() >= self._checkpoint_at:
            self._checkpoint_at = time.monotonic() + CHECKPOINT_SECONDS
            with contextlib.suppress(StoreError):
                self._forget_the_old()
                repository.checkpoint(self._engine)
        if not self._faults():
            sd_notify("WATCHDOG=1")

    def _forget_the_old(self) -> None:
        kept, granularity = (
            self._settings.store.retention_days,
            self._settings.line.time_granularity,
        )
        hours = retention.limit(kept, granularity)
        steady = self._clock.steady()
        deleted = self._writer.do(partial(repository.purge, hours=hours)) if steady else 0
        if deleted:
            _log.info("old-tips-deleted", count=deleted)
            self._to_be_rearranged = True
        if self._to_be_rearranged:
            # Raises while somebody else uses the store: then the next time.
            done = repository.rearrange(self._engine)
            self._to_be_rearranged = False
            if not done:
                file = self._engine.dialect.name == "sqlite"
                advice = "run-tips-purge" if file else "run-vacuum-full"
                _log.warning("deleted-tips-not-overwritten", reason=advice)

    def start(self) -> None:
        self._audio.serve_forever()
        self._agi.serve_forever()
        self._modems.start()
        self._health.start()
        _log.info("ready", version=f"v{__version__}", count=len(self._settings.modem))
        sd_notify("READY=1")

    def close(self) -> None:
        """From the outside in: no new calls, calls end, modems end, the store last."""
        sd_notify("STOPPING=1")
        _log.info("stopping")
        self._agi.close(DRAIN_SECONDS)
        self._audio.close()
        self._modems.close()
        self._sms.close()
        self._codes.close()
        self._writer.close()
        self._health.close()
        with contextlib.suppress(StoreError):
            repository.rearrange(self._engine)
        self._engine.dispose()
        _log.info("stopped")

    # The way of a call.

    def _answer(self, channel: Channel, environment: Mapping[str, str]) -> None:
        trunk = environment.get("agi_arg_1", "")
        told = manners(self._settings, environment.get("agi_arg_2"))
        with self._admission.call(trunk) as verdict:
            if verdict is Verdict.REFUSE:
                self.metrics.calls_refused.labels(trunk).inc()
            else:
                self._converse(channel, self._dialog(verdict, told), told.languages[0])

    def _dialog(self, verdict: Verdict, told: Manners) -> Dialog:
        key = None
        if verdict is Verdict.CHALLENGE:
            self.metrics.calls_challenged.inc()
            key = challenge()
        return dialog(
            told.languages,
            greeting=told.greeting or names.WELCOME,
            disguise=self._settings.voice.disguise,
            challenge=key,
            offered=self._settings.line.languages,
        )

    def _converse(self, channel: Channel, conversation: Dialog, language: str) -> None:
        voice = self._settings.voice
        end = run_call(
            channel,
            conversation,
            lambda: CallTip(self._desk, language, voice.max_recording_seconds),
            self._desk.news_of,
            self._audio,
            voice.max_recording_seconds,
            on_event=lambda what: self.metrics.call_events.labels(what).inc(),
        )
        self.metrics.calls.labels(end.value).inc()

    # What is told of it.

    def _count_tip(self, kind: Kind) -> None:
        self.metrics.tip(kind)

    def _committed(self, seconds: float, jobs: int) -> None:
        self.metrics.commit_seconds.observe(seconds)
        self.metrics.commit_jobs.inc(jobs)

    def _faults(self) -> list[str]:
        """What a restart would mend."""
        faults = [] if self._writer.alive else ["the store's writer is dead"]
        if not (self._agi.alive and self._audio.alive):
            faults.append("no call is let in")
        return faults + self._modems.faults()

    def _hindrances(self) -> list[str]:
        """What keeps tips from being taken now. One modem away does not: the others go on."""
        hindrances = self._faults()
        if self._writer.fault:
            hindrances.append(self._writer.fault)
        away = self._modems.away()
        if away and len(away) == len(self._settings.modem):
            hindrances.append("no modem answers: " + ", ".join(away))
        return hindrances


def _let_no_thread_wait() -> None:
    """What stands after the start is never searched for garbage."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED)
