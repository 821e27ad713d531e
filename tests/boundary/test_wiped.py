"""Every buffer that held an address is overwritten when it is not needed any more.

``test_memory`` looks into a live process, where chance may overwrite what nobody did. Here each
place is seen to do it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from tests.boundary import pdus
from tests.boundary.scripted_modem import ScriptedModem
from tipline_gw.boundary import agi_environment, octets, pdu_rewriter, serial_line, vault
from tipline_gw.boundary.agi_environment import read_environment
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault

Wiped = Callable[[ModuleType], list[bytes]]


@pytest.fixture
def wiped(monkeypatch: pytest.MonkeyPatch) -> Wiped:
    """Begins to watch a module; what its buffers held before it overwrote them."""

    def watch(module: ModuleType) -> list[bytes]:
        seen: list[bytes] = []

        def wipe(buffer: bytearray | memoryview) -> None:
            seen.append(bytes(buffer))
            octets.wipe(buffer)

        monkeypatch.setattr(module, "wipe", wipe)
        return seen

    return watch


def field() -> bytearray:
    return bytearray.fromhex(pdus.address(pdus.NUMBER))


def test_what_a_token_is_made_of(wiped: Wiped) -> None:
    seen = wiped(vault)
    Vault(60).token(field())
    assert seen == [bytes(field())]


def test_a_line_of_an_agi_environment(wiped: Wiped) -> None:
    seen = wiped(agi_environment)
    lines = iter((f"agi_callerid: {pdus.NUMBER}\n".encode(), b"\n"))
    read_environment(lambda _limit: next(lines))
    assert seen == [f"agi_callerid: {pdus.NUMBER}".encode(), b""]


def test_a_message_that_came_and_its_sender(wiped: Wiped) -> None:
    seen = wiped(pdu_rewriter)
    message = pdus.deliver("Hola", sender=pdus.address(pdus.NUMBER))
    PduRewriter(Vault(60)).received(bytearray(message.encode()), pdus.tpdu_length(message))
    assert seen == [bytes(field()), bytes.fromhex(message)]


def test_a_message_that_goes(wiped: Wiped) -> None:
    held = Vault(60)
    token = held.remember(field(), b"one")
    reply = pdus.submit().replace(pdus.address(pdus.NUMBER), pdus.alphanumeric(token))
    seen = wiped(pdu_rewriter)
    digits, _ = PduRewriter(held).outgoing(reply.encode())
    assert seen == [bytes.fromhex(bytes(digits[:-1]).decode()), bytes(digits[:-1])]


def test_what_was_written_to_the_modem(wiped: Wiped) -> None:
    held = Vault(60)
    token = held.remember(field(), b"one")
    reply = pdus.submit().replace(pdus.address(pdus.NUMBER), pdus.alphanumeric(token))
    with ScriptedModem({}, echo=True) as modem:
        port = BoundaryPort(modem.device, held, on_notice=lambda _notice: None)
        seen = wiped(serial_line)
        port.write(b"AT+CMGS=1\r")
        port.write(reply.encode() + b"\x1a")
        while b"+CMGS: 1" not in port.read(64):
            pass
        port.close()
    assert any(pdus.swapped(pdus.NUMBER).encode() in buffer for buffer in seen)
