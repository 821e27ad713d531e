"""The phone inside the virtual modem: what it remembers, where a message goes, what it announces.

Why it exists: routing by +CNMI, the full SIM, the unanswered +CNMA are what a gateway has to live
with, whatever the wire looks like. No I/O and no clock of its own. Part of the outside world
(see :mod:`tipline_gw.demo.virtual_modem`): the numbers of callers and senders pass through it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tipline_gw.demo import tpdu
from tipline_gw.demo.at_command import (
    CMS_INVALID_INDEX,
    CMS_NO_CNMA,
    CMS_NO_SIM,
    CMS_SIM_PIN,
    CMS_SIM_PUK,
    NO_SIM,
    SIM_PIN,
    SIM_PUK,
    CommandError,
)
from tipline_gw.demo.virtual_dialect import Dialect
from tipline_gw.demo.virtual_modes import Identity, Modes
from tipline_gw.demo.virtual_network import SERVICE_CENTRE, Network
from tipline_gw.demo.virtual_sim import Lock, Message, Sim, Storage
from tipline_gw.errors import PduError

MAX_NOTICES = 100
"""What waits to be announced; beyond it the network keeps its messages."""

REGISTERS: dict[str, tuple[tuple[int, int, int], ...]] = {
    # Each parameter: lowest, highest, what it is after a reset (3GPP TS 27.005 and 27.007).
    "+CMEE": ((0, 2, 0),),
    "+CMGF": ((0, 1, 0),),
    "+CNMI": ((0, 2, 0), (0, 3, 0), (0, 3, 0), (0, 2, 0), (0, 1, 0)),
    "+CREG": ((0, 2, 0),),
    "+CGREG": ((0, 2, 0),),
    "+CEREG": ((0, 2, 0),),
    "+CLIP": ((0, 1, 0),),
    "+CRC": ((0, 1, 0),),
    "+CVHU": ((0, 2, 0),),
    "+CSDH": ((0, 1, 0),),
    "+CSMP": ((0, 255, 17), (0, 255, 167), (0, 255, 0), (0, 255, 0)),
    "+CMMS": ((0, 2, 0),),
    "+CCWA": ((0, 1, 0),),
    "+COLP": ((0, 1, 0),),
    "+CSMS": ((0, 1, 0),),
    "+CUSD": ((0, 2, 0),),
    "E": ((0, 1, 1),),
    "V": ((0, 1, 1),),
    "Q": ((0, 1, 0),),
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """The modem waits for a message body; ``take`` gets it and returns the answer's lines."""

    take: Callable[[bytes], list[str]]


@dataclass(slots=True)
class Call:
    number: str
    rings: int
    interval: float
    next_ring: float
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """A direct delivery that waits for +CNMA."""

    pdu: bytes
    is_report: bool
    deadline: float


@dataclass(slots=True)
class Counts:
    commands: int = 0
    taken: int = 0
    """Messages that the modem took from the network."""
    deleted: int = 0
    acknowledged: int = 0
    unacknowledged: int = 0
    notices: int = 0
    notices_lost: int = 0
    octets_in: int = 0
    octets_out: int = 0
    """What crossed the wire, towards the modem and back."""


@dataclass(slots=True)
class Device:
    sim: Sim
    network: Network
    modes: Modes
    identity: Identity
    clock: Callable[[], float]
    dialect: Dialect = field(default_factory=Dialect)
    registers: dict[str, list[int]] = field(default_factory=dict)
    memories: list[str] = field(default_factory=list)
    """mem1 (read, delete), mem2 (write), mem3 (receive)."""
    charset: str = "GSM"
    service_centre: str = SERVICE_CENTRE
    functional: int = 1
    operator_format: int = 0
    notices: deque[tuple[str, ...]] = field(default_factory=deque)
    prompt: Prompt | None = None
    call: Call | None = None
    missed: list[str] = field(default_factory=list)
    phonebook: str = "SM"
    waiting_ack: Unacknowledged | None = None
    restart_seconds: float | None = None
    """It was told to restart: the port is to vanish for so long."""
    boot_lines: list[str] = field(default_factory=list)
    """What it says when it is first spoken to after power-on."""
    counts: Counts = field(default_factory=Counts)
    _purged: list[str] = field(default_factory=list)
    _next_chatter: float = 0.0
    _chatter: int = 0

    def __post_init__(self) -> None:
        self.power_on()

    # -- resets ----------------------------------------------------------------------------------

    def power_on(self) -> None:
        """As after an unplug: what the SIM holds stays, everything else is forgotten."""
        self.sim.power_on()
        self.memories = [next(iter(self.sim.storages))] * 3
        self.functional = 1
        self.notices.clear()
        self.call = None
        self.restart_seconds = None
        self.boot_lines = [self.told(line) for line in self.dialect.urc.boot]
        self._give_back()
        self.reset()

    def reset(self) -> None:
        """ATZ: the stored profile. Memories and the service centre outlive it."""
        self.registers = {name: [p[2] for p in spec] for name, spec in REGISTERS.items()}
        self.registers["E"] = [int(self.modes.echo)]
        self.registers["+CMEE"] = [self.dialect.at.cmee]
        self.registers["+CNMI"] = [values[0] for values in self.dialect.sms.indications]
        self.charset = "GSM"
        self.prompt = None

    def _give_back(self) -> None:
        """A delivery that was never acknowledged goes back to the head of the queue."""
        if held := self.waiting_ack:
            self.waiting_ack = None
            if held.is_report:
                self.network.reports.appendleft((0.0, held.pdu))
            else:
                self.network.waiting.appendleft(held.pdu)

    def told(self, line: str) -> str:
        """A line of the dialect with the identity put in."""
        for name in ("imei", "revision", "model", "manufacturer"):
            line = line.replace(f"{{{name}}}", str(getattr(self.identity, name)))
        return line

    # -- state asked by commands -------------------------------------------------------------------

    def register(self, name: str) -> int:
        return self.registers[name][0]

    @property
    def on_air(self) -> bool:
        registered = self.modes.registration in (1, 5)
        usable = self.sim.lock is Lock.READY and not self.modes.sim_missing
        return registered and self.functional == 1 and usable

    def need_sim(self, *, messages: bool = False) -> None:
        if self.modes.sim_missing:
            raise CommandError("CMS", CMS_NO_SIM) if messages else CommandError("CME", NO_SIM)
        if self.sim.lock is Lock.PIN:
            raise CommandError("CMS", CMS_SIM_PIN) if messages else CommandError("CME", SIM_PIN)
        if self.sim.lock is Lock.PUK:
            raise CommandError("CMS", CMS_SIM_PUK) if messages else CommandError("CME", SIM_PUK)

    def storage(self, which: int) -> Storage:
        """0: mem1, 1: mem2, 2: mem3."""
        return self.sim.storages[self.memories[which]]

    def stored(self, index: int | None) -> Message:
        message = self.storage(0).get(index) if index is not None else None
        if message is None:
            raise CommandError("CMS", CMS_INVALID_INDEX)
        return message

    # -- from the network ------------------------------------------------------------------------

    def deliver(self) -> None:
        """Take from the network what can be taken now. Call after every change."""
        if not self.on_air or self.modes.hang:
            return
        while self.network.waiting and self._take(self.network.waiting[0]):
            self.network.waiting.popleft()
        reports, now = self.network.reports, self.clock()
        while reports and reports[0][0] <= now and self._take_report(reports[0][1]):
            reports.popleft()

    def _take(self, pdu: bytes) -> bool:
        if len(self.notices) >= MAX_NOTICES or self.waiting_ack:
            return False
        target = self.registers["+CNMI"][1]
        sms_class = tpdu.class_of(pdu)
        if sms_class != 2 and (target == 2 or (target == 3 and sms_class == 3)):
            return self._hand_over(pdu, is_report=False)
        memory = "SM" if sms_class == 2 and "SM" in self.sim.storages else self.memories[2]
        return self._store(pdu, memory, "+CMTI" if target else "")

    def _take_report(self, pdu: bytes) -> bool:
        if len(self.notices) >= MAX_NOTICES or self.waiting_ack:
            return False
        target = self.registers["+CNMI"][3]
        if target == 1:
            return self._hand_over(pdu, is_report=True)
        memory = "SR" if "SR" in self.sim.storages else self.memories[2]
        return self._store(pdu, memory, "+CDSI" if target else "")

    def _store(self, pdu: bytes, memory: str, notice: str) -> bool:
        storage = self.sim.storages[memory]
        if storage.full:
            return False
        index = storage.put(Message(pdu))
        self.counts.taken += 1
        if notice and self.modes.drop_this_notice():
            self.counts.notices_lost += 1
        elif notice:
            self.announce(f'{notice}: "{memory}",{index}')
        return True

    def _hand_over(self, pdu: bytes, *, is_report: bool) -> bool:
        """+CMT or +CDS (TS 27.005 §3.4.1); with +CSMS: 1 it then waits for +CNMA."""
        self.announce(*self._direct_lines(pdu, is_report=is_report))
        self.counts.taken += 1
        if self.register("+CSMS") == 1:
            deadline = self.clock() + self.modes.cnma_seconds
            self.waiting_ack = Unacknowledged(pdu, is_report, deadline)
        return True

    def _direct_lines(self, pdu: bytes, *, is_report: bool) -> tuple[str, ...]:
        """+CMT or +CDS and its second line; what text mode cannot show comes as a PDU."""
        length, shown_pdu = self.shown_pdu(pdu)
        header = "+CDS: {length}" if is_report else self.dialect.sms.direct_header
        as_pdu = (header.format(length=length), shown_pdu)
        if is_report or not self.text_mode:
            return as_pdu
        try:
            message = tpdu.read_deliver(tpdu.split_service_centre(pdu)[1])
        except PduError:
            return as_pdu
        return (f'+CMT: "{message.sender}",,"{message.received}"', *shown(message.body))

    def shown_pdu(self, pdu: bytes) -> tuple[int, str]:
        """Octets of the TPDU, and the hex that PDU mode shows of it."""
        length = max(len(pdu) - 1 - pdu[0], 0) if pdu else 0
        visible = pdu if self.dialect.sms.smsc else pdu[len(pdu) - length :]
        return length, visible.hex().upper()

    @property
    def text_mode(self) -> bool:
        return self.register("+CMGF") == 1

    def acknowledge(self, *, accepted: bool) -> None:
        """+CNMA: the next one may come; a refused one comes again."""
        if self.waiting_ack is None:
            raise CommandError("CMS", CMS_NO_CNMA)
        if not accepted:
            self._give_back()
        self.waiting_ack = None
        self.counts.acknowledged += 1

    # -- announcements and time --------------------------------------------------------------------

    def announce(self, *lines: str) -> None:
        if len(self.notices) < 2 * MAX_NOTICES:
            self.notices.append(lines)
            self.counts.notices += 1

    def ring(self, number: str, rings: int, interval: float) -> None:
        self.call = Call(number, rings, interval, self.clock())

    def tick(self, now: float) -> None:
        if self.waiting_ack and now >= self.waiting_ack.deadline:
            # TS 27.005 §3.4.4: no acknowledgement in time sets <mt> and <ds> to 0.
            self.registers["+CNMI"][1] = self.registers["+CNMI"][3] = 0
            if self.dialect.sms.falls_back == "csms":
                self.registers["+CSMS"] = [0]
            self.counts.unacknowledged += 1
            self._give_back()
        call = self.call
        if call and not call.answered and now >= call.next_ring:
            self._ring_once(call, now)
        if self._chats and now >= self._next_chatter:
            self._chat(now)

    @property
    def _chats(self) -> bool:
        return bool(self.dialect.urc.every_seconds and self.dialect.urc.lines)

    def _chat(self, now: float) -> None:
        """The next of the lines that such modems say of their own accord."""
        urc = self.dialect.urc
        self._next_chatter = now + urc.every_seconds
        if not self.notices:
            self.announce(self.told(urc.lines[self._chatter % len(urc.lines)]))
            self._chatter += 1

    def _ring_once(self, call: Call, now: float) -> None:
        if call.rings == 0:
            self.hang_up()
            return
        call.rings -= 1
        call.next_ring = now + call.interval
        lines = ["+CRING: VOICE" if self.register("+CRC") else "RING"]
        if self.register("+CLIP"):
            kind = 145 if call.number.startswith("+") else 129
            lines.append(f'+CLIP: "{call.number}",{kind},"",,"",{0 if call.number else 2}')
        self.announce(*lines)

    def hang_up(self) -> bool:
        """The call, if any, is over; one that was never answered goes into the call list."""
        call, self.call = self.call, None
        if call and not call.answered and self.dialect.calls.kept != "no list":
            self.missed.insert(0, call.number)
        return call is not None

    def purge(self, line: str) -> None:
        """One of the dialect's lines that together, in their order, empty the list of calls."""
        wanted = self.dialect.calls.purge
        self._purged = [*self._purged, line][-len(wanted) :]
        if self._purged == wanted:
            self.missed.clear()

    def next_event(self) -> float | None:
        times = []
        if self.waiting_ack:
            times.append(self.waiting_ack.deadline)
        if self.call and not self.call.answered:
            times.append(self.call.next_ring)
        if self._chats:
            times.append(self._next_chatter)
        if self.network.reports and self.network.reports[0][0] > self.clock():
            times.append(self.network.reports[0][0])
        return min(times, default=None)


def shown(body: tpdu.Body, charset: str = "GSM") -> list[str]:
    """A message's text as text mode shows it: UCS-2 and 8-bit data as hex (TS 27.005 §3.1)."""
    if body.encoding in ("ucs2", "8bit"):
        return [body.data.hex().upper()]
    if charset == "UCS2":
        return [body.text.encode("utf-16-be").hex().upper()]
    return body.text.splitlines() or [""]
