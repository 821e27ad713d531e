"""What crosses between the two processes: the modem side, with the devices, and the core, with
the store. No number, and nothing that both sides would have to remember alike.

An ``Offer`` is answered with ``Taken`` once it is on disk, or with ``Refused``; only then does
the modem side delete or acknowledge, and says ``Cleared``, so that the core can forget which
places it still expected to find full. After a restart of either side ``Settled`` tells the modem
side what is on disk already. Every message is plain JSON on a socket: neither side can make the
other run anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from tipline_gw.domain.sms import Message, Slot


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part lies, and :func:`tipline_gw.domain.sms.check_of` it."""

    slot: Slot
    check: bytes


@dataclass(frozen=True, slots=True)
class Offer:
    """To the core: take this in. ``serial`` is this offer's own, counted by the modem side.

    ``replaces``: earlier offers of parts of the same message, which this one makes obsolete.
    ``piece``: it is only a part whose others are awaited; it was delivered directly, or lies where
    room is needed, so it is kept as a partial tip until the whole replaces it, and not answered.
    """

    serial: int
    message: Message
    places: tuple[Place, ...]
    replaces: tuple[int, ...] = ()
    piece: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """To the core: remember ``place`` of ``modem`` over a restart, and say ``Taken``.

    For what must not be done twice: a wrong PIN, tried three times, blocks the SIM.
    """

    serial: int
    modem: str
    place: Place


@dataclass(frozen=True, slots=True)
class Cleared:
    """To the core: these places of ``modem`` are empty, or hold something else by now."""

    modem: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """To the core: the answer to offer ``serial``, which was to be confirmed, was sent or not."""

    serial: int
    sent: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """To the core, for its metrics: ``what`` happened ``count`` times, or now stands at it.

    ``what`` is a word that :mod:`tipline_gw.telemetry.metrics` knows; others are dropped.
    """

    modem: str
    what: str
    count: float = 1


@dataclass(frozen=True, slots=True)
class Pulse:
    """To the core, every few seconds: the modem side lives. ``dead``: modems whose thread ended;
    ``away``: modems that do not take messages now."""

    dead: tuple[str, ...]
    away: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """To the modem side, first of all: ``salt`` of the checks, and by modem the places whose
    contents are on disk already. What is found there is deleted, not offered."""

    salt: bytes
    places: tuple[tuple[str, tuple[Place, ...]], ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """To the modem side: offer ``serial`` is on disk. ``answer``: an ``Answer`` will follow."""

    serial: int
    answer: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """To the modem side: offer ``serial`` is not on disk, and nothing of it is. Keep it."""

    serial: int


@dataclass(frozen=True, slots=True)
class Answer:
    """To the modem side: say this to who sent offer ``serial``; ``None``: nothing after all.
    ``confirm``: have the core know by ``Said`` what became of it."""

    serial: int
    text: str | None
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """To the modem side: take nothing new in, finish what is offered, and end."""


ToCore = Offer | Note | Cleared | Said | Tally | Pulse
ToModems = Settled | Taken | Refused | Answer | Stop
