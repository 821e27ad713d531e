"""The daemon killed with a hundred callers speaking: what each had said up to five seconds before
is in the store and opens. Told by the speech itself, which says of each 20 ms which it is."""

import time

import pytest

from tests.crowd import codes, crowd, scripts, store
from tests.crowd.plan import TICKS, Plan
from tests.system import world
from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.stage import until

CALLERS = 100
RATE = 25.0
SPEAKING = 9.0
"""Seconds that the last of them has spoken: two chunks of 4.1 s, and the first of them more."""
LOST_SECONDS = 5.0


@pytest.fixture(scope="module")
def killed(host, tmp_path_factory):
    """When it was, and what the callers had sent."""
    directory = tmp_path_factory.mktemp("killed-calls")
    with world.home(directory, {}) as home:
        home.gateway.start()
        with world.exchange(host, home.config) as exchange:
            speech = scripts.leaves_a_tip(SPEAKING + CALLERS / RATE + 20.0)
            with crowd.calling(Plan(exchange.listen, CALLERS, RATE, [speech])) as callers:
                callers.speaking()
                time.sleep(SPEAKING)
                moment = time.time()
                home.gateway.kill()
                report = callers.report()
            kept = {one.call: one for one in store.kept(home.config)}
            home.gateway.start()
            again = exchange.call("+526565383099", *world.CHOOSE_SPANISH, sip.HangUp()).result()
            assert until(lambda: home.gateway.count("calls_now") == 0, 20)
        yield moment, report, kept, again
        assert home.gateway.stop() == 0


def test_every_caller_was_speaking_and_none_was_left_on_a_dead_line(killed):
    moment, report, _, _ = killed
    assert len(report.calls) == CALLERS
    assert all(0 < call.spoke < moment - SPEAKING + 1 for call in report.calls)
    assert {call.ended for call in report.calls} == {"gateway"}


def test_what_was_said_up_to_five_seconds_before_is_there_and_opens(killed):
    moment, report, kept, _ = killed
    assert set(kept) == {call.number for call in report.calls}
    for call in report.calls:
        safe = int((moment - LOST_SECONDS - call.spoke) * TICKS)
        assert safe >= (SPEAKING - LOST_SECONDS - 1) * TICKS
        assert kept[call.number].lacks(len(kept[call.number].numbers)) == 0
        assert len(kept[call.number].numbers) >= safe, call


def test_nothing_else_is_in_it(killed):
    _, _, kept, _ = killed
    assert all(one.foreign == 0 for one in kept.values())


def test_started_again_it_takes_calls(killed):
    _, _, _, again = killed
    assert again.answered


def test_a_frame_that_is_missing_doubled_or_altered_is_noticed():
    said = [codes.decode(codes.frame(7, number)) for number in range(4)]
    silence = bytes(codes.FRAME)
    assert codes.read(b"".join([silence, *said, silence])) == codes.Kept(7, [0, 1, 2, 3], 0)
    assert codes.read(b"".join([said[0], said[2], said[3]])).lacks(4) == 1
    assert codes.read(b"".join([said[0], *said])).lacks(4) == 1
    altered = bytearray(said[1])
    altered[200] ^= 1
    assert codes.read(bytes(said[0] + altered)) == codes.Kept(7, [0], 1)
