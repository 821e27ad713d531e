"""The memory of a live process that was given a message, answered it and forgot its sender.

The number is drawn here and reaches the other process over the serial line alone. Its memory is
read from outside, all of it, and searched.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.boundary import pdus
from tests.boundary.scripted_modem import Answer, ScriptedModem


def copies(pid: int, number: str) -> dict[str, int]:
    """How often each form of ``number`` stands in the memory of ``pid``."""
    wide = number.encode("utf-16-le")
    forms = {
        "plain": number.encode(),
        "swapped": pdus.swapped(number).encode(),
        "semi-octets": bytes.fromhex(pdus.swapped(number)),
        "utf-16": wide,
    }
    found = dict.fromkeys(forms, 0)
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            region, rights, *rest = line.split()
            if rights[:2] != "rw" or rest[-1] in ("[vvar]", "[vsyscall]"):
                continue
            start, end = (int(edge, 16) for edge in region.split("-"))
            memory.seek(start)
            raw = memory.read(end - start)
            for name, form in forms.items():
                found[name] += raw.count(form)
    return found


class Child:
    def __init__(self, device: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.boundary.memory_child", device],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def step(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        self.process.communicate(timeout=20)
        assert self.process.returncode == 0


@pytest.mark.parametrize("step", ["read", "be told"])
def test_only_the_vault_holds_the_number_and_after_the_answer_nothing_does(step: str) -> None:
    number = f"52656{secrets.randbelow(10**7):07d}"
    message = pdus.deliver("Hola", sender=pdus.address(number))
    pushed = f"\r\n+CMT: ,{pdus.tpdu_length(message)}\r\n{message}\r\n\r\nOK\r\n".encode()
    script: dict[bytes, Answer] = {b"AT+CMGR": pdus.read(message), b"AT+CSQ": pushed}
    with ScriptedModem(script, echo=True) as modem:
        child = Child(modem.device)
        token = child.step(step)
        assert token.startswith("T")
        held = copies(child.process.pid, number)
        assert held == {"plain": 0, "swapped": 0, "semi-octets": 1, "utf-16": 0}
        reply = pdus.submit().replace(pdus.address(pdus.NUMBER), pdus.alphanumeric(token))
        assert child.step(reply) == "+CMGS: 1"
        assert pdus.swapped(number).encode() in modem.messages[0]
        assert copies(child.process.pid, number) == held
        assert child.step("forget") == "0"
        assert set(copies(child.process.pid, number).values()) == {0}
        child.close()
