"""The loop of one modem, where it meets what it has read, what it is asked, and its PIN."""

import pytest

from tests.modems.test_taking import Scene, part, place
from tipline_gw.domain.sms import Slot
from tipline_gw.errors import ModemError, ModemSilentError
from tipline_gw.modems.modem import Modem
from tipline_gw.modems.pin import Pin
from tipline_gw.settings.schema import Modem as Settings


@pytest.fixture
def scene():
    return Scene()


@pytest.fixture
def modem(scene, tmp_path):
    settings = Settings(name="gsm0", port=str(tmp_path / "tty"))
    return Modem(settings, None, scene.core, scene.taking, None)


@pytest.mark.parametrize("where", ["left", "read"])
def test_a_slot_that_was_read_twice_is_deleted_once_and_what_comes_there_then_stays(
    modem, scene, where
):
    slot, new = Slot("SM", 1), part("dos")
    scene.stored(1, part("uno"))
    if where == "left":
        modem._left.append((slot, "1"))
    else:
        modem._read = slot, "1"
    scene.taken(1)
    scene.modem.slots[1] = new
    modem._work_off(scene.modem)
    modem._take_what_is_left(scene.modem)
    assert scene.modem.did == [("delete", 1)]
    assert scene.modem.slots == {1: new}


def test_of_what_is_left_only_the_deleted_slot_is_forgotten(modem, scene):
    scene.stored(1, part("uno"))
    scene.modem.slots[2] = part("dos")
    modem._left.extend([(Slot("SM", 1), "1"), (Slot("SM", 2), "2")])
    scene.taken(1)
    modem._take_what_is_left(scene.modem)
    assert [offer.message.parts[0].text for offer in scene.core.offers] == ["uno", "dos"]


class Deaf:
    """A driver that reads no slot."""

    def __init__(self, error, *, lives=True):
        self._error, self.lives = error, lives

    def read_slot(self, _slot):
        raise self._error


def test_a_notice_of_a_storage_that_cannot_be_chosen_ends_no_session(modem):
    modem._sweep_at = float("inf")
    modem._fetch(Deaf(ModemError("storage not chosen")), Slot("RM", 3))
    assert modem._read is None
    assert modem._sweep_at < float("inf"), "it is looked at soon what came"


@pytest.mark.parametrize(
    ("error", "lives"), [(ModemSilentError("no answer"), True), (ModemError("gone"), False)]
)
def test_a_modem_that_cannot_be_asked_to_read_ends_the_session(modem, error, lives):
    with pytest.raises(ModemError):
        modem._fetch(Deaf(error, lives=lives), Slot("SM", 3))


class Lister:
    """A driver that lists what it is given, or raises it."""

    lives = True

    def __init__(self, *lists):
        self._lists = iter(lists)

    def listed(self, _storage):
        listed = next(self._lists)
        if isinstance(listed, Exception):
            raise listed
        return listed


def test_a_storage_that_was_not_listed_is_no_empty_one(tmp_path):
    uno = part("uno")
    scene = Scene(settled=[place(1, uno)])
    modem = Modem(
        Settings(name="gsm0", port=str(tmp_path / "tty")), None, scene.core, scene.taking, None
    )
    error = ModemError("messages not listed")
    driver = Lister(error, error, [])
    with pytest.raises(ModemError):
        modem._sweep_storage(driver, "SM")
    modem._sweep_storage(driver, "SM")
    assert scene.core.done == [], "what lies there on disk already is still known"
    modem._sweep_storage(driver, "SM")
    assert scene.core.done == [("gsm0", place(1, uno))]


def test_a_modem_that_stops_listing_again_has_another_session_again(modem):
    error = ModemError("messages not listed")
    driver = Lister(error, [], error, ModemSilentError("no answer"), error)
    with pytest.raises(ModemError):
        modem._sweep_storage(driver, "SM")
    modem._sweep_storage(driver, "SM")
    with pytest.raises(ModemError):
        modem._sweep_storage(driver, "SM")
    with pytest.raises(ModemSilentError):
        modem._sweep_storage(driver, "SM")
    driver.lives = False
    with pytest.raises(ModemError):
        modem._sweep_storage(driver, "SM")


def test_a_question_that_nobody_waits_for_any_more_does_no_harm(modem):
    modem.ready = True
    with pytest.raises(ModemError, match="too much to do"):
        modem.run(lambda _driver: None, 0.01)
    modem._fail_jobs()
    assert not modem._backlog


@pytest.mark.parametrize(("accepted", "again"), [(True, True), (False, False)])
def test_a_pin_that_the_sim_took_is_no_wrong_one_though_the_modem_failed_then(
    tmp_path, accepted, again
):
    file = tmp_path / "pin"
    file.write_text("4711")
    noted, forgotten = [], []
    pin = Pin(file, None, lambda place: noted.append(place) or True, forgotten.append)
    assert pin.may_be_sent()
    assert pin.noted()
    pin.ended(sent=True, accepted=accepted)
    assert pin.may_be_sent() is again
    assert bool(forgotten) is accepted


def test_a_pin_counts_as_tried_only_from_when_it_is_sent_until_the_sim_took_it(tmp_path):
    file = tmp_path / "pin"
    file.write_text("4711")
    noted, forgotten = [], []
    pin = Pin(file, None, lambda place: noted.append(place) or True, forgotten.append)
    assert pin.may_be_sent()
    assert noted == []
    assert pin.noted()
    pin.was_right()
    assert forgotten == noted != []
    pin.ended(sent=True, accepted=True)
    assert len(forgotten) == 1


def test_a_pin_whose_try_cannot_be_written_down_is_not_sent(tmp_path):
    file = tmp_path / "pin"
    file.write_text("4711")
    pin = Pin(file, None, lambda _place: False, lambda _place: None)
    assert pin.may_be_sent()
    assert not pin.noted()
    assert not Pin(None, None, lambda _place: True, lambda _place: None).noted()
