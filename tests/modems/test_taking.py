"""The order of offering, deleting and acknowledging, with a modem and a core that are played."""

import itertools

import pytest

from tipline_gw.domain.bank import Place
from tipline_gw.domain.sms import DIRECT, Concat, Part, ReplyToken, Slot, Undecodable, check_of
from tipline_gw.errors import ModemError, ModemSilentError
from tipline_gw.modems import taking as taking_module
from tipline_gw.modems.taking import OUTSTANDING, Taking

ALICE = ReplyToken("TAAAAAAAAAA")
SALT = b"salt"


def part(text, seq=1, total=1, **fields) -> Part:
    concat = Concat(7, total, seq) if total > 1 else None
    sender = fields.pop("sender", ALICE)
    return Part(sender, "gsm7", text, text.encode(), concat, None, None, text.encode(), **fields)


class Modem:
    """Slots with parts in them; ``did``: what was asked of it, in order."""

    def __init__(self) -> None:
        self.slots = {}
        self.did = []
        self.lives = True
        self.delete_error = None
        self.acknowledge_error = None

    def part(self, pdu):
        return self.slots[int(pdu)]

    def read_slot(self, slot):
        return str(slot.index) if slot.index in self.slots else None

    def delete_slot(self, slot):
        if self.delete_error:
            raise self.delete_error
        self.did.append(("delete", slot.index))
        self.slots.pop(slot.index, None)

    def acknowledge(self, accepted):
        if self.acknowledge_error:
            raise self.acknowledge_error
        self.did.append(("acknowledge", accepted))


class Core:
    def __init__(self) -> None:
        self.offers, self.done, self.tallies = [], [], []
        self._numbers = itertools.count(1)

    def serial(self):
        return next(self._numbers)

    def offer(self, offer):
        self.offers.append(offer)

    def note(self, note):
        raise AssertionError("no PIN is tried here")

    def cleared(self, modem, places):
        self.done += [(modem, place) for place in places]

    def tally(self, modem, what, count=1):
        self.tallies.append(what)


class Scene:
    def __init__(self, settled=()) -> None:
        self.modem, self.core = Modem(), Core()
        self.expected, self.awaited, self.released = [], [], []
        self.taking = Taking(
            "gsm0",
            self.core,
            salt=SALT,
            settled=settled,
            reassembly_seconds=600,
            expect=lambda number, token, fingerprints: self.expected.append(number),
            awaited=lambda fingerprint: fingerprint in self.awaited,
            release=lambda token, fingerprints: self.released.append(fingerprints),
        )
        self.taking.reopened()

    def stored(self, index, a_part):
        self.modem.slots[index] = a_part
        return self.taking.take(self.modem, Slot("SM", index), str(index))

    def taken(self, number, *, answer=False):
        self.taking.taken(self.modem, number, answer=answer)


def place(index, a_part, storage="SM"):
    return Place(Slot(storage, index), check_of(a_part, SALT))


def test_nothing_is_deleted_before_the_core_has_it():
    scene = Scene()
    hola = part("hola")
    assert scene.stored(3, hola)
    (offer,) = scene.core.offers
    assert (offer.message.parts, offer.places, offer.piece) == ((hola,), (place(3, hola),), False)
    assert scene.modem.did == []
    scene.taken(offer.serial, answer=True)
    assert scene.modem.did == [("delete", 3)]
    assert scene.core.done == [("gsm0", place(3, hola))]
    assert (scene.expected, scene.released) == ([1], [])


def test_whoever_is_not_answered_is_forgotten_at_once():
    scene = Scene()
    scene.stored(3, part("hola"))
    scene.taken(1, answer=False)
    assert (scene.expected, scene.released) == ([], [(b"hola",)])


def test_the_next_is_offered_while_the_core_works_on_the_first():
    scene = Scene()
    scene.stored(1, part("uno"))
    scene.stored(2, part("dos"))
    assert [offer.serial for offer in scene.core.offers] == [1, 2]
    scene.taken(2)
    scene.taken(1)
    assert scene.modem.did == [("delete", 2), ("delete", 1)]


def test_what_is_listed_again_while_it_is_offered_is_left_alone():
    scene = Scene()
    scene.stored(1, part("uno"))
    assert scene.stored(1, part("uno"))
    assert len(scene.core.offers) == 1


def test_what_was_on_disk_before_a_restart_is_deleted_unoffered():
    hola = part("hola")
    scene = Scene(settled=[place(5, hola)])
    scene.stored(5, hola)
    assert scene.core.offers == []
    assert scene.modem.did == [("delete", 5)]
    assert scene.core.done == [("gsm0", place(5, hola))]


def test_another_message_in_a_slot_that_was_settled_is_taken():
    scene = Scene(settled=[place(5, part("hola"))])
    scene.stored(5, part("otro"))
    assert len(scene.core.offers) == 1
    assert scene.core.done == [("gsm0", place(5, part("hola")))]
    assert scene.modem.did == []


def test_settled_slots_that_are_empty_by_now_are_told():
    scene = Scene(settled=[place(5, part("a")), place(6, part("b")), place(7, part("c"), "ME")])
    scene.taking.swept("SM", {Slot("SM", 6)})
    assert scene.core.done == [("gsm0", place(5, part("a")))]


def test_a_refused_message_is_kept_and_offered_again(monkeypatch):
    scene = Scene()
    scene.stored(1, part("uno"))
    scene.taking.refused(1)
    assert scene.modem.did == []
    assert scene.taking.next_at() is not None
    assert scene.stored(1, part("uno")), "listed again meanwhile: known"
    assert len(scene.core.offers) == 1
    monkeypatch.setattr(taking_module.time, "monotonic", lambda: 1e12)
    scene.taking.keep_up(scene.modem)
    again = scene.core.offers[1]
    assert again.places == scene.core.offers[0].places
    scene.taken(again.serial)
    assert scene.modem.did == [("delete", 1)]


def test_a_message_delivered_directly_is_acknowledged_after_the_commit():
    scene = Scene()
    hola = part("hola")
    scene.taking.push(scene.modem, hola)
    (offer,) = scene.core.offers
    assert offer.places == (Place(DIRECT, check_of(hola, SALT)),)
    assert scene.modem.did == []
    scene.taken(offer.serial)
    assert scene.modem.did == [("acknowledge", True)]


def test_a_part_delivered_directly_is_on_disk_by_itself_until_the_whole_is():
    scene = Scene()
    for seq in (2, 1):
        scene.taking.push(scene.modem, part(f"a{seq}", seq, 3))
        piece = scene.core.offers[-1]
        assert (piece.piece, piece.message.total, piece.message.partial) == (True, 3, True)
        scene.taken(piece.serial)
    scene.taking.push(scene.modem, part("a3", 3, 3))
    whole = scene.core.offers[-1]
    assert (whole.piece, whole.replaces) == (False, (1, 2))
    assert [one.text for one in whole.message.parts] == ["a1", "a2", "a3"]
    assert [one.slot for one in whole.places] == [DIRECT]
    assert scene.released == []
    scene.taken(whole.serial, answer=True)
    assert scene.modem.did == [("acknowledge", True)] * 3
    assert scene.expected == [whole.serial]


def test_what_is_delivered_while_nobody_can_acknowledge_it_is_taken_once():
    scene, hola = Scene(), part("hola")
    for _ in range(2):
        scene.taking.overheard(hola)
    (offer,) = scene.core.offers
    assert offer.places == (place(0, hola, "direct"),)
    scene.taken(offer.serial)
    scene.taking.overheard(hola)
    assert scene.modem.did == [], "a modem that waits for a word waits for that on another one"
    scene.taking.push(scene.modem, hola)
    assert scene.modem.did == [("acknowledge", True)]
    assert scene.core.done == [("gsm0", place(0, hola, "direct"))]
    assert len(scene.core.offers) == 1


@pytest.mark.parametrize("settled", [True, False])
def test_of_what_is_overheard_only_new_tips_are_taken(settled):
    hola = part("hola")
    scene = Scene(settled=[place(0, hola, "direct")] if settled else ())
    for other in (Undecodable(ALICE, "truncated", b""), part("nada", kind="silent")):
        scene.taking.overheard(other)
    scene.taking.overheard(hola)
    assert len(scene.core.offers) == (not settled)


def test_a_direct_delivery_that_cannot_be_taken_is_refused_when_its_time_is_up(monkeypatch):
    scene = Scene()
    scene.taking.push(scene.modem, part("hola"))
    scene.taking.refused(1)
    monkeypatch.setattr(taking_module.time, "monotonic", lambda: 1e12)
    scene.taking.keep_up(scene.modem)
    assert scene.modem.did == [("acknowledge", False)]
    scene.taking.push(scene.modem, part("hola"))
    assert len(scene.core.offers) == 2, "the network sent it again while it is being offered"
    scene.taken(2)
    assert scene.modem.did == [("acknowledge", False), ("acknowledge", True)]


def test_a_refusal_that_the_modem_does_not_wait_for_any_more_ends_nothing(monkeypatch):
    """Its own time was over: it answers +CMS ERROR: 340, and may deliver otherwise by now."""
    scene = Scene()
    scene.modem.acknowledge_error = ModemError("message not acknowledged")
    scene.taking.push(scene.modem, Undecodable(ALICE, "truncated", b"x", b"broken"))
    assert scene.taking.left_over(), "a sweep looks soon"
    scene.taking.push(scene.modem, part("hola"))
    scene.taking.refused(1)
    monkeypatch.setattr(taking_module.time, "monotonic", lambda: 1e12)
    scene.taking.keep_up(scene.modem)
    assert scene.taking.left_over()
    scene.taken(scene.core.offers[-1].serial)
    assert scene.modem.did == []


@pytest.mark.parametrize(
    ("error", "lives"), [(ModemSilentError("no answer"), True), (ModemError("gone"), False)]
)
def test_a_refusal_that_nobody_hears_ends_the_session(error, lives):
    scene = Scene()
    scene.modem.acknowledge_error, scene.modem.lives = error, lives
    with pytest.raises(type(error)):
        scene.taking.push(scene.modem, Undecodable(ALICE, "truncated", b"x", b"broken"))


def test_what_the_network_sends_again_is_acknowledged_and_not_offered():
    scene = Scene()
    for _ in range(2):
        scene.taking.push(scene.modem, part("hola"))
        scene.taken(1)
    assert len(scene.core.offers) == 1
    assert scene.modem.did == [("acknowledge", True)] * 2
    assert "doubled" in scene.core.tallies


def test_after_the_device_was_opened_anew_nothing_is_deleted_unseen():
    """Behind the port there may be another SIM, with another message in that slot."""
    scene = Scene()
    hola = part("hola")
    scene.stored(4, hola)
    scene.taking.reopened()
    scene.taken(1)
    assert scene.modem.did == []
    scene.stored(9, hola)
    assert scene.modem.did == [("delete", 9)]
    assert len(scene.core.offers) == 1


def test_what_is_offered_again_is_not_deleted_by_where_it_lay_before(monkeypatch):
    """The store refused it; meanwhile another SIM, with another message in that slot."""
    scene = Scene()
    scene.stored(1, part("uno"))
    scene.taking.refused(1)
    scene.taking.reopened()
    scene.stored(1, part("otro"))
    monkeypatch.setattr(taking_module.time, "monotonic", lambda: 1e12)
    scene.taking.keep_up(scene.modem)
    again = scene.core.offers[-1]
    assert again.message.parts[0].text == "uno"
    scene.taking.refused(again.serial)
    monkeypatch.setattr(taking_module.time, "monotonic", lambda: 2e12)
    scene.taking.keep_up(scene.modem)
    scene.taken(scene.core.offers[-1].serial)
    assert scene.modem.did == []
    assert scene.modem.slots == {1: part("otro")}
    scene.taken(2)
    assert scene.modem.did == [("delete", 1)]


def test_the_core_s_word_counts_while_the_modem_is_away():
    scene = Scene()
    scene.stored(4, part("hola"))
    scene.taking.taken(None, 1, answer=False)
    scene.taking.reopened()
    scene.stored(4, part("hola"))
    assert scene.modem.did == [("delete", 4)]


@pytest.mark.parametrize("error", ["status-report", "not-received"])
def test_what_is_no_tip_is_deleted(error):
    scene = Scene()
    scene.stored(2, Undecodable(None, error, b"", b"f"))
    assert scene.core.offers == []
    assert scene.modem.did == [("delete", 2)]


def test_what_does_not_decode_is_read_twice_before_it_is_believed():
    scene = Scene()
    readings = iter([Undecodable(ALICE, "truncated", b"x", b"1"), part("hola")])
    scene.modem.slots[2] = None
    scene.modem.part = lambda _pdu: next(readings)
    assert scene.taking.take(scene.modem, Slot("SM", 2), "2")
    assert scene.core.offers[0].message.parts[0].text == "hola"


def test_two_readings_that_differ_are_looked_at_again_later():
    scene = Scene()
    readings = (Undecodable(ALICE, "truncated", b"x", bytes([n])) for n in range(2))
    scene.modem.slots[2] = None
    scene.modem.part = lambda _pdu: next(readings)
    assert not scene.taking.take(scene.modem, Slot("SM", 2), "2")
    assert scene.core.offers == []


def test_what_is_no_pdu_is_believed_only_when_it_is_the_same_in_another_session():
    """It may be a text: the modem lost its settings, and a session begins with setting them."""
    scene = Scene()
    broken = Undecodable(None, "not-hex", b"", b"broken")
    with pytest.raises(ModemError, match="a message is no PDU"):
        scene.stored(3, broken)
    assert (scene.core.offers, scene.modem.did) == ([], [])
    scene.taking.reopened()
    with pytest.raises(ModemError):
        scene.stored(4, Undecodable(None, "not-hex", b"", b"another"))
    scene.taking.reopened()
    assert scene.stored(3, broken)
    assert scene.stored(3, broken), "listed again before the core's word"
    assert [offer.message.undecodable for offer in scene.core.offers] == [broken]
    scene.taken(1)
    assert scene.modem.did == [("delete", 3)]


def test_a_message_that_cannot_be_deleted_is_not_told_to_be_gone_and_not_taken_twice():
    scene = Scene()
    scene.stored(1, part("uno"))
    scene.modem.delete_error = ModemError("message not deleted")
    scene.taken(1)
    assert scene.core.done == []
    scene.modem.delete_error = None
    scene.stored(1, part("uno"))
    assert len(scene.core.offers) == 1
    assert scene.modem.did == [("delete", 1)]


def test_a_modem_that_says_nothing_any_more_ends_the_session():
    scene = Scene()
    scene.stored(1, part("uno"))
    scene.modem.delete_error = ModemSilentError("no answer")
    with pytest.raises(ModemSilentError):
        scene.taken(1)


def test_parts_that_never_come_make_a_partial_message(monkeypatch):
    scene = Scene()
    scene.stored(1, part("a1", 1, 2))
    assert scene.core.offers == []
    scene.taking._reassembly._seconds = -1
    scene.taking.keep_up(scene.modem)
    (offer,) = scene.core.offers
    assert offer.message.partial
    assert offer.places == (place(1, part("a1", 1, 2)),)


def test_parts_that_wait_in_a_full_storage_are_deleted_when_each_is_on_disk():
    scene = Scene()
    scene.stored(1, part("a1", 1, 3))
    scene.stored(2, part("a2", 2, 3))
    scene.taking.make_room("ME")
    assert scene.core.offers == []
    scene.taking.make_room("SM")
    scene.taking.make_room("SM")
    pieces = list(scene.core.offers)
    assert [(one.piece, one.places) for one in pieces] == [
        (True, (place(1, part("a1", 1, 3)),)),
        (True, (place(2, part("a2", 2, 3)),)),
    ]
    assert scene.modem.did == []
    scene.taken(pieces[0].serial)
    assert scene.modem.did == [("delete", 1)]
    scene.stored(1, part("a3", 3, 3))
    whole = scene.core.offers[-1]
    assert (whole.piece, whole.replaces) == (False, (1, 2))
    assert [one.text for one in whole.message.parts] == ["a1", "a2", "a3"]
    assert [one.slot.index for one in whole.places] == [1]
    scene.taken(whole.serial, answer=True)
    assert scene.modem.did == [("delete", 1)] * 2
    scene.taken(pieces[1].serial)
    assert scene.modem.did == [("delete", 1)] * 2 + [("delete", 2)]
    assert scene.modem.slots == {}
    assert scene.expected == [whole.serial]


def test_no_more_parts_are_put_by_themselves_than_the_core_takes():
    scene = Scene()
    for seq in range(1, OUTSTANDING + 3):
        scene.stored(seq, part(f"a{seq}", seq, 200))
    scene.taking.make_room("SM")
    assert len(scene.core.offers) == OUTSTANDING


def test_where_a_part_lay_in_an_earlier_session_makes_no_room():
    scene = Scene()
    scene.stored(1, part("a1", 1, 3))
    scene.taking.reopened()
    scene.taking.make_room("SM")
    assert scene.core.offers == []


def test_what_is_beyond_the_core_stays_on_the_modem():
    scene = Scene()
    for index in range(OUTSTANDING):
        assert not scene.taking.full
        scene.stored(index, part(f"n{index}"))
    assert scene.taking.full
    assert not scene.taking.idle


def test_a_copy_lets_its_sender_go_only_when_nothing_is_still_to_be_said():
    scene = Scene()
    hola = part("hola")
    scene.stored(1, hola)
    scene.taken(1, answer=True)
    scene.awaited.append(hola.fingerprint)
    scene.stored(2, hola)
    assert scene.released == []
    scene.awaited.clear()
    scene.stored(3, hola)
    assert scene.released == [(hola.fingerprint,)]


def test_a_part_that_comes_again_does_not_let_its_sender_go_before_the_whole_is_answered(
    monkeypatch,
):
    """Its acknowledgement did not reach the network, and the other part never comes."""
    scene, first = Scene(), part("uno", 1, 2)
    scene.taking.push(scene.modem, first)
    scene.taken(1)
    scene.taking.push(scene.modem, first)
    assert scene.modem.did == [("acknowledge", True), ("acknowledge", True)]
    assert scene.released == []
    monkeypatch.setattr(scene.taking._reassembly, "_now", lambda: 1e12)
    scene.taking.keep_up(scene.modem)
    scene.taken(2, answer=True)
    assert (scene.expected, scene.released) == ([2], [])


def test_a_refused_part_is_not_offered_by_itself_once_the_whole_is(monkeypatch):
    scene = Scene()
    for seq in (1, 2):
        scene.taking.push(scene.modem, part(f"a{seq}", seq, 3))
    scene.taking.refused(1)
    scene.taking.push(scene.modem, part("a3", 3, 3))
    scene.taking.refused(2)
    whole = scene.core.offers[-1]
    assert not whole.piece
    scene.taken(whole.serial)
    monkeypatch.setattr(taking_module.time, "monotonic", lambda: 1e12)
    scene.taking.keep_up(scene.modem)
    assert scene.core.offers[-1] is whole


def test_what_was_delivered_directly_before_a_restart_is_known_when_it_is_stored():
    """It was not acknowledged any more, so the modem fell back and the network sent it again."""
    hola = part("hola")
    before = Place(DIRECT, check_of(hola, SALT))
    scene = Scene(settled=[before])
    scene.stored(4, hola)
    assert scene.core.offers == []
    assert scene.modem.did == [("delete", 4)]
    assert {one for _, one in scene.core.done} == {place(4, hola), before}


def test_what_needs_nothing_of_the_modem_is_taken_aside_and_the_rest_is_not():
    scene = Scene()
    report = Undecodable(None, "status-report", b"", b"r")
    scene.modem.slots = {1: part("hola"), 2: report, 3: part("hola")}
    aside = [scene.taking.take_aside(scene.modem, Slot("SM", n), str(n)) for n in (1, 2, 3)]
    assert aside == [True, False, False]
    assert len(scene.core.offers) == 1
    assert scene.modem.did == []


def test_a_direct_delivery_that_does_not_decode_is_believed_when_it_comes_again():
    scene = Scene()
    broken = Undecodable(ALICE, "truncated", b"x", b"broken")
    scene.taking.push(scene.modem, broken)
    assert (scene.core.offers, scene.modem.did) == ([], [("acknowledge", False)])
    scene.taking.push(scene.modem, broken)
    assert scene.core.offers[0].message.undecodable == broken
    scene.taken(1)
    assert scene.modem.did == [("acknowledge", False), ("acknowledge", True)]


def test_a_line_that_garbles_everything_ends_no_delivery():
    scene = Scene()
    for number in range(taking_module.DOUBTS + 1):
        scene.taking.push(scene.modem, Undecodable(ALICE, "truncated", b"x", bytes([number])))
    assert len(scene.core.offers) == 1
