import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw.voice.admission import Admission, Rules, Verdict, challenge, decide

TRUNKS = st.sampled_from(["gsm", "e1", ""])
COUNTS = st.dictionaries(TRUNKS, st.integers(0, 40))


@given(COUNTS, COUNTS, st.integers(0, 60), TRUNKS)
def test_a_trunk_is_refused_by_its_own_calls_alone(
    most: dict[str, int], under_way: dict[str, int], challenge_calls: int, trunk: str
) -> None:
    verdict = decide(Rules(most, challenge_calls), under_way, trunk)
    full = trunk in most and under_way.get(trunk, 0) >= most[trunk]
    assert (verdict is Verdict.REFUSE) == full
    busy = challenge_calls > 0 and sum(under_way.values()) >= challenge_calls
    assert (verdict is Verdict.CHALLENGE) == (busy and not full)


def test_a_trunk_that_is_full_keeps_nobody_out_of_another_and_opens_again() -> None:
    admission = Admission(Rules({"gsm": 1, "e1": 1}))
    with (
        admission.call("gsm") as first,
        admission.call("gsm") as second,
        admission.call("e1") as other,
    ):
        assert (first, second, other) == (Verdict.ADMIT, Verdict.REFUSE, Verdict.ADMIT)
    with admission.call("gsm") as again:
        assert again is Verdict.ADMIT


def test_a_refused_call_is_not_counted_and_a_failed_one_is_given_back() -> None:
    admission = Admission(Rules({"gsm": 1}))
    for _ in range(3):
        with pytest.raises(KeyError), admission.call("gsm") as verdict:
            assert verdict is Verdict.ADMIT
            with admission.call("gsm") as over:
                assert over is Verdict.REFUSE
            raise KeyError


def test_with_few_calls_nobody_is_asked_and_with_many_everybody_who_comes() -> None:
    admission = Admission(Rules(challenge_calls=2))
    with admission.call("a") as one, admission.call("") as two, admission.call("a") as three:
        assert (one, two, three) == (Verdict.ADMIT, Verdict.ADMIT, Verdict.CHALLENGE)
    with admission.call("a") as later:
        assert later is Verdict.ADMIT


def test_calls_at_the_same_moment_are_counted_each() -> None:
    admission = Admission(Rules({"gsm": 5}))
    verdicts: list[Verdict] = []
    started, release = threading.Barrier(21), threading.Event()

    def call() -> None:
        started.wait()
        with admission.call("gsm") as verdict:
            verdicts.append(verdict)
            release.wait(10)

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    started.wait()
    while len(verdicts) < 20:
        pass
    release.set()
    for thread in threads:
        thread.join()
    assert verdicts.count(Verdict.ADMIT) == 5


def test_the_key_to_be_pressed_is_one_of_a_telephone_and_not_always_the_same() -> None:
    drawn = {challenge() for _ in range(300)}
    assert drawn == set("123456789")
