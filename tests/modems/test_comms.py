"""The transport alone, at a port that gives the lines it is told to."""

import queue
import threading

import pytest
from gsmmodem.exceptions import TimeoutException
from serial import SerialException

from tipline_gw.demo.stage import until
from tipline_gw.modems.comms import BoundaryComms


class Port:
    """``answers``: the lines given, in one piece, to what is written; an exception is raised."""

    def __init__(self):
        self.answers = []
        self.written = []
        self.closed = False
        self.heard = False
        self._lines = queue.SimpleQueue()

    def write(self, data):
        if self.closed:
            raise SerialException("closed")
        self.written.append(data)
        if self.answers:
            self._lines.put(self.answers.pop(0))

    def lines(self):
        self.heard = self._lines.empty()  # what was given before has been dealt with
        try:
            given = self._lines.get(timeout=0.05)
        except queue.Empty:
            return []
        if isinstance(given, Exception):
            raise given
        return given

    def wake(self):
        """It never waits long."""

    def say(self, *lines):
        self._lines.put(list(lines))
        assert until(lambda: self._lines.empty(), 5)
        self.heard = False
        assert until(lambda: self.heard, 5)

    def fail(self, error):
        self._lines.put(error)

    def close(self):
        self.closed = True


@pytest.fixture
def port():
    return Port()


@pytest.fixture
def comms(port):
    gone = threading.Event()
    comms = BoundaryComms("boundary", fatalErrorCallbackFunc=lambda _error: gone.set())
    comms.gone = gone
    comms.open_port = lambda: port
    comms.connect()
    yield comms
    comms.stop_reading()
    assert port.closed
    assert not comms.rxThread.is_alive()


@pytest.mark.parametrize(
    "result", ["OK", "ERROR", "+CME ERROR: 14", "+CMS ERROR: 321", "COMMAND NOT SUPPORT"]
)
def test_an_answer_ends_with_its_result_and_not_with_what_looks_like_one(port, comms, result):
    port.answers = [["OKAY", "ERRORS: 0", "OK then", result, "late"]]
    assert comms.exchange("ATI\r", 5) == ["OKAY", "ERRORS: 0", "OK then", result]
    assert port.written == [b"ATI\r"]


def test_a_prompt_ends_what_waits_for_it_and_nothing_else(port, comms):
    port.answers = [["> "], ["> ", "Acme", "OK"]]
    assert comms.exchange("AT+CMGS=20\r", 5, prompt=True) == ["> "]
    assert comms.exchange("ATI\r", 5) == ["Acme", "OK"]


def test_an_error_in_place_of_the_prompt_is_the_answer(port, comms):
    port.answers = [["+CMS ERROR: 38"]]
    assert comms.exchange("AT+CMGS=20\r", 5, prompt=True) == ["+CMS ERROR: 38"]


def test_what_comes_unasked_is_no_part_of_the_next_answer(port, comms):
    port.say("stray", "OK")
    port.answers = [[], ["Acme", "OK"]]
    with pytest.raises(TimeoutException):
        comms.exchange("AT\r", 0.3)
    assert comms.exchange("ATI\r", 5) == ["Acme", "OK"]


def test_ussd_answers_are_set_aside_wherever_they_stand(port, comms):
    answer = '+CUSD: 0,"first\r\nOK\r\nline",15'
    port.answers = [["one", answer, "two", "OK"]]
    assert comms.exchange("ATI\r", 5) == ["one", "two", "OK"]
    assert comms.ussd_answers.get(timeout=5) == answer


@pytest.mark.parametrize("form", ["AT+CUSD?", "AT+CUSD=?"])
def test_the_setting_of_ussd_is_an_answer_of_its_own(port, comms, form):
    port.answers = [["+CUSD: 1", "OK"]]
    assert comms.exchange(f"{form}\r", 5) == ["+CUSD: 1", "OK"]
    assert comms.ussd_answers.empty()


def test_ussd_answers_that_nobody_wants_do_not_pile_up(port, comms):
    port.say(*['+CUSD: 0,"again",15'] * 1000)
    port.answers = [["OK"]]
    assert comms.exchange("AT\r", 5) == ["OK"]
    assert comms.ussd_answers.qsize() == 8


@pytest.mark.parametrize("said", ['"New: TV 32" for 99.-",15', '"never ends', "(0-2)"])
def test_a_ussd_answer_takes_nothing_of_what_follows_whatever_its_quotes(port, comms, said):
    port.say(f"+CUSD: 0,{said}")
    port.answers = [["Acme", "OK"]]
    assert comms.exchange("ATI\r", 5) == ["Acme", "OK"]
    assert comms.ussd_answers.get(timeout=5) == f"+CUSD: 0,{said}"


def test_a_device_that_goes_ends_what_waits_and_is_told(port, comms):
    threading.Timer(0.2, port.fail, [SerialException("gone")]).start()
    with pytest.raises(SerialException):
        comms.exchange("AT\r", 30)
    assert comms.gone.wait(5)
    assert not comms.alive
    with pytest.raises(SerialException):
        comms.exchange("AT\r", 30)


def test_a_fault_in_reading_reaches_who_waits_for_an_answer(port, comms):
    threading.Timer(0.2, port.fail, [RuntimeError("a fault")]).start()
    with pytest.raises(RuntimeError, match="a fault"):
        comms.exchange("AT\r", 30)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_in_reading_what_comes_unasked_ends_the_thread(port, comms):
    port.fail(RuntimeError("a fault"))
    assert until(lambda: not comms.rxThread.is_alive(), 5)


def test_who_asks_one_thing_after_the_other_reads_by_itself_until_it_rests(port, comms):
    comms.keeps_reading = True
    port.answers = [["OK"], ["OK"]]
    assert comms.exchange("AT\r", 5) == ["OK"]
    port.fail(SerialException("gone"))
    assert not comms.gone.wait(0.2)
    comms.idle()
    assert comms.gone.wait(5)


def test_what_is_done_meanwhile_is_done_once_and_after_the_command_went_out(port, comms):
    done = []
    comms.meanwhile = lambda: done.append(list(port.written))
    port.answers = [["OK"], ["OK"]]
    comms.exchange("AT\r", 5)
    comms.exchange("ATI\r", 5)
    assert done == [[b"AT\r"]]


def test_without_a_port_there_is_nothing_to_say(port):
    with pytest.raises(SerialException):
        BoundaryComms("boundary").exchange("AT\r", 1)
