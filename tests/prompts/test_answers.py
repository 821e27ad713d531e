import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.prompts.voices import Hummer, hum, quiet, samples
from tests.system.sounds import likeness
from tipline_gw.errors import PromptError
from tipline_gw.prompts import answers, shaping, sound
from tipline_gw.prompts.catalogue import Catalogue, shipped
from tipline_gw.prompts.speech import Pcm

ANSWER = "Gracias. Ya fuimos a ver. Si pasa otra vez, llame de nuevo con este folio."


@pytest.fixture
def spanish() -> Catalogue:
    return Catalogue.load("es")


@pytest.mark.parametrize("language", shipped())
def test_an_answer_is_spoken_in_the_language_of_the_call(language):
    said = answers.speak(ANSWER, Catalogue.load(language))
    assert 3 < sound.seconds(said) < 10
    assert not sound.clipped(said)


def test_it_is_as_loud_as_a_prompt(spanish):
    said, prompt = (
        samples(answers.speak(ANSWER, spanish)),
        samples(shaping.synthetic(hum(3.0), 0.35)),
    )
    assert np.sqrt((said**2).mean()) == pytest.approx(np.sqrt((prompt**2).mean()), rel=0.35)


def test_the_longest_answer_is_spoken_while_a_caller_can_wait(spanish):
    text = (ANSWER + " ") * 20
    begun = time.monotonic()
    said = answers.speak(text[: answers.LONGEST_CHARACTERS], spanish)
    assert time.monotonic() - begun < 10
    assert 45 < sound.seconds(said) < answers.LONGEST_SECONDS


@pytest.mark.parametrize("text", ["", " \n\t", "[[]]", "\x00", "a" * 1001])
def test_nothing_to_say_and_too_much_are_refused_without_a_word_of_it(spanish, text):
    voice = Hummer()
    with pytest.raises(PromptError, match="empty or too long") as error:
        answers.speak(text, spanish, voice)
    assert "aaa" not in str(error.value)
    assert voice.asked == []


def test_what_would_take_minutes_to_say_is_refused(spanish):
    with pytest.raises(PromptError, match="too long to say"):
        answers.speak("9", spanish, lambda *_: hum(181.0, rate=8000))


def test_the_notation_of_espeak_ng_is_not_obeyed_but_taken_for_words(spanish):
    voice = Hummer()
    answers.speak("Fuimos [[h@'loU]]\r\n hoy <break time='9s'/>", spanish, voice)
    assert voice.texts() == {"Fuimos h@'loU hoy <break time='9s'/>"}
    marked = answers.speak("hoy <break time='9s'/> no", spanish)
    assert sound.seconds(marked) < 6


def test_silence_of_the_synthesis_is_an_error_not_an_empty_answer(spanish):
    with pytest.raises(PromptError, match="silence"):
        answers.speak("hola", spanish, lambda *_: Pcm(22050, quiet(1.0)))


def test_nothing_of_an_answer_is_written_to_a_file(tmp_path):
    code = """
import os, sys
from tipline_gw.prompts import answers
from tipline_gw.prompts.catalogue import Catalogue
writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
opened = []
def note(event, given):
    if event == "open" and isinstance(given[2], int) and given[2] & writing:
        opened.append(given[0])
sys.addaudithook(note)
answers.speak("hola a todos", Catalogue.load("es"))
print([name for name in opened if not isinstance(name, int) and name != os.devnull])
"""
    places = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_RUNTIME_DIR")}
    environment = {**os.environ, **places, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], capture_output=True, cwd=tmp_path, env=environment
    )
    assert done.stdout == b"[]\n", done.stderr
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []


def test_it_says_the_same_twice(spanish):
    once, again = answers.speak(ANSWER, spanish), answers.speak(ANSWER, spanish)
    assert likeness(once, again) > 0.98


@settings(max_examples=200, deadline=None, database=None)
@given(st.text(max_size=1100))
def test_any_text_is_spoken_or_refused(text):
    try:
        assert answers.speak(text, Catalogue.load("es"), Hummer())
    except PromptError as error:
        assert error.todo
