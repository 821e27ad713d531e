"""One modem: what the rest of the room asks of it, carried out by its profile.

Each verb is a command or a few, whose answers are read in ``answers`` and ``ussd``; the library
that carries them is fenced off in ``fence`` and ``comms``. It never meets a number: it speaks
through the boundary's port. Every failure is a ModemError without a payload.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import queue
import re
import secrets
import threading
import time
from collections.abc import Callable

from tipline_gw.boundary.compose import submits
from tipline_gw.boundary.recorder import Recorder
from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.domain.sms import Part, ReplyToken, Slot, Undecodable
from tipline_gw.errors import ModemError
from tipline_gw.modems import answers, identify, ussd
from tipline_gw.modems.fence import CTRLZ, PROMPT, CommandError, Library
from tipline_gw.modems.identify import Identity, Reception
from tipline_gw.modems.profiles import Profile

_LIST_SECONDS = 60
_NOTHING_THERE = "+CMS ERROR: 321"
"""How some modems list an empty storage: there is no such slot (27.005 §3.2.5)."""
_SEND_SECONDS = 60
_RESET_SECONDS = 3
_LONGEST_LINE = 512
_LINE = re.compile(r"AT[\x20-\x7e]*", re.IGNORECASE)
_NEEDS_MORE = re.compile(
    r"\+CMG[SWC]\s*=(?!\?)|^AT(?:&[A-Z]\d*|[A-CE-Z]\d*|\s)*D|;\s*D", re.IGNORECASE
)
"""Commands that wait for a message body, or leave the command state."""


class Driver(Library):
    """``on_gone`` is called in the reading thread when the device goes. ``storages``: those of
    the profile that the modem has, once it is started."""

    def __init__(
        self,
        open_port: Callable[[], BoundaryPort],
        profile: Profile,
        on_gone: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(open_port, profile.serial.pause_ms / 1000, on_gone)
        self._profile = profile
        self.storages = tuple(profile.sms.storages)
        self._storage: str | None = None
        self._fixed: tuple[str, ...] = ()
        """Where messages are written and received, whichever storage is read."""
        self._direct = profile.sms.delivery == "direct"
        self._armed: tuple[tuple[str, ...], ...] = ()
        self._whole_command = threading.RLock()
        self._reference = secrets.randbelow(256)

    # -- its life ---------------------------------------------------------------------------------

    def start(self, *, has_pin: bool) -> None:
        """Open the port, unlock and initialise. Raises ModemError."""
        self.has_pin = has_pin
        self.initialise()
        with self.translated("not ready"):
            for command in self._first_commands():
                self.ask(command)
            self.storages = self._those_it_has()
        self.purge_calls()

    def _first_commands(self) -> list[str]:
        """Those that this firmware needs; it is asked for where that matters."""
        wanted = self._profile.init
        revision = ""
        if any(init.firmware for init in wanted):
            revision = " ".join(self.ask("AT+CGMR")[:-1])
        return [init.command for init in wanted if init.needed_by(revision)]

    def _those_it_has(self) -> tuple[str, ...]:
        """The first must be there: messages are received into it."""
        first, *others = self._profile.sms.storages
        self._choose_first()
        found = [first]
        for storage in others:
            with contextlib.suppress(CommandError):
                self._choose(storage)
                found.append(storage)
        self._choose(first)
        return tuple(found)

    def _choose_first(self) -> None:
        """+CPMS has three members in the standard, and two or one in modems older than it."""
        first = self._profile.sms.storages[0]
        for fixed in ((first, first), (first,)):
            self._fixed = fixed
            with contextlib.suppress(CommandError):
                self._choose(first)
                return
        self._fixed = ()
        self._choose(first)

    def stop(self) -> None:
        """Close the port, whatever state it is in."""
        self.stop_reading()

    @property
    def lives(self) -> bool:
        """The receive thread itself, not the library's flag."""
        return bool(self.alive) and self.rxThread is not None and self.rxThread.is_alive()

    def record(self, recorder: Recorder | None) -> None:
        """Have the port write the dialogue down, scrubbed; None ends it."""
        if self.serial is not None:
            self.serial.recorder = recorder

    def ping(self) -> None:
        with self.translated("not ready"):
            self.ask("AT")

    def soft_reset(self) -> bool:
        """Restart its software; False where the profile knows no way. Begin anew after it."""
        return self._reset(self._profile.reset.soft)

    def power_cycle(self) -> bool:
        """Restart its hardware; False where the profile knows no way. Begin anew after it."""
        return self._reset(self._profile.reset.power)

    def _reset(self, command: str | None) -> bool:
        if command is None:
            return False
        # It may go before it has answered.
        with contextlib.suppress(ModemError), self.translated("not reset"):
            self.ask(command, _RESET_SECONDS)
        return True

    # -- what it is and how it fares --------------------------------------------------------------

    def identity(self) -> Identity:
        with self.translated("not identified"):
            return identify.asked(self.ask)

    def imei_tag(self) -> str:
        """Four hex digits that tell modems of one kind apart, and no more; empty without IMEI."""
        with self.translated("not identified"):
            imei = answers.imei(self.ask("AT+CGSN"))
        return hashlib.blake2s(imei.encode(), digest_size=2).hexdigest() if imei else ""

    def reception(self) -> Reception:
        """3GPP TS 27.007 §7.2, §7.3, §8.5. A question it does not answer leaves that unknown."""
        with self.translated("reception not told"):
            operator = answers.operator(self.ask("AT+COPS?"))
            states = (answers.registration(self.ask(f"AT{name}?")) for name in answers.REGISTRATION)
            state = answers.best_registration(states)
            return Reception(operator, state, answers.dbm(self.ask("AT+CSQ")))

    def slots(self) -> dict[str, tuple[int, int]]:
        """Slots used and slots there are, by storage."""
        fills = {}
        with self._whole_command, self.translated("storages not told"):
            for storage in reversed(self.storages):
                if fill := answers.fill(self._choose(storage)):
                    fills[storage] = fill
        return {name: fills[name] for name in self.storages if name in fills}

    def sim(self) -> str:
        """``ready``, ``pin``, ``puk``, ``missing`` or ``unknown``."""
        with self.translated("SIM not told"):
            return answers.sim(self.ask("AT+CPIN?"))

    # -- messages ---------------------------------------------------------------------------------

    def arm(self) -> None:
        """Have messages come as the profile says. A modem that refuses direct delivery, or does
        not keep to it, has them stored."""
        with self.translated("delivery not armed"):
            if self._direct and not self._armed_direct():
                self._direct = False
            if not self._direct:
                self._arm_stored()
            self._armed = self._delivery()

    def _armed_direct(self) -> bool:
        wanted = self._profile.sms.cnmi_direct
        try:
            self.write("AT+CSMS=1")
            self.write(f"AT+CNMI={wanted}")
        except CommandError:
            return False
        if self._profile.sms.refuse:
            # What an earlier session never acknowledged comes again now, not after the time-out
            # that would end direct delivery; there is an error if nothing waits.
            self.ask(self._profile.sms.refuse)
        kept = answers.delivery_target(self.ask("AT+CNMI?"))
        return kept in (None, wanted.split(",")[1])

    def _arm_stored(self) -> None:
        if self._profile.sms.csms is not None:
            self.ask(f"AT+CSMS={self._profile.sms.csms}")
        self.write(f"AT+CNMI={self._profile.sms.cnmi}")

    def armed(self) -> bool:
        """Whether messages still come as :meth:`arm` had it: a modem whose +CNMA did not come in
        time stops delivering (27.005 §3.4.4). One that cannot say so counts as armed."""
        with self.translated("delivery not told"):
            told = self._delivery()
        return all(
            now == before or not now or not before
            for now, before in zip(told, self._armed, strict=False)
        )

    def _delivery(self) -> tuple[tuple[str, ...], ...]:
        """+CNMI, and the service of +CSMS where that was set."""
        told = answers.settings(self.ask("AT+CNMI?"), "+CNMI")
        if not self._direct and self._profile.sms.csms is None:
            return (told,)
        return told, answers.settings(self.ask("AT+CSMS?"), "+CSMS")[:1]

    @property
    def direct(self) -> bool:
        """Messages are delivered directly, and wait for :meth:`acknowledge`."""
        return self._direct

    def deliver_stored(self) -> None:
        """No direct delivery any more; takes effect with :meth:`arm`."""
        self._direct = False

    def acknowledge(self, accepted: bool) -> None:
        """+CNMA (27.005 §4.7): the network need not send the message again, or should. Nothing is
        said where the profile knows no way to refuse."""
        command = self._profile.sms.acknowledge if accepted else self._profile.sms.refuse
        if command is not None:
            with self.translated("message not acknowledged"):
                self.write(command)

    def choose(self, storage: str) -> None:
        """Make ``storage`` the one that is read and deleted from. What comes is received into
        the profile's first, whichever is chosen."""
        if storage != self._storage:
            with self.translated("storage not chosen"):
                self._choose(storage)

    def _choose(self, storage: str) -> list[str]:
        self._storage = None
        names = ",".join(f'"{name}"' for name in (storage, *self._fixed))
        lines = self.write(f"AT+CPMS={names}")
        self._storage = storage
        return lines

    def listed(self, storage: str) -> list[tuple[Slot, str]]:
        """All that lies in ``storage``: slot and PDU, in hex, its address a token. Raises
        ModemError where the modem does not say for certain."""
        with self._whole_command, self.translated("messages not listed"):
            self.choose(storage)
            lines = self.ask_patiently("AT+CMGL=4", _LIST_SECONDS)
            if lines[-1] not in ("OK", _NOTHING_THERE):
                raise CommandError
        return list(answers.listed(storage, _pdus(lines)))

    def read_slot(self, slot: Slot) -> str | None:
        """The PDU in ``slot``; None if it is empty."""
        with self._whole_command, self.translated("message not read"):
            self.choose(slot.storage)
            lines = self.ask(f"AT+CMGR={slot.index}")
        for header, pdu in itertools.pairwise(_pdus(lines)):
            if header.startswith("+CMGR:"):
                return pdu
        return None

    def part(self, pdu: str) -> Part | Undecodable:
        """What a listed or read PDU says, with its sender's token and its fingerprint."""
        if self.serial is None:
            raise ModemError("its port is gone", "see whether it is plugged in")
        return self.serial.part(pdu)

    def delete_slot(self, slot: Slot) -> None:
        with self._whole_command, self.translated("message not deleted"):
            self.choose(slot.storage)
            self.write(f"AT+CMGD={slot.index}", timeout=25)

    def send(self, token: ReplyToken, text: str) -> int:
        """Send to whoever ``token`` stands for; in how many parts. Raises ModemError, and
        PduError where the text cannot be said."""
        parts = submits(token, text, self._reference)
        self._reference = (self._reference + 1) % 256
        with self._whole_command, self.translated("message not sent"):
            if len(parts) > 1:  # keep the link open for the next (27.005 §3.5.6)
                self.ask("AT+CMMS=2")
            for part in parts:
                self.write(f"AT+CMGS={part.length}", expectedResponseTermSeq=PROMPT)
                self.write(part.pdu, timeout=_SEND_SECONDS, writeTerm=CTRLZ)
        return len(parts)

    # -- calls, USSD, an engineer's commands ------------------------------------------------------

    def refuse_call(self) -> None:
        """Hang up a voice call, without asking who it is."""
        with self.translated("call not refused"):
            self.ask(self._profile.calls.refuse)

    def purge_calls(self) -> None:
        """Empty the list of those who called, where the modem keeps one that can be."""
        if self._profile.calls.list == "purgeable":
            with self.translated("calls not purged"):
                for command in self._profile.calls.purge:
                    self.ask(command)

    def ussd(self, code: str, timeout: float = 30) -> str:
        """What the network answers to ``code``, as text. Raises ModemError where it does not."""
        dialect = self._profile.ussd
        said = ussd.encoded(code, dialect.dialect)
        with self._whole_command, self.translated("code not sent"):
            self._forget_ussd()
            until = time.monotonic() + timeout
            self.write(f'AT+CUSD=1,"{said}",{dialect.dcs}', timeout=timeout)
            answer = ussd.decoded(self._ussd_answer(until), dialect.dialect)
            if answer.more:
                self.ask("AT+CUSD=2")
        return answer.text

    def _ussd_answer(self, until: float) -> str:
        self.idle()
        try:
            return self.ussd_answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise ModemError("the network gave no answer to the code", "try it again") from None

    def _forget_ussd(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self.ussd_answers.get_nowait()

    def command(self, line: str, timeout: float = 30) -> list[str]:
        """One command line of an engineer; all lines of the answer, an error result among them.

        Raises ModemError for a line that is none, that waits for a message body, or that dials.
        """
        if not _LINE.fullmatch(line) or len(line) > _LONGEST_LINE:
            raise ModemError("that is no AT command line", "AT and printable ASCII on one line")
        if _NEEDS_MORE.search(line):
            raise ModemError("that command does not end with its line", "use another")
        with self._whole_command, self.translated("not answered"):
            self._storage = None  # it may choose another
            return self.ask(line, timeout)


def _pdus(lines: list[str]) -> list[str]:
    """The lines, if they are of PDU mode: a text is not to be taken for a PDU that is broken."""
    if answers.in_text_mode(lines):
        raise ModemError("it gives messages as texts", "its modes are set again")
    return lines
