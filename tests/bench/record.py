"""What it costs to record: sealed as it is spoken, beside Asterisk's own recording in clear.

Both by the same calls: as many, as long, the same sound, by the same callers. Measured while all
of them speak; the two take turns, so that what else the machine does falls on both.
"""

from __future__ import annotations

import statistics
import time

from tests.bench import exchange, processes
from tests.crowd import crowd, scripts
from tests.crowd.plan import TICKS, Plan, Step

CALLERS = 100
RATE = 25.0
SECONDS = 15.0
"""Measured, of what is spoken."""
SPOKEN = SECONDS + CALLERS / RATE + 4.0
ROUNDS = 3
KEY_TICKS = 14
"""A key takes so long, with what is between it and the next."""


def sealed_and_in_clear() -> None:
    with exchange.exchange(record=True) as line:
        # As much silence in front of the same speech.
        sealed = Plan(line.sip, CALLERS, RATE, [scripts.by_hanging_up(SPOKEN)])
        clear = Plan(line.sip, CALLERS, RATE, [_in_clear()], exchange.RECORD)
        rounds = [(_measured(line, clear), _measured(line, sealed)) for _ in range(ROUNDS)]
    for own, ours in rounds:
        print(f"record: in clear {_told(own)};   sealed {_told(ours)};   "
              f"{_ratio(own, ours):.2f} times")  # fmt: skip
    ratio = statistics.median(_ratio(own, ours) for own, ours in rounds)
    print(f"record: {CALLERS} calls, sealed costs {ratio:.2f} times what Asterisk's Record() costs")


def _in_clear() -> list[Step]:
    quiet = 2 * scripts.LISTENED + 3 * KEY_TICKS + TICKS // 2
    return [("quiet", quiet), ("speak", int(SPOKEN * TICKS)), ("quiet", TICKS // 5)]


def _measured(line: exchange.Exchange, plan: Plan) -> dict[str, float]:
    """Milliseconds of processor a call and second, by process."""
    with crowd.calling(plan) as callers:
        callers.speaking()
        time.sleep(0.5)
        used = processes.spent(line.pids(callers), lambda: time.sleep(SECONDS))
        report = callers.report()
        assert all(call.spoken and call.ended == "caller" for call in report.calls)
    return {name: seconds / CALLERS / SECONDS * 1e3 for name, seconds in used.items()}


def _told(used: dict[str, float]) -> str:
    return ", ".join(f"{name} {each:.2f} ms" for name, each in used.items())


def _ratio(own: dict[str, float], ours: dict[str, float]) -> float:
    return (ours["asterisk"] + ours["core"]) / own["asterisk"]
