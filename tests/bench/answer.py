"""How soon a caller hears something: fifty new calls a second, each measured from Asterisk's 200 OK
to the first RTP packet of the first prompt, both by the kernel's stamps at the caller's sockets."""

from __future__ import annotations

import numpy as np

from tests.bench import exchange
from tests.crowd import crowd
from tests.crowd.plan import TICKS, Plan

RATE = 50.0
SECONDS = 20.0
STAY = 3.0
"""A caller listens so long: 150 at once."""


def first_prompt() -> None:
    listens = [[("quiet", int(STAY * TICKS))]]
    with (
        exchange.exchange() as line,
        crowd.calling(Plan(line.sip, int(RATE * SECONDS), RATE, listens)) as callers,
    ):
        report = callers.report()
    waited = np.array([call.heard - call.answered for call in report.calls if call.heard]) * 1e3
    rang = np.array([call.answered - call.invited for call in report.calls if call.answered]) * 1e3
    print(f"answer: {len(report.calls)} calls, {RATE:.0f} new ones a second, "
          f"{len(report.calls) - len(waited)} heard nothing; 200 OK to first prompt: "
          + _told(waited) + "; INVITE to 200 OK: " + _told(rang)
          + f"; {report.pace}")  # fmt: skip


def _told(milliseconds: np.ndarray) -> str:
    half, most, all_but_one = np.percentile(milliseconds, [50, 99, 99.9])
    return f"median {half:.1f} ms, p99 {most:.1f} ms, p99.9 {all_but_one:.1f} ms"
