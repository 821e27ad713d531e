"""Where the time goes: the daemon's processes looked at from within, under load."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench import exchange, load, processes, sampler
from tests.crowd import crowd, scripts
from tests.crowd.plan import Plan
from tipline_gw.demo.stage import until

MODEMS = 4
EACH = 1000
CALLERS = 100
RATE = 25.0
SECONDS = 15.0
DRAIN_SECONDS = 30.0
SHOWN = 24
ROOT = Path(__file__).parents[2]


def where_the_time_goes() -> None:
    with tempfile.TemporaryDirectory(prefix="tipline-bench-") as folder:
        home = Path(folder)
        with (
            load.modems(home / "modems", MODEMS, "--storages", "SM=40,ME=20") as plugged,
            looked_at(home),
            load.gateway(home, plugged),
        ):
            (home / "profile" / sampler.BEGUN).touch()
            load.fill(plugged, EACH)
            rates = load.emptied_together(plugged)
            (home / "profile" / sampler.BEGUN).unlink()
        print(f"{MODEMS} modems: {sum(one.a_second for one in rates):.1f} messages a second")
        for file in sorted(home.glob("profile/*.json")):
            _tell(json.loads(file.read_text()), "message", MODEMS * EACH)


def where_the_time_of_calls_goes() -> None:
    """While all of them speak; the threads of Asterisk are not looked into."""
    spoken = SECONDS + CALLERS / RATE + 4.0
    with tempfile.TemporaryDirectory(prefix="tipline-bench-") as folder:
        home = Path(folder)
        with looked_at(home), exchange.exchange() as line:
            plan = Plan(line.sip, CALLERS, RATE, [scripts.by_hanging_up(spoken)])
            with crowd.calling(plan) as callers:
                callers.speaking()
                (home / "profile" / sampler.BEGUN).touch()
                used = processes.spent(line.pids(callers), lambda: time.sleep(SECONDS))
                (home / "profile" / sampler.BEGUN).unlink()
                callers.report()
            assert until(lambda: line.gateway.count("calls_now") == 0, DRAIN_SECONDS)
            line.gateway.stop()
        print(f"{CALLERS} calls, ms of processor a call and second: "
              + ", ".join(f"{name} {each / CALLERS / SECONDS * 1e3:.2f}"
                          for name, each in used.items()))  # fmt: skip
        for file in sorted(home.glob("profile/*.json")):
            _tell(json.loads(file.read_text()), "call and second", CALLERS * SECONDS)


@contextmanager
def looked_at(home: Path) -> Iterator[None]:
    """Every Python that is started meanwhile, by way of its ``sitecustomize``."""
    for name in ("profile", "site"):
        (home / name).mkdir()
    (home / "site" / "sitecustomize.py").write_text(
        "from tests.bench.sampler import begin\nbegin()"
    )
    before = dict(os.environ)
    os.environ["PYTHONPATH"] = f"{home / 'site'}:{ROOT}"
    os.environ[sampler.FOLDER] = str(home / "profile")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _tell(process: dict[str, Any], unit: str, units: float) -> None:
    total = sum(process["threads"].values())
    if not total:  # of those that did nothing
        return
    print(f"\n{process['command']}: {total:.2f} s of processor, "
          f"{total / units * 1e3:.2f} ms a {unit}")  # fmt: skip
    for title in ("threads", "own", "with_callees"):
        print(f"  {title.replace('_', ' ')}:")
        for name, seconds in sorted(process[title].items(), key=lambda one: -one[1])[:SHOWN]:
            print(f"    {seconds / total:6.1%}  {seconds / units * 1e3:7.3f} ms  {name}")
