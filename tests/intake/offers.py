"""Offers as the modem side makes them, and what it hears of them."""

from __future__ import annotations

import itertools
import threading

from tipline_gw.boundary.pdu import join
from tipline_gw.demo.stage import until
from tipline_gw.domain.bank import Answer, Offer, Place, Refused, Said, Taken
from tipline_gw.domain.sms import (
    DIRECT,
    Concat,
    Message,
    Part,
    ReplyToken,
    Slot,
    Undecodable,
    check_of,
)
from tipline_gw.intake.desk import Desk
from tipline_gw.intake.sms import SmsIntake
from tipline_gw.prompts.catalogue import Catalogue
from tipline_gw.settings.schema import Sms
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import migrate, open_engine
from tipline_gw.store.writer import Writer

ANA, BETO = ReplyToken("TAAAAAAAAAA"), ReplyToken("TBBBBBBBBBB")
BANK = ReplyToken("AXXXXXXXXXX")
MODEMS = ("gsm0", "gsm1")

_counter = itertools.count(1)


def part(text: str, sender: ReplyToken | None = ANA, seq: int = 0, total: int = 0) -> Part:
    concat = Concat(7, total, seq) if total else None
    data = text.encode("utf-16-be", "surrogatepass")
    return Part(sender, "ucs2", text, data, concat, None, f"2026-01-0{seq + 1}T00:00:00+00:00")


def message(*parts: Part, modem: str = "gsm0", total: int = 1) -> Message:
    return Message(modem, parts[0].sender, parts, total=total)


def undecodable(error: str, sender: ReplyToken | None = ANA) -> Message:
    return Message("gsm0", sender, (), undecodable=Undecodable(sender, error, b"\0\xff"))


class ModemSide:
    """Offers, and keeps what is said to it."""

    def __init__(self, intake: SmsIntake) -> None:
        self.intake = intake
        self.salt = intake.begin().salt
        self.heard: dict[int, list[Taken | Refused | Answer]] = {}
        self._lock = threading.Lock()

    def places(self, message: Message, *slots: Slot) -> tuple[Place, ...]:
        parts = message.parts or (message.undecodable,)
        found = slots or tuple(Slot("SM", next(_counter)) for _ in parts)
        return tuple(
            Place(slot, check_of(each, self.salt)) for slot, each in zip(found, parts, strict=True)
        )

    def offer(
        self, message: Message, *slots: Slot, replaces: tuple[int, ...] = (), piece: bool = False
    ) -> int:
        number = next(_counter)
        places = self.places(message, *slots)
        self.give(Offer(number, message, places, replaces, piece))
        return number

    def give(self, offer: Offer) -> None:
        self.heard[offer.serial] = []
        self.intake.take(offer, self.listen)

    def listen(self, said: Taken | Refused | Answer) -> None:
        with self._lock:
            self.heard[said.serial].append(said)

    def text(self, words: str, sender: ReplyToken | None = ANA, modem: str = "gsm0") -> int:
        return self.offer(message(part(words, sender), modem=modem))

    def piece(self, words: str, seq: int, total: int) -> int:
        one = message(part(words, seq=seq, total=total), total=total)
        return self.offer(one, DIRECT, piece=True)

    def told(self, number: int) -> str | None:
        """The answer to offer ``number``, all of it having come in order; None for none."""
        until(lambda: self._complete(number), 30)
        first, *rest = self.heard[number]
        assert isinstance(first, Taken)
        assert len(rest) == first.answer
        return rest[0].text if rest else None

    def _complete(self, number: int) -> bool:
        heard = self.heard[number]
        return bool(heard) and (len(heard) == 2 or not getattr(heard[0], "answer", False))

    def refused(self, number: int) -> bool:
        until(lambda: self._complete(number), 30)
        return self.heard[number] == [Refused(number)]

    def sent(self, number: int, *, sent: bool = True) -> None:
        """The answer to offer ``number`` went out, or could not."""
        assert self.heard[number][-1].confirm
        self.intake.said(Said(number, sent))

    def ask(self, words: str, sender: ReplyToken | None = ANA, modem: str = "gsm0") -> str | None:
        return self.told(self.text(words, sender, modem))


class Core:
    """Store and intake on a database; ``killed`` leaves everything as it is and begins anew."""

    def __init__(self, url: str, recipients: object, codes_of: object, **limits: object) -> None:
        self.engine = open_engine(url, make=True)
        migrate(self.engine)
        self.writer = Writer(self.engine)
        self.words: list[str] = []
        self.codes = codes_of(self.writer.do(repo.code_salt))
        self.desk = Desk(self.writer, self.engine, recipients, self.codes, "Línea", "hour")
        self.sms = Sms.model_validate(limits)
        catalogues = [Catalogue.load("es"), Catalogue.load("en")]
        self.intake = SmsIntake(
            self.desk, catalogues, self.sms, modems=MODEMS, join=join, count=self.words.append
        )
        self.side = ModemSide(self.intake)

    @property
    def tips(self) -> list[repo.TipRow]:
        return repo.tips(self.engine)

    def close(self) -> None:
        self.intake.close()
        self.codes.close()
        self.writer.close()
        self.engine.dispose()
