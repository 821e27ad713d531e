import pytest

from tipline_gw.domain.sms import ReplyToken
from tipline_gw.intake.flood import PERIOD, PIECES, Flood, Sightings, Verdict
from tipline_gw.intake.manners import STOP_PERIOD, Manners

ONE, OTHER, SHORT_CODE = (
    ReplyToken("TAAAAAAAAAA"),
    ReplyToken("TBBBBBBBBBB"),
    ReplyToken("AXXXXXXXXXX"),
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def seen(clock):
    return Sightings(now=clock)


@pytest.fixture
def flood(seen):
    return Flood(seen, sender_limit=3, modem_limit=2)


@pytest.fixture
def manners(seen, clock):
    return Manners(seen, 4, now=clock)


def test_what_is_counted_is_forgotten_after_two_keys(seen, clock):
    assert [seen.add("a"), seen.add("a"), seen.add("b")] == [1, 2, 1]
    clock.now = PERIOD
    assert seen.add("a") == 3
    clock.now = 2 * PERIOD
    assert seen.count("a") == 1
    clock.now = 3 * PERIOD
    assert seen.count("a") == 0


def test_after_a_long_silence_nothing_is_known(seen, clock):
    seen.add("a")
    clock.now = 10 * PERIOD
    assert seen.count("a") == 0


def test_neither_words_nor_tokens_are_held(seen):
    seen.add("message", ONE)
    held = repr([vars(seen), seen._new, seen._old])
    assert ONE not in held
    assert "message" not in held


def test_the_key_of_a_digest_goes_with_its_counts(seen, clock):
    first = seen._new.digest(("message", ONE))
    clock.now = 2 * PERIOD
    seen.add("message", ONE)
    assert seen._new.digest(("message", ONE)) != first
    assert seen._old.digest(("message", ONE)) != first


def test_the_number_of_digests_is_bounded(clock):
    seen = Sightings(largest=10, now=clock)
    for n in range(100):
        seen.add(str(n))
    assert seen.count("5") == 1
    assert seen.count("50") == 0
    assert len(seen._new.counts) == 10


def test_the_first_over_the_limit_is_told_and_the_others_are_not_touched(flood):
    verdicts = [flood.message(ONE) for _ in range(6)]
    assert verdicts == [Verdict.TAKE] * 3 + [Verdict.TELL] + [Verdict.KEEP] * 2
    flood.told(ONE, sent=True)
    assert flood.message(ONE) is Verdict.HOLD
    assert flood.message(OTHER) is Verdict.TAKE


def test_who_was_not_told_after_all_is_told_with_the_next(flood):
    verdicts = [flood.message(ONE) for _ in range(4)]
    flood.told(ONE, sent=False)
    verdicts += [flood.message(ONE) for _ in range(2)]
    assert verdicts[3:] == [Verdict.TELL, Verdict.TELL, Verdict.KEEP]


def test_who_wrote_on_while_the_word_could_not_be_sent_is_told_with_the_next(flood, clock):
    verdicts = [flood.message(ONE) for _ in range(6)]
    clock.now = PERIOD
    flood.told(ONE, sent=False)
    assert verdicts[3:] == [Verdict.TELL, Verdict.KEEP, Verdict.KEEP]
    assert [flood.message(ONE) for _ in range(2)] == [Verdict.TELL, Verdict.KEEP]
    flood.told(ONE, sent=True)
    assert flood.message(ONE) is Verdict.HOLD


def test_after_an_hour_a_sender_is_taken_again(flood, clock):
    for _ in range(9):
        flood.message(ONE)
    clock.now = 2 * PERIOD
    assert flood.message(ONE) is Verdict.TAKE


def test_what_the_store_refused_does_not_count(flood):
    for _ in range(9):
        assert flood.message(ONE) is Verdict.TAKE
        flood.refused(ONE)


def test_pieces_are_limited_apart_so_that_the_longest_message_fits(flood):
    assert PIECES > 255
    flood.told(ONE, sent=True)
    verdicts = [flood.piece(ONE) for _ in range(PIECES + 1)]
    assert verdicts == [Verdict.TAKE] * PIECES + [Verdict.HOLD]
    assert flood.message(ONE) is Verdict.TAKE


def test_who_may_send_no_message_may_send_no_piece(flood):
    for _ in range(3):
        flood.message(ONE)
    assert flood.piece(ONE) is Verdict.TAKE
    flood.told(ONE, sent=True)
    assert flood.piece(ONE) is Verdict.HOLD


def test_a_modem_has_a_limit_of_its_own(flood):
    assert [flood.busy("gsm0") for _ in range(3)] == [False, False, True]
    assert not flood.busy("gsm1")


def test_who_cannot_be_answered_is_not(manners):
    assert manners.silence(None, "hola") == "unanswerable"
    assert manners.silence(SHORT_CODE, "hola") == "unanswerable"


def test_the_same_text_is_answered_twice(manners):
    assert [manners.silence(ONE, text) for text in ("Hola", "hola ", "HOLA")] == [
        None,
        None,
        "loop",
    ]
    assert manners.silence(ONE, "otra cosa") is None
    assert manners.silence(OTHER, "hola") is None


def test_our_own_words_are_not_answered(manners):
    manners.said(ONE, "Gracias. Folio: 1234 5678 9012.\nThanks. Code: 1234 5678 9012.")
    echo = "gracias. Folio: 1234 5678 9012. Thanks. Code: 1234 5678 9012."
    assert manners.silence(ONE, echo) == "loop"
    assert manners.silence(OTHER, echo) is None


def test_one_sender_gets_so_many_answers(manners, clock):
    said = [manners.silence(ONE, str(n)) for n in range(6)]
    assert said == [None] * 4 + ["answer-limit"] * 2
    clock.now = 2 * PERIOD
    assert manners.silence(ONE, "7") is None


def test_who_wants_no_answers_gets_none_for_half_a_day(manners, clock):
    manners.stop(ONE)
    assert manners.silence(ONE, "hola") == "stopped"
    assert manners.silence(OTHER, "hola") is None
    clock.now = STOP_PERIOD
    assert manners.silence(ONE, "hola") == "stopped"
    clock.now = 2 * STOP_PERIOD
    assert manners.silence(ONE, "hola") is None
