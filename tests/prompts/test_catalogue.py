import re
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.prompts import untranslated
from tipline_gw.errors import ConfigError
from tipline_gw.prompts import names
from tipline_gw.prompts.catalogue import Catalogue, shipped
from tipline_gw.prompts.listing import template
from tipline_gw.resources import catalogues

GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet of 3GPP TS 23.038 §6.2.1, without the extension table."""

TELLTALE = re.compile(
    r"crim|polic|tip\b|tips\b|anonym|an[oó]nim|denunci|aviso|delit|line\b|l[ií]nea|autorid|investig"
    r"|report|authorit|drug|droga|gang|089|911",
    re.IGNORECASE,
)


_LINES = st.one_of(
    st.sampled_from(["", "#, fuzzy", "#~ old", 'msgid_plural "b"', 'msgstr[0] "c"', '"more"']),
    st.builds(
        "{} {}".format,
        st.sampled_from(["msgctxt", "msgid", "msgstr"]),
        st.one_of(
            st.sampled_from(['"prompt"', '"sms"', '"voice"', '"welcome"', '"{key}"', '""', '"']),
            st.text(max_size=8),
        ),
    ),
)


@pytest.fixture(params=shipped())
def catalogue(request) -> Catalogue:
    return Catalogue.load(request.param)


def entry(context: str, name: str, text: str) -> str:
    return f'msgctxt "{context}"\nmsgid "{name}"\nmsgstr "{text}"\n\n'


def write(directory: Path, language: str, text: str) -> Path:
    file = directory / f"{language}.po"
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    file.write_text(header + text, "utf-8")
    return file


def test_spanish_and_english_are_shipped():
    assert {"es", "en"} <= set(shipped())


def fields(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def test_spanish_and_english_have_the_same_entries_with_the_same_fields():
    spanish, english = (Catalogue.load(language) for language in ("es", "en"))
    for context in ("prompts", "texts", "keywords", "pages"):
        one, other = getattr(spanish, context), getattr(english, context)
        assert set(one) == set(other)
        assert {name: fields(one[name]) for name in one} == {
            name: fields(other[name]) for name in other
        }
    assert set(spanish.texts) == set(names.WRITTEN)
    assert set(spanish.prompts) == {names.LANGUAGE_CHOICE, *names.SAID}


@pytest.mark.parametrize("language", untranslated.languages())
def test_an_untranslated_language_shows_every_entry_with_the_words_that_stand_in(language):
    """If not: python -m tests.prompts.untranslated"""
    assert (catalogues() / f"{language}.po").read_text("utf-8") == template(language)


@pytest.mark.parametrize("language", ["tar", "maz"])
def test_nothing_but_its_name_was_made_up_for_a_language_that_nobody_here_can_write(language):
    catalogue = Catalogue.load(language)
    assert set(catalogue.prompts) == {names.LANGUAGE_CHOICE}
    assert (catalogue.texts, catalogue.keywords, catalogue.voice.name) == ({}, {}, "")
    assert [each.language for each in catalogue.fallback] == ["es"]


@pytest.mark.parametrize(("language", "offer"), [("tar", "Rarámuri dos."), ("maz", "Mazahua dos.")])
def test_an_untranslated_language_offers_itself_by_its_name_and_the_voice_that_stands_in(
    language, offer
):
    catalogue = Catalogue.load(language)
    assert catalogue.spoken("language-choice", key="2") == offer
    assert catalogue.speaker.name == "es-419"


def test_what_an_untranslated_language_lacks_is_said_and_written_in_the_one_that_stands_in():
    spanish, other = Catalogue.load("es"), Catalogue.load("tar")
    assert other.spoken("welcome", "911") == spanish.spoken("welcome", "911")
    assert other.sms("received") == spanish.sms("received")
    assert other.words("status") == spanish.words("status")
    assert other.owner("sms", "received").language == "es"


def language(directory: Path, code: str, fallback: str, more: str = "") -> None:
    offer = entry("prompt", "language-choice", f"{code} {{key}}.")
    write(directory, code, entry("voice", "fallback", fallback) + offer + more)


def test_languages_stand_in_in_the_order_stated_and_those_of_the_others_after_them(tmp_path):
    language(tmp_path, "aaa", "bbb, en", entry("sms", "added", "a"))
    language(tmp_path, "bbb", "es", entry("sms", "added", "b") + entry("sms", "help", "b"))
    loaded = Catalogue.load("aaa", tmp_path)
    assert [each.language for each in loaded.fallback] == ["bbb", "es", "en"]
    assert [loaded.sms(name) for name in ("added", "help")] == ["a", "b"]
    assert loaded.sms("received") == Catalogue.load("es").sms("received")


@pytest.mark.parametrize("circle", [["aaa"], ["aaa", "bbb"], ["aaa", "bbb", "ccc"]])
def test_languages_that_stand_in_for_one_another_are_refused(tmp_path, circle):
    for code, following in zip(circle, [*circle[1:], circle[0]], strict=True):
        language(tmp_path, code, following)
    with pytest.raises(ConfigError, match="in a circle: " + " → ".join([*circle, "aaa"])):
        Catalogue.load("aaa", tmp_path)


@pytest.mark.parametrize("code", ["nah", "../es", ","])
def test_a_language_that_cannot_stand_in_is_refused(tmp_path, code):
    language(tmp_path, "aaa", code)
    with pytest.raises(ConfigError):
        Catalogue.load("aaa", tmp_path)


def test_an_untranslated_language_must_say_its_own_name(tmp_path):
    write(tmp_path, "aaa", entry("voice", "fallback", "es"))
    with pytest.raises(ConfigError, match="lacks prompt language-choice:"):
        Catalogue.load("aaa", tmp_path)


def test_texts_of_the_site_come_from_the_same_catalogues_and_fall_back_the_same_way(tmp_path):
    write(tmp_path, "es", entry("site", "title", "Avisos"))
    assert Catalogue.load("tar", tmp_path).page("title") == "Avisos"
    with pytest.raises(ConfigError, match="no site “title”"):
        Catalogue.load("en", tmp_path).page("title")


@pytest.mark.parametrize("name", ["../up", "a/b", "Up", ".hidden", "x" * 50])
def test_a_prompt_whose_name_is_no_file_name_is_refused(tmp_path, name):
    write(tmp_path, "es", entry("prompt", name, "Hola"))
    with pytest.raises(ConfigError, match="that of a file"):
        Catalogue.load("es", tmp_path)


def test_every_text_fits_one_gsm7_message_with_its_code(catalogue):
    for name in names.WRITTEN:
        text = catalogue.sms(name, code="0000 0000 0000")
        assert set(text) <= GSM7, name
        assert len(text) <= 160, name


def test_no_text_says_what_the_line_is_for(catalogue):
    for name in names.WRITTEN:
        assert not TELLTALE.search(catalogue.sms(name, code="0")), name


def test_only_the_receipt_carries_a_code(catalogue):
    with_code = {name for name in names.WRITTEN if "#" in catalogue.sms(name, code="#")}
    assert with_code == {"received-code", "received-code-not-open"}
    assert "1234 5678 9012" in catalogue.sms("received-code", code="1234 5678 9012")


def test_the_receipt_names_the_word_that_asks_for_the_state():
    assert "ESTADO" in Catalogue.load("es").sms("received-code", code="0")
    assert "STATUS" in Catalogue.load("en").sms("received-code", code="0")


def test_the_welcome_tells_what_is_kept_what_is_not_and_what_nobody_can_promise():
    spanish, english = (Catalogue.load(each).spoken("welcome", "911") for each in ("es", "en"))
    assert spanish == ("¿Peligro? Nueve uno uno. Guardamos su voz, no su número. La telefónica sí.")
    assert english == (
        "Danger? Nine one one. We keep your voice, not your number. The phone company does."
    )


def test_the_advice_does_not_promise_what_the_network_breaks():
    assert "su compañía telefónica sabe que usted llamó" in Catalogue.load("es").prompt("advice")
    assert "your phone company knows that you called" in Catalogue.load("en").prompt("advice")


def test_spanish_callers_are_addressed_as_usted():
    texts = " ".join(Catalogue.load("es").prompts.values())
    assert not re.search(r"\b(tú|tu|tus|ti|tienes|quieres|puedes|deseas)\b", texts, re.IGNORECASE)


def test_a_language_offers_itself_with_its_key_in_its_own_words():
    assert Catalogue.load("es").spoken("language-choice", key="1") == "Español uno."
    assert Catalogue.load("en").spoken("language-choice", key="2") == "English two."


def test_no_prompt_is_spoken_with_an_empty_field(catalogue):
    for name in catalogue.prompt_names():
        assert "{" not in catalogue.spoken(name, emergency="911", key="1")


def test_an_operator_rewords_a_shipped_language_entry_by_entry(tmp_path):
    write(tmp_path, "es", entry("prompt", "goodbye", "Hasta luego."))
    reworded = Catalogue.load("es", tmp_path)
    assert reworded.prompt("goodbye") == "Hasta luego."
    assert reworded.prompt("welcome") == Catalogue.load("es").prompt("welcome")


def test_an_operator_adds_a_language_without_a_synthetic_voice(tmp_path):
    text = (catalogues() / "es.po").read_text("utf-8").replace('msgstr "es-419"', 'msgstr ""')
    (tmp_path / "nah.po").write_text(text, "utf-8")
    assert Catalogue.load("nah", tmp_path).voice.name == ""


def test_an_unfinished_or_unsure_entry_leaves_the_shipped_words(tmp_path):
    unsure = "#, fuzzy\n" + entry("prompt", "goodbye", "Chao") + entry("prompt", "welcome", "")
    write(tmp_path, "es", unsure)
    assert Catalogue.load("es", tmp_path) == Catalogue.load("es")


def test_a_language_without_a_catalogue_says_which_file_to_write(tmp_path):
    with pytest.raises(ConfigError, match="nah") as error:
        Catalogue.load("nah", tmp_path)
    assert str(tmp_path / "nah.po") in error.value.todo


@pytest.mark.parametrize("code", ["", "../es", "e", "ES", "es/..", "es.po"])
def test_a_malformed_language_code_never_becomes_a_path(code):
    with pytest.raises(ConfigError, match="malformed"):
        Catalogue.load(code)


def test_a_new_language_that_is_not_whole_says_what_is_missing(tmp_path):
    write(tmp_path, "nah", entry("prompt", "goodbye", "…"))
    with pytest.raises(ConfigError, match="lacks prompt language-choice") as error:
        Catalogue.load("nah", tmp_path)
    assert "sms unavailable" in str(error.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (entry("prompt", "welcome", "Hola {nombre}"), "only these fields"),
        (entry("prompt", "welcome", "Hola {emergency.real}"), "only these fields"),
        (entry("prompt", "welcome", "Hola {"), "a brace stands alone"),
        (entry("prompt", "welcome", "Hola {emergency:d}"), "a field is its name alone"),
        (entry("sms", "received-code", "{code: 4}"), "a field is its name alone"),
        (entry("sms", "received-code", "{code:0>2000}"), "a field is its name alone"),
        (entry("sms", "received-code", "{code!r}"), "a field is its name alone"),
        (entry("sms", "received-code", "{code:{code}}"), "a field is its name alone"),
        (entry("sms", "received-code", "Gracias"), "the field {code} is missing"),
        (entry("prompt", "language-choice", "Español"), "the field {key} is missing"),
        (entry("prompts", "welcome", "Hola"), "msgctxt must be"),
        ('msgid "welcome"\nmsgstr "Hola"\n', "msgctxt must be"),
    ],
)
def test_an_entry_that_cannot_be_said_is_refused_with_file_and_line(tmp_path, text, reason):
    file = write(tmp_path, "es", text)
    with pytest.raises(ConfigError) as error:
        Catalogue.load("es", tmp_path)
    assert re.match(rf"{re.escape(str(file))}:\d+: ", str(error.value))
    assert reason in str(error.value)


def test_plural_forms_are_refused(tmp_path):
    plural = 'msgctxt "sms"\nmsgid "received"\nmsgid_plural "many"\nmsgstr[0] "a"\nmsgstr[1] "b"\n'
    write(tmp_path, "es", plural)
    with pytest.raises(ConfigError, match="plural"):
        Catalogue.load("es", tmp_path)


@pytest.mark.parametrize("speed", ["fast", "79", "451", "²"])
def test_a_speed_that_cannot_be_spoken_is_refused(tmp_path, speed):
    write(tmp_path, "es", entry("voice", "words-per-minute", speed))
    with pytest.raises(ConfigError, match="speed"):
        Catalogue.load("es", tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"hello\n", b'msgid "a\n'])
def test_a_file_that_is_no_po_file_is_refused_by_name(tmp_path, content):
    (tmp_path / "es.po").write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path / 'es.po'}: not a readable PO")):
        Catalogue.load("es", tmp_path)


@settings(max_examples=300, deadline=None, database=None)
@given(st.one_of(st.binary(max_size=120), st.lists(_LINES).map("\n".join).map(str.encode)))
def test_any_file_is_a_catalogue_or_a_configuration_error(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("po")
    (folder / "es.po").write_bytes(content)
    try:
        assert Catalogue.load("es", folder).prompt("goodbye")
    except ConfigError as error:
        assert str(folder) in str(error)


def test_asking_for_what_is_not_there_is_an_error(catalogue):
    with pytest.raises(ConfigError, match="no prompt “nothing”"):
        catalogue.prompt("nothing")
    with pytest.raises(ConfigError, match="no sms “nothing”"):
        catalogue.sms("nothing")


def test_a_text_without_its_field_is_an_error_that_does_not_carry_the_others(catalogue):
    with pytest.raises(ConfigError) as error:
        catalogue.sms("received-code", kode="123456789018")
    assert "123456789018" not in str(error.value)


def test_the_answer_in_both_languages_is_one_short_message():
    answers = [
        Catalogue.load(language).sms("received-code", code="1234 5678 9012")
        for language in ("es", "en")
    ]
    assert len("\n".join(answers)) <= 160


def test_every_answer_with_a_code_is_short_enough_for_both_languages():
    for name in names.WRITTEN:
        both = [Catalogue.load(each).sms(name, code="1234 5678 9012") for each in ("es", "en")]
        parts = 1 if name != "help" else 2
        assert len("\n".join(both)) <= (160 if parts == 1 else 2 * 153), name


def test_the_answer_names_the_keyword_that_asks_for_the_state():
    for language in shipped():
        catalogue = Catalogue.load(language)
        assert catalogue.words("status")[0] in catalogue.sms("received-code", code="0")
        assert catalogue.words("status")[0] in catalogue.sms("status-no-code")
        for keyword in ("status", "stop"):
            assert catalogue.words(keyword)[0] in catalogue.sms("help")


def test_what_is_named_is_a_keyword_of_its_own_alone():
    for language in shipped():
        catalogue = Catalogue.load(language)
        words = [word.casefold() for name in names.KEYWORDS for word in catalogue.words(name)]
        assert len(set(words)) == len(words)


@pytest.mark.parametrize("text", ["STATUS, , NEWS", "STATUS 1", "STATUS,", "ST-ATUS"])
def test_a_keyword_that_nobody_could_write_is_refused(tmp_path, text):
    write(tmp_path, "es", entry("keyword", "status", text))
    with pytest.raises(ConfigError, match="words of letters, separated by commas"):
        Catalogue.load("es", tmp_path)


def test_a_catalogue_that_may_not_be_looked_for_is_not_taken_for_missing(tmp_path, monkeypatch):
    def refused(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refused)
    with pytest.raises(ConfigError, match=r"\.po: cannot be read \(Permission denied\)"):
        Catalogue.load("es", tmp_path)
