import pytest

from tipline_gw.domain.dialog import Ask, Done, Event, HungUp, Keys, Say, Silence, Speak
from tipline_gw.errors import CallerHungUp
from tipline_gw.ivr.dialog import plan, until_hung_up
from tipline_gw.ivr.memory import MOST_ANSWERS, Memory
from tipline_gw.ivr.stages import DONE, END, KEY, SILENCE, Edge, Lead, Menu, Stage, Tell, planned
from tipline_gw.ivr.walker import Steps, step, walk

MENU = Menu(
    "menu",
    "asks",
    (Edge("1", "one"), Edge("2", "menu", say=("two",)), Edge(SILENCE, "safest")),
    first=("first",),
    again=("again", "more"),
)
FIRST, AGAIN = Ask(("first",), 4.0), Ask(("again", "more"), 4.0)


def tell(name: str) -> Tell:
    return Tell(name, "says", (Edge(DONE, END),), first=(name,))


def run(*events: Event, menu: Stage = MENU, to: str = "menu", before: tuple[Stage, ...] = ()):
    drawn = planned(Edge("", to, say=("news",)), *before, menu, tell("one"), tell("safest"))
    steps = walk(drawn, Memory("es"))
    assert next(steps) == Speak("es")
    commands = [steps.send(Done())]
    for event in events:
        commands.append(steps.send(event))
    return commands


def test_a_key_answers_at_once_and_news_come_in_front():
    assert run(Keys("1")) == [Ask(("news", "first"), 4.0), Say(("one",))]


@pytest.mark.parametrize("nothing", [Silence(), Keys("7"), Keys(""), Keys("12"), Keys("#"), Done()])
def test_silence_or_a_wrong_key_repeats_twice_and_then_goes_on_with_the_safest(nothing):
    assert run(nothing, nothing, nothing)[1:] == [AGAIN, AGAIN, Say(("safest",))]


def test_a_key_at_the_last_repeat_still_counts():
    assert run(Silence(), Keys("9"), Keys("1"))[-1] == Say(("one",))


def test_a_key_during_a_prompt_that_leads_to_a_menu_is_its_answer():
    lead = Lead("lead", "says", (Edge(KEY, "menu"), Edge(SILENCE, "menu")), first=("lead",))
    said = Ask(("news", "lead"), 0.0)
    assert run(Keys("1"), to="lead", before=(lead,)) == [said, Say(("one",))]
    assert run(Silence(), to="lead", before=(lead,)) == [said, FIRST]
    # One that means nothing there costs no repeat.
    assert run(Keys("9"), to="lead", before=(lead,)) == [said, FIRST]


def test_after_so_many_answers_each_menu_goes_on_as_by_silence():
    commands = run(*[Keys("2")] * (MOST_ANSWERS + 1))
    assert commands[-2:] == [Ask(("two", "first"), 4.0), Say(("safest",))]


def test_hang_up_ends_a_step_by_an_exception():
    steps = step(Ask(("first",)))
    next(steps)
    with pytest.raises(CallerHungUp):
        steps.send(HungUp())


def test_hang_up_ends_the_whole_without_one():
    steps = until_hung_up(_one(step(Say(("welcome",)))))
    assert next(steps) == Say(("welcome",))
    with pytest.raises(StopIteration):
        steps.send(HungUp())


def _one(steps: Steps[Event]) -> Steps[None]:
    yield from steps


def test_another_language_is_offered_only_where_there_is_one():
    assert "menu-main-language" in plan(["es", "en"]).stages["main"].again
    assert "menu-main-language" not in plan(["es"]).stages["main"].again


def test_a_stage_without_a_way_on_is_a_fault_that_shows():
    with pytest.raises(LookupError):
        run(Done(), menu=Tell("menu", "says", (), first=("menu",)))
