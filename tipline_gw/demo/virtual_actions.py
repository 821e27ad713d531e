"""What a test or the demo may ask of the outside world: the words of the control socket.

Why it exists: one place that says every request and what it answers. A request is a dictionary
with ``do``; the answer a dictionary with ``ok``. It refuses what it does not know, by a constant
sentence. Part of the outside world (see :mod:`tipline_gw.demo.virtual_modem`): ``from`` and ``to``
are numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from tipline_gw.demo import tpdu
from tipline_gw.demo.at_device import Device
from tipline_gw.errors import ModemError, PduError, TiplineError

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wait:
    """An answer that comes when ``holds`` does, or a refusal at ``deadline``."""

    holds: Callable[[], bool]
    answer: Callable[[], Answer]
    deadline: float


@dataclass(frozen=True, slots=True)
class Plug:
    """What only the process can do: the port itself."""

    vanish: Callable[[], None]
    come_back: Callable[[], None]
    stop: Callable[[], None]
    is_open: Callable[[], bool]
    transcript: Callable[[], list[str]]


class Actions:
    def __init__(self, device: Device, plug: Plug) -> None:
        self._device = device
        self._plug = plug
        self._words: dict[str, Callable[[Answer], Answer | Wait]] = {
            "receive": self._receive,
            "receive_pdu": self._receive_pdu,
            "sent": self._sent,
            "forget_sent": self._forget_sent,
            "state": self._state,
            "stored": self._stored,
            "kept": self._kept,
            "transcript": lambda _request: {"lines": plug.transcript()},
            "set": self._set,
            "wait_sent": self._wait_sent,
            "wait_empty": self._wait_empty,
            "vanish": self._only(plug.vanish),
            "return": self._only(plug.come_back),
            "stop": self._only(plug.stop),
            "ring": self._ring,
            "end_call": self._only(self._end_call),
        }

    def handle(self, request: object) -> Answer | Wait:
        """Carry out one request; whatever is wrong with it becomes ``ok: false``."""
        try:
            if not isinstance(request, dict) or request.get("do") not in self._words:
                raise ModemError("no such request to the virtual modem")
            answer = self._words[request["do"]](request)
        except TiplineError as error:
            return {"ok": False, "error": str(error)}
        except (KeyError, TypeError, ValueError, OverflowError):
            return {"ok": False, "error": "a request with a field missing or of the wrong type"}
        return answer if isinstance(answer, Wait) else {"ok": True, **answer}

    @staticmethod
    def _only(act: Callable[[], None]) -> Callable[[Answer], Answer]:
        def carry_out(_request: Answer) -> Answer:
            act()
            return {}

        return carry_out

    # -- the network -------------------------------------------------------------------------------

    def _receive(self, request: Answer) -> Answer:
        """``from``, ``text``; ``encoding``, ``class``, ``ref``, ``ref_bits``, ``shuffle``,
        ``omit`` (part numbers that never come), ``twice``, ``count`` (``{n}`` in the text
        becomes the running number)."""
        count = int(request.get("count", 1))
        pdus: list[bytes] = []
        for number in range(count):
            text = (
                str(request["text"]).replace("{n}", str(number)) if count > 1 else request["text"]
            )
            pdus += self._parts(request, str(text))
        self._device.network.queue(pdus)
        return {"parts": len(pdus)}

    def _parts(self, request: Answer, text: str) -> list[bytes]:
        network = self._device.network
        encoding, sms_class = request.get("encoding"), request.get("class")
        ref_bits = request.get("ref_bits", 8)
        if ref_bits not in (8, 16) or sms_class not in (None, 0, 1, 2, 3):
            raise ModemError("no such class, or no such width of a reference", "0 to 3; 8 or 16")
        if encoding not in (None, "gsm7", "gsm7-es", "ucs2", "8bit"):
            raise ModemError("no such encoding", "gsm7, gsm7-es, ucs2 or 8bit")
        letter = tpdu.Letter(
            sender=str(request["from"]),
            text=text,
            encoding=encoding,
            sms_class=sms_class,
            ref=int(request.get("ref", network.next_concat_reference())),
            ref_bits=ref_bits,
        )
        omitted = set(request.get("omit", ()))
        parts = network.post(letter)
        parts = [part for seq, part in enumerate(parts, 1) if seq not in omitted]
        parts *= 2 if request.get("twice") else 1
        return network.shuffled(parts) if request.get("shuffle") else parts

    def _receive_pdu(self, request: Answer) -> Answer:
        """``pdu``: hex, service centre first, taken as it is, however broken."""
        pdu = bytes.fromhex(request["pdu"])
        if not pdu or len(pdu) > 512:
            raise PduError("a PDU of no length, or of more than 512 octets")
        if tpdu.is_status_report(pdu):
            self._device.network.reports.append((0.0, pdu))
        else:
            self._device.network.queue([pdu])
        return {"parts": 1}

    def _sent(self, _request: Answer) -> Answer:
        return {"messages": [sent.to_dict() for sent in self._device.network.outbox.messages]}

    def _forget_sent(self, _request: Answer) -> Answer:
        self._device.network.outbox.clear()
        return {}

    def _wait_sent(self, request: Answer) -> Wait:
        """``count`` whole messages within ``timeout`` seconds; answers as ``sent`` does."""
        count, outbox = int(request.get("count", 1)), self._device.network.outbox
        return self._wait(request, lambda: outbox.complete >= count, lambda: self._sent(request))

    def _wait_empty(self, request: Answer) -> Wait:
        """Nothing waits in the network, nothing lies in the modem."""
        return self._wait(request, self._is_empty, lambda: self._state(request))

    def _wait(
        self, request: Answer, holds: Callable[[], bool], answer: Callable[[], Answer]
    ) -> Wait:
        deadline = self._device.clock() + float(request.get("timeout", 10))
        return Wait(holds, lambda: {"ok": True, **answer()}, deadline)

    def _is_empty(self) -> bool:
        device = self._device
        waiting = device.network.waiting or device.network.reports or device.waiting_ack
        return not waiting and not any(one.used for one in device.sim.storages.values())

    # -- the modem ---------------------------------------------------------------------------------

    def _state(self, _request: Answer) -> Answer:
        device = self._device
        storages = device.sim.storages.values()
        return {
            "storages": {one.name: {"used": one.used, "total": one.total} for one in storages},
            "memories": list(device.memories),
            "queue": len(device.network.waiting),
            "reports": len(device.network.reports),
            "sent": device.network.outbox.complete,
            "registers": {name: list(held) for name, held in device.registers.items()},
            "cnmi": list(device.registers["+CNMI"]),
            "pin": str(device.sim.lock),
            "on_air": device.on_air,
            "port_open": self._plug.is_open(),
            "waiting_ack": device.waiting_ack is not None,
            "missed_calls": len(device.missed),
            "in_call": device.call is not None,
            "counts": asdict(device.counts),
            "modes": device.modes.to_dict(),
        }

    def _stored(self, _request: Answer) -> Answer:
        """Every PDU that lies in the modem, by storage: hex, with its slot and status."""
        return {
            "storages": {
                name: [
                    {"index": index, "status": int(message.status), "pdu": message.pdu.hex()}
                    for index, message in storage.items()
                ]
                for name, storage in self._device.sim.storages.items()
            }
        }

    def _kept(self, request: Answer) -> Answer:
        """All that a laboratory would find in it: ``storages`` and the list of ``calls``."""
        return self._stored(request) | {"calls": list(self._device.missed)}

    def _set(self, request: Answer) -> Answer:
        wanted = {name: value for name, value in request.items() if name != "do"}
        self._device.modes.change(wanted)
        return {"modes": self._device.modes.to_dict()}

    def _ring(self, request: Answer) -> Answer:
        """``from`` (may be empty: withheld), ``times``, ``interval`` seconds between rings."""
        number = str(request.get("from", ""))
        self._device.ring(number, int(request.get("times", 3)), float(request.get("interval", 3)))
        return {}

    def _end_call(self) -> None:
        """The caller hangs up."""
        if self._device.call is not None:
            answered = self._device.call.answered
            self._device.hang_up()
            if answered:
                self._device.announce("NO CARRIER")
