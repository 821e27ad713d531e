import io
import json
import logging
import os
import subprocess
import sys
import threading
import warnings

import pytest
import structlog

from tipline_gw.telemetry import log

NUMBER = "+526561234567"


@pytest.fixture
def lines():
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    log.configure("debug", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def test_listed_keys_come_out(lines):
    structlog.get_logger().info("modem-ready", modem="gsm0", count=3, listen="127.0.0.1:9477")
    (line,) = lines()
    assert line["event"] == "modem-ready"
    assert (line["modem"], line["count"], line["listen"]) == ("gsm0", 3, "127.0.0.1:9477")


@pytest.mark.parametrize("key", [*log.ALLOWED, "text", "sender", "number"])
@pytest.mark.parametrize("value", [NUMBER, int(NUMBER), NUMBER.encode(), [NUMBER], {"a": NUMBER}])
def test_no_key_lets_a_number_out(lines, key, value):
    structlog.get_logger().debug("event", **{key: value})
    assert "6561234567" not in json.dumps(lines())


@pytest.mark.parametrize("key", log.ALLOWED)
@pytest.mark.parametrize("name", ["gsm-", "Error", "v1."])
def test_no_name_with_a_number_in_it_comes_out(lines, key, name):
    structlog.get_logger().debug("event", **{key: name + NUMBER[1:]})
    assert "6561234567" not in json.dumps(lines())


def test_an_event_that_is_a_sentence_is_not_printed(lines):
    structlog.get_logger().error(f"call from {NUMBER}", f"{NUMBER}")
    structlog.get_logger().error("call from %s", NUMBER)
    assert [line["event"] for line in lines()] == ["message", "message"]


def test_exceptions_come_out_as_type_and_places(lines):
    try:
        raise ValueError(NUMBER)
    except ValueError:
        structlog.get_logger().exception("failed", modem="gsm0")
        logging.getLogger("gsmmodem.modem").exception("with %s", NUMBER)
    ours, library = lines()
    assert ours["error"] == library["error"] == "ValueError"
    assert ours["places"][0].startswith(__name__)
    assert NUMBER not in json.dumps([ours, library])


def test_libraries_say_only_that_they_spoke(lines):
    logging.getLogger("gsmmodem.serial_comms").debug("response: %s", [NUMBER])
    (line,) = lines()
    assert (line["event"], line["library"]) == ("library-message", "gsmmodem.serial_comms")
    assert NUMBER not in json.dumps(line)


def test_uncaught_exceptions_of_threads_are_named_not_told(lines, capfd):
    def fail():
        raise RuntimeError(NUMBER)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert lines()[-1]["error"] == "RuntimeError"
    assert NUMBER not in json.dumps(lines())
    assert NUMBER not in "".join(capfd.readouterr())


def test_uncaught_exceptions_of_the_main_thread_are_named_not_told(lines, capfd):
    try:
        raise KeyError(NUMBER)
    except KeyError:
        sys.excepthook(*sys.exc_info())
    assert lines()[-1]["event"] == "uncaught"
    assert NUMBER not in "".join(capfd.readouterr())


def test_warnings_are_library_messages(lines):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(NUMBER, stacklevel=1)
        logging.captureWarnings(False)
    assert all(line["event"] == "library-message" for line in lines())
    assert NUMBER not in json.dumps(lines())


UNREAD = """
import structlog
from tipline_gw.telemetry import log

log.configure("debug")
for _ in range(10000):
    structlog.get_logger().info("said")
"""


def test_who_logs_waits_for_no_reader_and_the_process_can_end():
    """Much more than a pipe holds, and than may wait."""
    reading, writing = os.pipe()
    done = subprocess.run([sys.executable, "-c", UNREAD], stdout=writing, timeout=60)
    assert done.returncode == 0
    os.close(writing)
    with os.fdopen(reading) as said:
        assert json.loads(said.readline())["event"] == "said"


def test_what_was_said_last_is_read_when_the_process_has_ended():
    said = UNREAD.replace("10000", "1000")
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, timeout=60)
    assert len(done.stdout.splitlines()) == 1000
