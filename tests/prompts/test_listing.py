import re

import pytest

from tests.prompts.voices import Hummer
from tests.prompts.wavs import save, voice
from tipline_gw.errors import ConfigError
from tipline_gw.prompts import names, po
from tipline_gw.prompts.build import build
from tipline_gw.prompts.catalogue import Catalogue
from tipline_gw.prompts.listing import listing, template


def test_every_prompt_is_listed_with_the_words_to_say_and_the_file_to_write(tmp_path):
    build(tmp_path, ["es", "en"], "911", speak=Hummer())
    save(tmp_path / "es/welcome.wav", voice())
    lines = {line.name: line for line in listing(tmp_path, ["es", "en"], "911", "es")}
    assert list(lines) == ["language-es", *names.SAID]
    welcome, goodbye = lines["welcome"], lines["goodbye"]
    assert (welcome.heard, goodbye.heard) == ("recorded", "synthetic")
    assert welcome.file == tmp_path / "es/welcome.wav"
    assert (goodbye.words, goodbye.words_in) == ("Gracias por llamar. Adiós.", "es")


def test_a_language_without_words_of_its_own_shows_those_that_stand_in(tmp_path):
    lines = {line.name: line for line in listing(tmp_path, ["es", "tar"], "911", "tar")}
    assert lines["goodbye"].heard == "es stands in"
    assert lines["goodbye"].file == tmp_path / "tar/goodbye.wav"
    assert (lines["goodbye"].words, lines["goodbye"].words_in) == (
        "Gracias por llamar. Adiós.",
        "es",
    )
    assert lines["language-tar"].file == tmp_path / "es/language-tar.wav"
    assert lines["language-tar"].words == "Rarámuri dos."


def test_a_language_can_be_listed_before_it_is_in_use(tmp_path):
    lines = listing(tmp_path, ["es"], "911", "maz")
    assert [line.name for line in lines] == ["language-maz", *names.SAID]


def test_what_is_not_built_yet_is_told(tmp_path):
    assert {line.heard for line in listing(tmp_path, ["es"], "911", "es")} == {"not built"}


def test_a_language_without_a_catalogue_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="nah"):
        listing(tmp_path, ["es"], "911", "nah")


def test_a_template_has_every_entry_with_what_was_translated_and_reads_back(tmp_path):
    own = 'msgctxt "sms"\nmsgid "received"\nmsgstr "{}"\n'
    (tmp_path / "tar.po").write_text(own.format("una prueba"), "utf-8")
    text = template("tar", tmp_path)
    (tmp_path / "tar.po").write_text(text, "utf-8")
    assert template("tar", tmp_path) == text
    assert Catalogue.load("tar", tmp_path).sms("received") == "una prueba"
    listed = {(each.context, each.id) for each in po.messages(tmp_path / "tar.po") if each.id}
    spanish = Catalogue.load("es")
    assert listed == {
        *(("voice", name) for name in ("espeak-ng", "fallback")),
        *(("prompt", name) for name in spanish.prompts),
        *(("sms", name) for name in spanish.texts),
        *(("keyword", name) for name in spanish.keywords),
    }


def test_a_template_shows_the_words_that_stand_in_above_each_entry():
    text = template("maz")
    assert re.search(
        r'#\. es: Gracias por llamar\. Adiós\.\nmsgctxt "prompt"\nmsgid "goodbye"\nmsgstr ""\n',
        text,
    )


def test_a_language_for_which_none_stands_in_has_no_template():
    with pytest.raises(ConfigError, match="no language stands in for es"):
        template("es")
