"""A thread that does one thing after the other, for those who must not wait for it."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable

import structlog

Task = Callable[[], None]


class Worker:
    """Started on construction. ``nice``: its priority, 0 to 19; higher is lower."""

    def __init__(self, name: str, nice: int = 0) -> None:
        self._nice = nice
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._log = structlog.get_logger()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, task: Task) -> None:
        self._tasks.put(task)

    def close(self) -> None:
        """Do what waits, and end."""
        self._tasks.put(None)
        self._thread.join()

    def _run(self) -> None:
        if self._nice:
            with contextlib.suppress(OSError):  # Linux: a thread's own priority
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._nice)
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except Exception as error:
                self._log.error("intake-task-failed", error=type(error).__name__)
