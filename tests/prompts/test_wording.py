"""Whether a frightened person understands the words: measured, for every prompt of some length."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.prompts import readability
from tests.prompts.readability import english_syllables, sentences, spanish_syllables, words
from tests.prompts.voices import samples
from tipline_gw.prompts import names, shaping, sound
from tipline_gw.prompts.build import build
from tipline_gw.prompts.catalogue import Catalogue

FEW = 6
"""Words below which the measures say nothing."""
LONGEST_SENTENCE = 15
LONGEST_WORD = {"es": 5, "en": 4}
"""Syllables."""


def texts(language: str) -> list[tuple[str, str]]:
    catalogue = Catalogue.load(language)
    said = [(name, catalogue.spoken(name, "911", "1")) for name in catalogue.prompts]
    written = [(name, catalogue.sms(name, code="")) for name in names.WRITTEN]
    return [*said, *written]


def of_some_length(language: str) -> list[tuple[str, str]]:
    return [(name, text) for name, text in texts(language) if len(words(text)) > FEW]


@pytest.mark.parametrize(("name", "text"), of_some_length("es"))
def test_spanish_is_quite_easy_or_easier(name, text):
    assert readability.inflesz(text) >= 65, text


@pytest.mark.parametrize(("name", "text"), of_some_length("en"))
def test_english_is_for_the_sixth_grade_at_most(name, text):
    assert readability.flesch_kincaid(text) <= 6, text


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_sentence_is_long_and_no_word_is_hard(language):
    count = {"es": spanish_syllables, "en": english_syllables}[language]
    for name, text in texts(language):
        assert max(len(words(each)) for each in sentences(text)) <= LONGEST_SENTENCE, name
        hard = [word for word in words(text) if count(word) > LONGEST_WORD[language]]
        assert hard == [], name


@pytest.mark.parametrize("language", ["es", "en"])
def test_all_in_all_each_language_is_well_within_the_limit(language):
    together = " ".join(text for _, text in texts(language))
    if language == "es":
        assert readability.inflesz(together) >= 75
    else:
        assert readability.flesch_kincaid(together) <= 4


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_number_is_spoken_digit_by_digit_and_nothing_is_abbreviated(language):
    for name, text in texts(language)[: len(Catalogue.load(language).prompts)]:
        assert not re.search(r"\d|\b[A-ZÑ]{2,}\b|[&%$#*@/]|\b\w+\.\w", text), name


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build(folder, ["es", "en"], "911")
    return folder


def pauses(sln: bytes) -> list[float]:
    """Seconds of each stretch that is quiet, in the middle of it."""
    blocks = np.abs(samples(sln)[: len(sln) // 160 * 80]).reshape(-1, 80).max(axis=1)
    quiet = "".join(" x"[loud] for loud in (blocks > 0.01).astype(int)).strip()
    return [len(run) / 100 for run in re.findall(" +", quiet)]


@pytest.mark.parametrize("language", ["es", "en"])
def test_by_proxy_of_an_ear_every_prompt_has_its_pace_its_loudness_and_its_pauses(built, language):
    """Nobody listens in a test: what is far off in one of these would not be understood."""
    catalogue = Catalogue.load(language)
    count = {"es": spanish_syllables, "en": english_syllables}[language]
    for name in names.SAID:
        sln, text = (built / language / f"{name}.sln").read_bytes(), catalogue.spoken(name, "911")
        pace = sum(count(word) for word in words(text)) / sound.seconds(sln)
        assert pace <= (8.0 if name in names.before_tone(()) else 7.0), name
        # Ubuntu's espeak-ng takes 0.7 s for a digit of one syllable.
        assert pace >= 1.5 or sound.seconds(sln) <= 0.75, name
        assert shaping.measured(sln) == pytest.approx(sound.TARGET_LUFS, abs=0.5), name
        assert max(pauses(sln), default=0) <= 0.45, name


@pytest.mark.parametrize(
    ("word", "count"),
    [
        *(("uno", 2), ("aviso", 3), ("guardamos", 3), ("telefónica", 5), ("compañía", 4)),
        *(("oír", 2), ("oiga", 2), ("quiere", 2), ("gracias", 2), ("muy", 1), ("todavía", 4)),
        *(("línea", 3), ("cuelgue", 2), ("seguridad", 4), ("y", 1), ("Rarámuri", 4)),
    ],
)
def test_spanish_syllables_are_counted(word, count):
    assert spanish_syllables(word) == count


@pytest.mark.parametrize(
    ("word", "count"),
    [
        *(("one", 1), ("voice", 1), ("company", 3), ("recorded", 3), ("closed", 1), ("pressed", 1)),
        *(("the", 1), ("advice", 2), ("places", 2), ("possible", 3), ("you", 1), ("emergency", 4)),
    ],
)
def test_english_syllables_are_counted(word, count):
    assert english_syllables(word) == count


def test_the_measures_tell_easy_from_hard():
    hard = {
        "es": "La autoridad competente determinará posteriormente la procedencia administrativa.",
        "en": "Administrative authorities subsequently determine applicability of allegations.",
    }
    assert readability.inflesz(hard["es"]) < 20
    assert readability.flesch_kincaid(hard["en"]) > 15
