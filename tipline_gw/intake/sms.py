"""Takes in what the modem side offers: decides what it is, commits it, and says so.

Nothing here waits for the disk. An offer is sealed in the thread that brings it, the writer
commits it together with the others, and only then it is said to be taken; what it is answered
with is made after that. It refuses to hold a message back without saying so to its sender, to
answer machines, and to take in again what is in the store already.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import structlog

from tipline_gw.domain.bank import Answer, Cleared, Note, Offer, Refused, Said, Settled, Taken
from tipline_gw.domain.sms import ReplyToken, repliable
from tipline_gw.domain.tip import Kind, TipId
from tipline_gw.errors import StoreError, TiplineError
from tipline_gw.intake.answers import Answers
from tipline_gw.intake.codes import NICE
from tipline_gw.intake.conversation import Addition, Conversation, Heard, Help, Question, Stop, Tip
from tipline_gw.intake.desk import Desk
from tipline_gw.intake.flood import Flood, Sightings, Verdict
from tipline_gw.intake.manners import Manners
from tipline_gw.intake.places import Places
from tipline_gw.intake.texts import Join, envelope_of, for_a_program, text_of
from tipline_gw.intake.worker import Worker
from tipline_gw.prompts import names
from tipline_gw.prompts.catalogue import Catalogue
from tipline_gw.settings.schema import Sms
from tipline_gw.store import repository as repo
from tipline_gw.store.batch import Batch, TextRows

Say = Callable[[Taken | Refused | Answer], None]


@dataclass(slots=True)
class _Offered:
    """An offer under way. ``say`` leads to the modem side that made it, and to no later one;
    ``epoch`` tells whether that one is still there."""

    offer: Offer
    say: Say
    epoch: int
    text: str | None = None
    counted: bool = False
    verdict: Verdict = Verdict.TAKE

    @property
    def token(self) -> ReplyToken | None:
        return self.offer.message.sender


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a transaction holds: a tip, the pieces it replaces, how it is answered."""

    tip_id: TipId
    added: bool
    not_open: bool
    pieces: tuple[TipId, ...]


class SmsIntake:
    """``sms``: the settings; its ``reply`` "none" means none: nobody is answered, so nothing is
    held back and a question is kept like a tip. ``modems``: the configured names; what is
    remembered of others is dropped. ``join`` puts the parts of a text together. ``count`` is told
    in a word what a message was, unless it was a plain tip, or why it was not answered."""

    def __init__(
        self,
        desk: Desk,
        catalogues: Sequence[Catalogue],
        sms: Sms,
        *,
        modems: Sequence[str],
        join: Join,
        count: Callable[[str], None],
    ) -> None:
        self._desk = desk
        self._reply = sms.reply
        self._join = join
        self._count = count
        self._answers = Answers(catalogues)
        self._conversation = Conversation(catalogues)
        self._places = Places(desk.writer, desk.line, modems)
        self._batch = Batch(desk.writer, self._places.gateway)
        seen = Sightings()
        self._flood = Flood(seen, sender_limit=sms.sender_limit, modem_limit=sms.modem_limit)
        self._manners = Manners(seen, sms.answer_limit)
        self._idle = threading.Condition()
        self._in_flight = 0
        self._epoch = 0
        self._closing = False
        self._pieces: dict[int, TipId] = {}
        self._telling: dict[int, ReplyToken] = {}
        self._log = structlog.get_logger()
        self._saying = Worker("sms-saying")
        self._answering = Worker("sms-answering")
        self._looking = Worker("sms-cases", NICE)

    # The modem side.

    def begin(self) -> Settled:
        """A modem side has come, or come back: waits until all that the last one offered is on
        disk or refused. Gives what is on disk and may still lie on a modem."""
        with self._idle:
            self._epoch += 1
            self._idle.wait_for(lambda: not self._in_flight)
            self._pieces.clear()
            self._telling.clear()
        return self._places.settled()

    def take(self, offer: Offer, say: Say) -> None:
        """``say``, called from other threads, gets ``Taken`` once the offer is on disk or
        ``Refused`` if nothing of it is; then one ``Answer``, if ``Taken`` announced it."""
        if not self._enter():
            _tell(say, Refused(offer.serial))
            return
        one = _Offered(offer, say, self._epoch)
        try:
            one.text = text_of(offer.message, self._join)
            self._sort(one)
        except Exception as error:  # whatever it is, it stays on the modem and harms no other
            self._failed(one, error)

    def note(self, note: Note, say: Callable[[Taken | Refused], None]) -> None:
        """Remember a place where no message is. ``say`` gets ``Taken`` or ``Refused``."""
        places = (note.place,)

        def done(future: Future[None]) -> None:
            kept = future.exception() is None
            if kept:
                self._places.written(note.modem, places)
            self._leave()
            said = Taken(note.serial, False) if kept else Refused(note.serial)
            self._saying.put(functools.partial(_tell, say, said))

        if not self._enter():
            _tell(say, Refused(note.serial))
            return
        try:
            job = self._places.writing(note.modem, places)
            self._desk.writer.submit(job).add_done_callback(done)
        except StoreError:
            self._leave()
            self._saying.put(functools.partial(_tell, say, Refused(note.serial)))

    def cleared(self, cleared: Cleared) -> None:
        """These places are empty: nothing of them need be remembered."""
        self._places.cleared(cleared.modem, cleared.places)

    def said(self, said: Said) -> None:
        """Whether who has sent too much was told so."""
        token = self._telling.pop(said.serial, None)
        if token is not None:
            self._flood.told(token, sent=said.sent)

    def close(self) -> None:
        """Take nothing more, and end when everything that was offered is on disk or refused."""
        with self._idle:
            self._closing = True
            self._idle.wait_for(lambda: not self._in_flight)
        for worker in (self._looking, self._answering, self._saying):
            worker.close()

    def _enter(self) -> bool:
        with self._idle:
            if not self._closing:
                self._in_flight += 1
            return not self._closing

    def _leave(self) -> None:
        with self._idle:
            self._in_flight -= 1
            self._idle.notify_all()

    # What it is.

    def _sort(self, one: _Offered) -> None:
        offer = one.offer
        if self._places.hold(offer.message.modem, offer.places):
            self._end(one, "doubled")
            return
        one.verdict = self._verdict(one)
        if one.verdict is Verdict.HOLD:
            self._end(one, "flood-held")
        elif offer.piece or one.verdict is not Verdict.TAKE:
            self._store(one)
        else:
            self._heed(one)

    def _verdict(self, one: _Offered) -> Verdict:
        """Who cannot be told is not held back; nor is a message of which parts are stored."""
        if one.token is None:
            return Verdict.TAKE
        verdict = (self._flood.piece if one.offer.piece else self._flood.message)(one.token)
        one.counted = not one.offer.piece
        begun = any(n in self._pieces for n in one.offer.replaces)
        if verdict is Verdict.TAKE or (verdict is Verdict.HOLD and begun):
            return Verdict.TAKE
        if not self._tells(one.token):
            self._count("flood-untold")
            return Verdict.TAKE
        return verdict

    def _tells(self, token: ReplyToken | None) -> bool:
        return self._reply == "code" and token is not None and repliable(token)

    def _warn(self, one: _Offered) -> None:
        """Kept, and the last one if the answer goes out. It is said even to who wants no answers:
        else nobody would know."""
        if one.verdict is Verdict.TELL and one.token is not None:
            self._telling[one.offer.serial] = one.token
            self._end(one, "flood-told", self._answers.text(names.TOO_MANY), confirm=True)
        else:
            self._end(one, "flood-kept")

    def _heed(self, one: _Offered) -> None:
        """A question nobody can be told the answer to is kept like a tip."""
        heard: Heard = Tip()
        if one.text is not None and not self._manners.ours(one.token, one.text):
            heard = self._conversation.hear(one.text)
        asks = self._tells(one.token) and not one.offer.message.partial
        if isinstance(heard, Addition):
            self._looking.put(functools.partial(self._look_up, one, heard))
        elif isinstance(heard, Question) and asks:
            self._ask(one, heard)
        elif isinstance(heard, Help) and asks:
            self._end(one, "help", self._polite(one, names.HELP, heard.language))
        elif isinstance(heard, Stop) and asks:
            self._end(one, "stop", self._polite(one, names.STOPPED, heard.language))
            if one.token is not None:
                self._manners.stop(one.token)
        else:
            self._store(one, not_open=isinstance(heard, Tip) and heard.not_open)

    def _ask(self, one: _Offered, question: Question) -> None:
        if question.code is None:
            self._end(one, "asked", self._polite(one, names.STATUS_NO_CODE, question.language))
        elif not question.sure:
            self._looking.put(functools.partial(self._look_up, one, question))
        elif self._silent(one):
            self._end(one, "asked")
        else:
            self._count("asked")
            self._leave()
            self._say(one, Taken(one.offer.serial, True))
            self._looking.put(functools.partial(self._tell_state, one, question))

    # In the thread that looks cases up.

    def _tell_state(self, one: _Offered, question: Question) -> None:
        text = None
        if not self._useless(one) and question.code is not None:
            try:
                case = self._desk.case_of(question.code)
                text = self._answers.state(case, question.language)
            except Exception as error:  # whatever it is, no memory say: who asked is waiting
                self._log_unforeseen(error)
                text = self._answers.text(names.UNAVAILABLE, question.language)
        self._answer(one, text)

    def _look_up(self, one: _Offered, heard: Question | Addition) -> None:
        """Whether there is such a case decides whether it is a tip of its own."""
        if self._useless(one) or heard.code is None:
            self._refuse(one)
            return
        try:
            case = self._desk.case_of(heard.code)
            if isinstance(heard, Question) and case:
                silent = self._silent(one)
                text = None if silent else self._answers.state(case, heard.language)
                self._end(one, "asked", text)
            elif isinstance(heard, Addition) and case and case.open:
                self._store(one, added=(case.tip, heard.text))
            else:
                self._store(one, not_open=True)
        except Exception as error:
            self._failed(one, error)

    # To the store.

    def _store(
        self, one: _Offered, *, added: tuple[TipId, str] | None = None, not_open: bool = False
    ) -> None:
        """Seal and submit, all of it in one transaction. Raises StoreError."""
        offer, desk = one.offer, self._desk
        hours = desk.now()
        envelope = envelope_of(
            offer.message, one.text, desk.line, desk.received(hours), added=added
        )
        header, chunks = desk.seal_envelope(envelope)
        tip_id = TipId(repo.new_id())
        pieces = tuple(self._pieces[n] for n in offer.replaces if n in self._pieces)
        sealed_id, case = repo.new_id(), added[0] if added else None
        rows = TextRows(
            repo.tip_row(tip_id, Kind.SMS, desk.line_digest, hours, case),
            repo.sealed_row(tip_id, sealed_id, repo.Role.ENVELOPE, header, whole=True),
            repo.chunk_rows(sealed_id, 0, chunks),
            self._places.rows(offer.message.modem, offer.places),
            pieces,
        )
        if offer.piece:
            self._pieces[offer.serial] = tip_id
        stored = _Stored(tip_id, added is not None, not_open, pieces)
        self._batch.add(rows, functools.partial(self._done, one, stored))

    def _done(self, one: _Offered, stored: _Stored, error: BaseException | None) -> None:
        """In the writer's thread: committed, or not."""
        if error is not None:
            self._refuse(one)
            return
        self._places.written(one.offer.message.modem, one.offer.places)
        for number in one.offer.replaces:
            self._pieces.pop(number, None)
        if one.offer.piece:
            self._end(one, "piece")
            return
        try:
            self._desk.on_tip(Kind.SMS)
            self._give_answer(one, stored)
        except Exception as error:  # it is on disk, and must be said to be
            self._log.error("answer-failed", error=type(error).__name__)
            self._end(one, None)

    def _failed(self, one: _Offered, error: Exception) -> None:
        self._log_unforeseen(error)
        self._refuse(one)

    def _log_unforeseen(self, error: Exception) -> None:
        if not isinstance(error, TiplineError):
            self._log.error("offer-failed", error=type(error).__name__)

    def _refuse(self, one: _Offered) -> None:
        """Nothing of it is on disk."""
        if one.counted and one.token is not None:
            self._flood.refused(one.token)
            if one.verdict is Verdict.TELL:
                self._flood.told(one.token, sent=False)
        if one.offer.piece:
            self._pieces.pop(one.offer.serial, None)
        self._leave()
        self._say(one, Refused(one.offer.serial))

    # What is said.

    def _give_answer(self, one: _Offered, stored: _Stored) -> None:
        """On disk, and only so it counts for its modem: what is refused is offered many times."""
        word = "added" if stored.added else None
        if one.verdict is not Verdict.TAKE:
            self._warn(one)
        elif self._silent(one):
            self._end(one, word)
        elif stored.added:
            self._end(one, word, self._answers.text(names.ADDED))
        elif self._flood.busy(one.offer.message.modem):
            self._end(one, "answer-held", self._answers.text(names.RECEIVED))
        else:
            self._leave()
            self._say(one, Taken(one.offer.serial, True))
            self._answering.put(functools.partial(self._answer_with_code, one, stored))

    def _answer_with_code(self, one: _Offered, stored: _Stored) -> None:
        name = names.RECEIVED_CODE_NOT_OPEN if stored.not_open else names.RECEIVED_CODE
        useless = functools.partial(self._useless, one)
        self._answer(one, self._answers.with_code(self._desk, stored.tip_id, name, useless))

    def _useless(self, one: _Offered) -> bool:
        """Whether the modem side that waited for it is gone."""
        return self._closing or one.epoch != self._epoch

    def _silent(self, one: _Offered) -> bool:
        """Whether its sender is not answered, and why."""
        if self._reply == "none":
            return True
        message = one.offer.message
        token = None if for_a_program(message) else one.token
        data = message.undecodable.data.hex() if message.undecodable else None
        reason = self._manners.silence(token, one.text or data)
        if reason is not None:
            self._count(reason)
        return reason is not None

    def _polite(self, one: _Offered, name: str, language: str | None) -> str | None:
        return None if self._silent(one) else self._answers.text(name, language)

    def _end(
        self, one: _Offered, word: str | None, text: str | None = None, *, confirm: bool = False
    ) -> None:
        """Decided: taken, and answered with ``text`` if there is one."""
        if word is not None:
            self._count(word)
        self._leave()
        self._say(one, Taken(one.offer.serial, text is not None))
        if text is not None:
            self._answer(one, text, confirm=confirm)

    def _answer(self, one: _Offered, text: str | None, *, confirm: bool = False) -> None:
        if text is not None and one.token is not None:
            self._manners.said(one.token, text)
        self._say(one, Answer(one.offer.serial, text, confirm))

    def _say(self, one: _Offered, message: Taken | Refused | Answer) -> None:
        """In a thread of its own: a modem side that does not listen must not hold up the store."""
        self._saying.put(functools.partial(_tell, one.say, message))


def _tell(say: Callable[[Any], None], message: Taken | Refused | Answer) -> None:
    with contextlib.suppress(TiplineError):  # it is gone: the next one is told by begin()
        say(message)
