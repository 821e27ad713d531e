"""Starts a crowd of callers in a process of its own, and hears from it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.crowd.plan import Plan, Report

ROOT = Path(__file__).parents[2]


class Crowd:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

    def speaking(self) -> None:
        """Returns when every caller of those that were answered speaks."""
        line = self._line()
        assert line == "speaking", line

    def report(self) -> Report:
        """When the last call is over."""
        line = self._line()
        while line == "speaking":
            line = self._line()
        return Report.of_json(json.loads(line))

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, "the crowd ended without a word"
        return line


@contextmanager
def calling(plan: Plan) -> Iterator[Crowd]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crowd.phones"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(plan)))
        process.stdin.close()
        yield Crowd(process)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
