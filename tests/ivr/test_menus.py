import pytest

from tipline_gw.domain.dialog import Ask, Done, Event, HungUp, Keys, Say, Silence
from tipline_gw.errors import CallerHungUp
from tipline_gw.ivr.menus import Menu, Steps, choose, main_menu, say, step, until_hung_up

MENU = Menu(("first",), ("again", "more"), "12*", 4.0)


def run(steps: Steps, *events: Event) -> tuple[list, object]:
    commands = [next(steps)]
    for event in events:
        try:
            commands.append(steps.send(event))
        except StopIteration as end:
            return commands, end.value
    return commands, None


def test_a_key_of_the_menu_answers_at_once():
    assert run(choose(MENU), Keys("2")) == ([Ask(("first",), 4.0)], "2")


def test_what_is_said_before_a_menu_is_interrupted_like_the_menu():
    commands, key = run(choose(MENU, ("news",)), Keys("*"))
    assert (commands, key) == ([Ask(("news", "first"), 4.0)], "*")


@pytest.mark.parametrize("nothing", [Silence(), Keys("7"), Keys(""), Keys("12"), Keys("#"), Done()])
def test_silence_or_a_wrong_key_repeats_twice_and_then_decides_nothing(nothing):
    commands, key = run(choose(MENU), nothing, nothing, nothing)
    again = Ask(("again", "more"), 4.0)
    assert (commands, key) == ([Ask(("first",), 4.0), again, again], None)


def test_a_key_at_the_last_repeat_still_counts():
    assert run(choose(MENU), Silence(), Keys("9"), Keys("1"))[1] == "1"


def test_hang_up_ends_a_step_by_an_exception():
    steps = step(Ask(("first",)))
    next(steps)
    with pytest.raises(CallerHungUp):
        steps.send(HungUp())


def test_hang_up_ends_the_whole_without_one():
    steps = until_hung_up(say("welcome"))
    assert next(steps) == Say(("welcome",))
    with pytest.raises(StopIteration):
        steps.send(HungUp())


def test_another_language_is_offered_only_where_there_is_one():
    assert main_menu(True).again == ("menu-main-help", "menu-main-language")
    assert main_menu(False).again == ("menu-main-help",)
    assert main_menu(True).first == main_menu(False).first == ("menu-main",)
