"""Logs as JSON lines on stdout, by allow-list.

Why an allow-list: a redacting filter finds the numbers it knows how to find. Here a key that is
not listed does not come out, a listed one comes out only in its listed shape, and the messages
of libraries come out as a constant. Exceptions come out as the names of their types and the
places they passed, never with their arguments or any local variable.

Refuses: to log the arrival of a single tip above debug level, because a line's time stamp beside
the telephone company's records would tell who sent it. Count tips in the metrics instead.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, TextIO

import structlog

EventDict = structlog.typing.EventDict

_SLUG = re.compile(r"[a-z][a-z0-9_/+-]{0,47}")
_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,79}")
_PLACE = r"[A-Za-z_?][\w.]*:\d{1,5}"
_DIGIT_RUN = re.compile(r"\d{5}")
_LARGEST = 1_000_000
_OURS = "tipline_gw"
_LINES = 4096
"""That wait to be written."""
_FLUSH_SECONDS = 2.0


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and abs(value) < _LARGEST


def _slug(value: Any) -> bool:
    return isinstance(value, str) and bool(_SLUG.fullmatch(value)) and not _DIGIT_RUN.search(value)


def _type_name(value: Any) -> bool:
    return isinstance(value, str) and bool(_TYPE.fullmatch(value)) and not _DIGIT_RUN.search(value)


def _listen(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[0-9a-f.:\[\]]{3,45}:\d{1,5}", value))


def _places(value: Any) -> bool:
    return isinstance(value, list) and all(re.fullmatch(_PLACE, str(place)) for place in value)


ALLOWED: dict[str, Callable[[Any], bool]] = {
    "modem": _slug,
    "profile": _slug,
    "storage": _slug,
    "slot": _number,
    "count": _number,
    "port_count": _number,
    "seconds": _number,
    "restarts": _number,
    "state": _slug,
    "reason": _slug,
    "room": _slug,
    "ended": _slug,
    "language": _slug,
    "error": _type_name,
    "library": _type_name,
    "listen": _listen,
    "places": _places,
    "version": _type_name,
}
"""The keys that come out, each with the shape its value must have."""

_KEPT = {"event", "level", "timestamp"}


def allow(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The processor that everything passes last. An event that is no slug becomes ``message``."""
    kept: EventDict = {key: event[key] for key in _KEPT if key in event}
    if not _slug(kept.get("event")):
        kept["event"] = "message"
    for key, fits in ALLOWED.items():
        if key in event and fits(event[key]):
            kept[key] = event[key]
    return kept


def name_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """``exc_info`` becomes ``error`` (a type's name) and ``places`` (module and line)."""
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    if isinstance(exc_info, tuple) and exc_info[0] is not None:
        event["error"] = exc_info[0].__name__
        event["places"] = _where(exc_info[2])
    return event


def _where(tb: TracebackType | None) -> list[str]:
    frames = traceback.walk_tb(tb)
    return [f"{f.f_globals.get('__name__', '?')}:{line}" for f, line in frames][-8:]


def foreign(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A record of the standard library's logging: its message is dropped unread."""
    record: logging.LogRecord | None = event.get("_record")
    if record is not None and not event.get("_from_structlog"):
        event["event"] = "library-message"
        event["library"] = record.name
    return event


def _uncaught(kind: type[BaseException], tb: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        structlog.get_logger().error("uncaught", error=kind.__name__, places=_where(tb))


def _ours_or_grave(record: logging.LogRecord) -> bool:
    """Above debug level, libraries are heard from warnings on: what they say is not told anyway."""
    return record.name == _OURS or record.levelno >= logging.WARNING


def _install_hooks() -> None:
    """Python prints uncaught exceptions with their arguments: not here."""
    sys.excepthook = lambda kind, _value, tb: _uncaught(kind, tb)
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_traceback)
    sys.unraisablehook = lambda args: _uncaught(args.exc_type, args.exc_traceback)
    logging.raiseExceptions = False
    logging.captureWarnings(True)


def _no_args(_logger: Any, _method: str, event: EventDict) -> EventDict:
    event.pop("positional_args", None)
    return event


class _Aside(logging.Handler):
    """Writes to a descriptor in a thread of its own. Whoever logs does not wait: should nobody
    read what the daemon prints, callers are heard all the same, and it can be ended. What finds
    too many lines waiting is dropped."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: queue.Queue[bytes] = queue.Queue(_LINES)
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(f"{self.format(record)}\n".encode())

    def flush(self) -> None:
        """At the end of the process: until all is written, if it can be."""
        end = time.monotonic() + _FLUSH_SECONDS
        while self._lines.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.005)

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            with contextlib.suppress(OSError):  # nobody reads any more, or the disk is full
                while line:
                    line = line[os.write(self._descriptor, line) :]
            self._lines.task_done()


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Set up structlog and take over the standard library's logging, for the whole process."""
    numeric = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _no_args,
    ]
    handler = logging.StreamHandler(stream) if stream else _Aside(sys.stdout.fileno())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                foreign,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                name_exception,
                allow,
                structlog.processors.JSONRenderer(sort_keys=False),
            ],
        )
    )
    if numeric > logging.DEBUG:
        handler.addFilter(_ours_or_grave)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(numeric)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=_ours,
        cache_logger_on_first_use=False,
    )
    _install_hooks()


def _ours(*_args: Any) -> logging.Logger:
    return logging.getLogger(_OURS)
