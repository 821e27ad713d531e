import pytest

from tipline_gw.domain.sms import ReplyToken
from tipline_gw.errors import BoundaryError, ModemError, ModemSilentError
from tipline_gw.modems.answering import FAILING, HOUR, LIFE, PAUSES, REST, Answering

ALICE, BOB = ReplyToken("TAAAAAAAAAA"), ReplyToken("TBBBBBBBBBB")


class Scene:
    """``fails``: errors for the next tries. ``sent``: who was told what."""

    lives = True

    def __init__(self, limit=100) -> None:
        self.now = 1000.0
        self.fails, self.sent, self.told, self.released = [], [], [], []
        self.said = []
        self.answering = Answering(
            limit,
            lambda token, fingerprints: self.released.append(token),
            self.told.append,
            lambda number, sent: self.said.append((number, sent)),
            lambda: self.now,
        )

    def send(self, token, text):
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append((token, text))
        return 1 + len(text) // 160

    def asked(self, number, token=ALICE, text="hola"):
        self.answering.expect(number, token, (b"f%d" % number,))
        self.answering.answer(number, text)

    def go(self, turns=1):
        for _ in range(turns):
            self.answering.send_one(self)


def test_an_answer_is_sent_and_its_sender_forgotten():
    scene = Scene()
    scene.answering.expect(1, ALICE, (b"f",))
    assert scene.answering.awaited(b"f")
    assert scene.answering.next_at() is None
    scene.answering.answer(1, "hola")
    assert scene.answering.next_at() <= scene.now
    scene.go()
    assert (scene.sent, scene.told, scene.released) == ([(ALICE, "hola")], ["sent"], [ALICE])
    assert scene.answering.next_at() is None
    assert not scene.answering.awaited(b"f")


def test_no_answer_after_all_lets_the_sender_go():
    scene = Scene()
    scene.asked(1, text=None)
    assert (scene.sent, scene.told, scene.released) == ([], ["none"], [ALICE])


def test_an_answer_to_nobody_is_dropped():
    scene = Scene()
    scene.answering.answer(9, "hola")
    scene.go()
    assert (scene.sent, scene.told) == ([], [])


def test_a_failure_is_tried_again_with_growing_pauses_while_another_goes_out():
    scene = Scene()
    scene.fails = [ModemError("message not sent")]
    scene.asked(1, ALICE)
    scene.asked(2, BOB)
    scene.go(3)
    assert scene.sent == [(BOB, "hola")]
    assert scene.answering.next_at() == scene.now + PAUSES[0]
    scene.now += PAUSES[0]
    scene.go()
    assert [token for token, _ in scene.sent] == [BOB, ALICE]


def test_an_answer_ends_with_its_sender_s_address():
    scene = Scene()
    scene.asked(1)
    scene.fails = [ModemError("message not sent")]
    scene.go()
    scene.now += LIFE
    scene.go()
    assert (scene.told, scene.released) == (["failed"], [ALICE])


def test_an_answer_that_is_never_made_lets_the_sender_go():
    scene = Scene()
    scene.answering.expect(1, ALICE, (b"f",))
    scene.now += LIFE
    scene.go()
    assert (scene.told, scene.released) == (["none"], [ALICE])


def test_a_modem_that_cannot_send_rests_and_keeps_its_answers():
    scene = Scene()
    scene.fails = [ModemError("message not sent")] * FAILING
    for number in range(FAILING + 1):
        scene.asked(number)
    scene.go(FAILING + 1)
    assert scene.answering.failing
    assert scene.sent == []
    assert scene.answering.next_at() == scene.now + REST
    scene.now += REST
    scene.go(FAILING + 1)
    assert len(scene.sent) == FAILING + 1
    assert not scene.answering.failing


def test_no_more_is_sent_an_hour_than_allowed_and_parts_count():
    scene = Scene(limit=3)
    scene.asked(1, text="x" * 200)
    scene.asked(2)
    scene.asked(3)
    scene.go(3)
    assert len(scene.sent) == 2
    assert (scene.answering.sent_this_hour, scene.answering.held) == (3, 1)
    assert scene.answering.next_at() == scene.now + HOUR
    scene.now += LIFE
    scene.go()
    assert scene.told == ["sent", "sent", "held-back"]


def test_who_asks_how_much_was_sent_forgets_nothing_the_modem_s_thread_looks_at():
    scene = Scene(limit=1)
    scene.asked(1)
    scene.go()
    scene.now += HOUR
    assert scene.answering.sent_this_hour == 0
    assert len(scene.answering._sent) == 1
    scene.asked(2)
    scene.go()
    assert (len(scene.sent), scene.answering.sent_this_hour) == (2, 1)


def test_what_the_boundary_refuses_is_not_tried_again():
    scene = Scene()
    scene.fails = [BoundaryError("a reply token is not known")]
    scene.asked(1)
    scene.go()
    assert scene.told == ["failed"]


def test_a_modem_that_says_nothing_ends_the_session_and_the_answer_waits():
    scene = Scene()
    scene.fails = [ModemSilentError("no answer")]
    scene.asked(1)
    with pytest.raises(ModemSilentError):
        scene.go()
    scene.now += PAUSES[0]
    scene.go()
    assert scene.sent == [(ALICE, "hola")]


def test_what_became_of_an_answer_is_said_where_it_was_to_be_confirmed():
    scene = Scene()
    scene.answering.expect(1, ALICE, (b"f",))
    scene.answering.answer(1, "hola", confirm=True)
    scene.asked(2, BOB)
    scene.fails = [ModemError("it failed")]
    scene.go()
    assert scene.said == []
    scene.now += PAUSES[0]
    scene.go(2)
    assert scene.said == [(1, True)]


def test_an_answer_that_came_to_nothing_is_said_too():
    scene = Scene()
    scene.answering.expect(1, ALICE, (b"f",))
    scene.answering.answer(1, "hola", confirm=True)
    scene.now += LIFE
    scene.go()
    assert (scene.said, scene.told) == ([(1, False)], ["held-back"])
