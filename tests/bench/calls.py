"""Four hundred and eighty callers at once: whether every sample each of them sent is in the store,
and what that takes of the machine."""

from __future__ import annotations

import time
from collections import Counter

from tests.bench import exchange, processes
from tests.crowd import codes, crowd, scripts, store
from tests.crowd.plan import Plan, Report
from tipline_gw.demo.stage import until

CALLERS = 480
RATE = 20.0
MEASURED = 15.0
SPOKEN = MEASURED + CALLERS / RATE + 6.0
DRAIN_SECONDS = 30.0


def four_hundred_and_eighty() -> None:
    with exchange.exchange() as line:
        before = _memory(line)
        how = [scripts.by_key(SPOKEN), scripts.by_hanging_up(SPOKEN)]
        with crowd.calling(Plan(line.sip, CALLERS, RATE, how)) as callers:
            callers.speaking()
            time.sleep(0.5)
            at_once = line.gateway.count("calls_now")
            used = processes.spent(line.pids(callers), lambda: time.sleep(MEASURED))
            during = _memory(line)
            report = callers.report()
        assert until(lambda: line.gateway.count("calls_now") == 0, DRAIN_SECONDS)
        commits = (
            line.gateway.count("commit_seconds_count"),
            line.gateway.count("commit_jobs_total"),
        )
        assert line.gateway.stop() == 0
        _tell_kept(line, report)
    print(f"calls: {at_once:.0f} at once, on two cores: "
          + ", ".join(f"{name} {each / MEASURED:.0%} of one" for name, each in used.items())
          + f"; {report.pace}")  # fmt: skip
    print("calls: resident memory a call: "
          + ", ".join(f"{name} {(during[name] - before[name]) / CALLERS:.2f} MiB "
                      f"({before[name]:.0f} idle, {during[name]:.0f} then)" for name in during)
          + f", {_spoken_then():.2f} MiB of them what was said so far")  # fmt: skip
    print(f"calls: {commits[0]:.0f} commits for {commits[1]:.0f} writes")


def _spoken_then() -> float:
    """PCM of a call that is as old as half of them are when memory is looked at, MiB."""
    return (MEASURED + CALLERS / RATE / 2) * 16000 / (1 << 20)


def _memory(line: exchange.Exchange) -> dict[str, float]:
    pids = {"core": line.gateway.pid, "asterisk": line.asterisk.pid}
    return {name: processes.proportional_mebibytes(pid) for name, pid in pids.items()}


def _tell_kept(line: exchange.Exchange, report: Report) -> None:
    sent = {call.number: call.spoken for call in report.calls}
    ends = Counter(call.ended for call in report.calls)
    found = {one.call: one for one in store.kept(line.config)}
    lacks = {call: found[call].lacks(count) if call in found else count
             for call, count in sent.items()}  # fmt: skip
    foreign = sum(one.foreign for one in found.values())
    print(f"calls: {len(report.calls)} placed, ended by {dict(ends)}; "
          f"{sum(call in found for call in sent)} kept; of {sum(sent.values())} frames sent "
          f"({sum(sent.values()) * codes.FRAME // 2} samples) {sum(lacks.values())} missing, "
          f"doubled or out of order, {foreign} altered")  # fmt: skip
