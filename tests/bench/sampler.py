"""Runs inside a process that is looked at: every few milliseconds, which functions its threads
are in, weighted by the processor time each thread has used since the last look.

A thread that waits weighs nothing. Writes JSON when the process ends.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

FOLDER = "TIPLINE_BENCH_PROFILE"
BEGUN = "begun"
"""A file in that folder: it looks while this is there."""
EVERY = 0.004


class Sampler(threading.Thread):
    def __init__(self, folder: Path) -> None:
        super().__init__(name="sampler", daemon=True)
        self._begun = folder / BEGUN
        self._file = folder / f"{os.getpid()}.json"
        self._used: dict[int, float] = {}
        self._own: Counter[str] = Counter()
        self._with_callees: Counter[str] = Counter()
        self._threads: Counter[str] = Counter()
        self._over = False

    def run(self) -> None:
        while not self._over:
            time.sleep(EVERY)
            counts = self._begun.exists()
            frames = sys._current_frames()
            for thread in threading.enumerate():
                if thread is not self and thread.ident in frames:
                    spent = self._spent(thread.ident)
                    if counts and spent > 0:
                        self._count(thread.name, spent, frames[thread.ident])

    def _spent(self, ident: int) -> float:
        """Processor seconds of a thread since the last look."""
        try:
            used = time.clock_gettime(time.pthread_getcpuclockid(ident))
        except OSError:  # it has just ended
            return 0.0
        before = self._used.get(ident, used)
        self._used[ident] = used
        return used - before

    def _count(self, thread: str, spent: float, frame: FrameType) -> None:
        names = list(_stack(frame))
        self._threads[thread] += spent
        self._own[names[0]] += spent
        for one in dict.fromkeys(names):
            self._with_callees[one] += spent

    def write(self) -> None:
        self._over = True
        told = {
            "command": " ".join(sys.orig_argv[1:4]),
            "threads": self._threads,
            "own": self._own,
            "with_callees": self._with_callees,
        }
        self._file.write_text(json.dumps(told))


def _stack(frame: FrameType | None) -> list[str]:
    """Innermost first."""
    names = []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        names.append(f"{path.parent.name}/{path.name}:{frame.f_code.co_qualname}")
        frame = frame.f_back
    return names


def begin() -> None:
    """Called as the interpreter starts; does nothing where nobody asked for it."""
    if folder := os.environ.get(FOLDER):
        sys.setswitchinterval(EVERY / 20)  # or it would look only when the others let it
        sampler = Sampler(Path(folder))
        atexit.register(sampler.write)
        sampler.start()
