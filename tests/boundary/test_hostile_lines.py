"""No line takes longer than its length: a search in a pattern holds up every thread.

Time is the thread's own, and what grows with the square of the length takes four times as long for
twice the length, however fast the machine is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from types import ModuleType

import pytest

from tipline_gw.boundary import (
    agi_environment,
    at_rules,
    at_writer,
    line_buffer,
    recorder,
    revealing,
    ussd,
)
from tipline_gw.boundary.at_reader import AtReader
from tipline_gw.boundary.line_buffer import MAX_LINE
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.boundary.vault import Vault
from tipline_gw.errors import ModemError
from tipline_gw.modems import comms
from tipline_gw.modems import ussd as decoder

HEADS = (
    "", "+CMT:", "+CMT: ,", "+CDS: \"", "+CMTI: \"SM\"", "+CMGL: 1,", "+CMGL: 1,\"", "+CMGL: 1,0,",
    "+CMGR:", "+CMGR: 0", "+CMGR: 0,", '+CMGR: "REC READ"', "+CUSD:", "+CUSD: 0,", '+CUSD: 0,"',
    '+CUSD: 0,"x"', "+CSCA:", '+CSCA: "1"', "+CMGS:", "+CME ERROR:", "OK", "+CLIP: (", "^", "AT;",
    "+CUSD=1,", "11/11/11", "AT+CLCK", "+XPIN", "+CREG:", "+CGSN:",
)  # fmt: skip
PUMPS = (
    " ", "1", "0", "A", "a", '"', ",", "?", "PIN", "1 ", "1-", "1.", "(1)", ", ", '" ', '",', "1,",
    "PB", "MGR", "S0", "12.34 ", "11/11/11 ", "1:1 ", "0591", "+C", "^LCC", ";",
)  # fmt: skip
TAILS = ("", "x", '"', '"x', "\n!")
MODULES = (agi_environment, at_rules, at_writer, line_buffer, recorder, revealing, ussd, comms)
"""With every pattern that they have; ``decoder`` too."""


def cost(work: Callable[[str], object], line: str) -> int:
    """Nanoseconds that this thread needs."""
    began = time.thread_time_ns()
    work(line)
    return time.thread_time_ns() - began


def is_linear(work: Callable[[str], object], head: str, pump: str, tail: str, size: int) -> bool:
    """Whether twice the length takes less than three times as long, or no time to speak of."""
    half, full = (head + pump * (length // len(pump)) + tail for length in (size // 2, size))
    for _ in range(5):
        took = cost(work, full)
        if took < 400_000 or took < 3 * cost(work, half):
            return True
    return False


def patterns(module: ModuleType) -> list[re.Pattern[str] | re.Pattern[bytes]]:
    """Those that stand in its tables, too."""
    values = list(vars(module).values())
    tables = [one for one in values if isinstance(one, dict)]
    values += [inner for table in tables for inner in table.values()]
    return [one for one in values if isinstance(one, re.Pattern)]


def every(pattern: re.Pattern[str] | re.Pattern[bytes]) -> Callable[[str], object]:
    """All that is done with a pattern: found at the start, as the whole, wherever it is."""

    def work(line: str) -> None:
        text = line if isinstance(pattern.pattern, str) else line.encode("ascii")
        pattern.match(text)  # type: ignore[arg-type]
        pattern.fullmatch(text)  # type: ignore[arg-type]
        list(pattern.finditer(text))  # type: ignore[arg-type]

    return work


@pytest.mark.parametrize("module", [*MODULES, decoder], ids=lambda module: module.__name__)
def test_no_pattern_takes_more_than_its_time(module: ModuleType) -> None:
    found = patterns(module)
    assert found
    # First an eighth of the length: what grows with the cube would take minutes at the whole.
    for size in (MAX_LINE // 8, MAX_LINE):
        slow = {
            (pattern.pattern, head, pump, tail)
            for pattern in found
            for head in HEADS
            for pump in PUMPS
            for tail in TAILS
            if not is_linear(every(pattern), head, pump, tail, size)
        }
        assert slow == set()


@pytest.mark.parametrize("tail", ["x", '"x'])
@pytest.mark.parametrize("pump", [" ", '"', "0591", "1.", "11/11/11 "])
@pytest.mark.parametrize(
    "head", ["+CMT:", "+CMGL: 1,", "+CMGR:", '+CUSD: 0,"', '+CMGR: "REC READ"']
)
def test_the_longest_line_goes_through_the_reader_at_once(head: str, pump: str, tail: str) -> None:
    def work(line: str) -> None:
        reader = AtReader(PduRewriter(Vault(60)))
        reader.begin(head.replace("+", "AT+", 1)[:7].encode())
        reader.feed(line.encode() + b"\r\n")

    for size in (MAX_LINE // 8, MAX_LINE - len(head + tail)):
        assert is_linear(work, head, pump, tail, size)


@pytest.mark.parametrize("head", ['+CUSD: 0,"', "+CUSD: 0,", "+CUSD: 0", '+CUSD: 0,"x"'])
@pytest.mark.parametrize("pump", [" ", '"', ",", ", ", '" ', "A", "*"])
def test_a_long_ussd_answer_is_decoded_at_once(head: str, pump: str) -> None:
    def work(line: str) -> None:
        for dialect in ("plain", "hex", "ucs2"):
            try:
                decoder.decoded(line, dialect)
            except ModemError:
                continue

    for tail in ('x"y', "", '",15x'):
        for size in (MAX_LINE // 8, 32 * MAX_LINE):
            assert is_linear(work, head, pump, tail, size)
