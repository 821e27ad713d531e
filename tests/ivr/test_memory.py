from itertools import pairwise

import pytest

from tests.ivr.callers import CODE
from tipline_gw.domain import case_code
from tipline_gw.domain.dialog import Done, Found, Kept, Keys, NotFound
from tipline_gw.domain.tip import State
from tipline_gw.ivr import memory as m
from tipline_gw.ivr.memory import THE_CODE, THE_STATE, If, Memory, spelled
from tipline_gw.prompts import names


def test_news_come_first_and_once():
    memory = Memory("es", news=("news",))
    assert memory.said(("menu",)) == ("news", "menu")
    assert memory.said(("menu",)) == ("menu",)


def test_a_prompt_under_a_condition_is_said_only_where_it_holds():
    memory = Memory("es")
    prompts = ("menu", If(m.stands, "kept"))
    assert memory.said(prompts) == ("menu",)
    memory.stands = True
    assert memory.said(prompts) == ("menu", "kept")


def test_what_is_known_only_in_the_call_is_filled_in():
    memory = Memory("es")
    assert memory.said((THE_CODE, THE_STATE)) == ()
    memory.code, memory.case = CODE, Found(State.ACTION_TAKEN)
    assert memory.said((THE_CODE, THE_STATE)) == (*spelled(CODE), "state-action-taken")


def test_between_groups_there_are_three_pauses_and_one_after_each_digit():
    said = spelled(CODE)
    digits = [at for at, prompt in enumerate(said) if prompt != names.PAUSE]
    gaps = [after - before - 1 for before, after in pairwise(digits)]
    assert gaps == [1, 1, 1, 3, 1, 1, 1, 3, 1, 1, 1]
    assert [said[at][-1] for at in digits] == list(CODE)


def test_a_code_is_forgotten_as_soon_as_it_is_not_needed():
    memory = Memory("es")
    m.typed(memory, Keys(CODE))
    assert memory.code == CODE
    m.found(memory, Found(State.RECEIVED))
    assert memory.code is None
    m.typed(memory, Keys(CODE))
    m.wrong_try(memory, NotFound())
    assert memory.code is None
    assert memory.tries_left == m.WRONG_TRIES - 1


@pytest.mark.parametrize("code", [None, case_code.draw()])
def test_what_is_kept_stands_no_more_and_only_a_tip_has_a_code(code):
    memory = Memory("es", stands=True)
    m.given(memory, Kept(code))
    assert (memory.stands, memory.code) == (False, code)


@pytest.mark.parametrize(
    ("effect", "changed", "adding"),
    [
        (m.own_voice, False, False), (m.changed_voice, True, False),
        (m.add_own_voice, False, True), (m.add_changed_voice, True, True),
    ],
)  # fmt: skip
def test_a_tip_begins_from_nothing(effect, changed, adding):
    memory = Memory("es", append=True, asked_again=True)
    effect(memory, Done())
    assert (memory.changed, memory.adding) == (changed, adding)
    assert not (memory.append or memory.asked_again)


def test_every_fact_and_every_effect_says_what_it_means():
    """The map is written from those words."""
    for each in (m.stands, m.adding, m.first_silence, m.afresh, m.onward, m.recorded, m.no_news):
        assert each.__doc__
        assert "\n" not in each.__doc__
