"""Every place in the program that logs, run with numbers in all that it could say."""

import ast
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

import tipline_gw
from tipline_gw.demo.search import search_octets
from tipline_gw.telemetry import log

NUMBER = "+526561234567"
ROOT = Path(tipline_gw.__file__).parent
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
VALUES = (
    NUMBER, int(NUMBER), float(NUMBER), NUMBER.encode(), bytearray(NUMBER.encode()), [NUMBER],
    {NUMBER: NUMBER}, (int(NUMBER),), ValueError(NUMBER), Path("/var/log") / NUMBER,
    f"modem-{NUMBER[1:]}", NUMBER[-10:], "-".join(NUMBER[1:]),
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """``event``: as it stands there; None where it is not a constant."""

    place: str
    level: str
    event: str | None
    keys: tuple[str, ...]
    positional: int


def sites() -> Iterator[Site]:
    for file in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _logs(node.func):
                first = node.args[0] if node.args else None
                event = first.value if isinstance(first, ast.Constant) else None
                keys = tuple(keyword.arg or "**" for keyword in node.keywords)
                place = f"{file.relative_to(ROOT)}:{node.lineno}"
                yield Site(place, node.func.attr, event, keys, len(node.args))


def _logs(func: ast.expr) -> bool:
    """``_log.info``, ``self._log.warning``, ``structlog.get_logger().error``."""
    if not isinstance(func, ast.Attribute) or func.attr not in LEVELS:
        return False
    logger = func.value
    if isinstance(logger, ast.Call):
        return isinstance(logger.func, ast.Attribute) and logger.func.attr == "get_logger"
    name = logger.attr if isinstance(logger, ast.Attribute) else getattr(logger, "id", "")
    return name in ("log", "_log", "logger")


SITES = list(sites())


@pytest.fixture
def written():
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    log.configure("debug", stream)
    yield stream
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def test_there_are_as_many_places_as_the_program_has():
    assert len(SITES) > 30
    said = sum(file.read_text("utf-8").count("_log.") for file in ROOT.rglob("*.py"))
    assert len(SITES) > said // 2


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.place)
def test_what_it_says_is_a_listed_event_with_listed_keys(site):
    assert site.event is not None, "an event is a constant"
    assert log._slug(site.event)
    assert site.positional == 1, "an argument behind the event would be formatted into it"
    assert set(site.keys) <= {*log.ALLOWED, "exc_info"}


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.place)
def test_no_number_comes_out_of_it_whatever_its_arguments_are(site, written):
    logger = structlog.get_logger()
    for value in VALUES:
        arguments = {key: value for key in site.keys if key not in ("exc_info", "**")}
        if "exc_info" in site.keys:
            arguments["exc_info"] = ValueError(value)
        getattr(logger, "error" if site.level == "exception" else site.level)(
            site.event, **arguments
        )
    lines = written.getvalue().splitlines()
    assert [json.loads(line)["event"] for line in lines] == [site.event] * len(VALUES)
    assert list(search_octets(written.getvalue().encode(), [NUMBER])) == []
