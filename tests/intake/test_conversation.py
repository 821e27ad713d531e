import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.domain import case_code
from tipline_gw.domain.case_code import CaseCode
from tipline_gw.intake.conversation import Addition, Conversation, Help, Question, Stop, Tip
from tipline_gw.prompts.catalogue import Catalogue

FOLDER = Path(__file__).parent
ORDINARY = [
    line
    for name in ("tips_es.txt", "tips_en.txt")
    for line in (FOLDER / name).read_text("utf-8").splitlines()
]
"""What people write to such a line, and what looks like a keyword or a code and is none."""

BOTH = Conversation([Catalogue.load("es"), Catalogue.load("en")])


def valid(free: str) -> CaseCode:
    return CaseCode(free + str(case_code.check_digit(free)))


CODE = valid("12345678901")
WRITTEN = case_code.written(CODE)
WRONG = CODE[:-1] + str((int(CODE[-1]) + 1) % 10)
SPANISH = Question(CODE, sure=True, language="es")
ENGLISH = Question(CODE, sure=True, language="en")

codes = st.integers(0, 10**11 - 1).map(lambda n: valid(f"{n:011d}"))


def test_there_are_many_ordinary_tips():
    assert len(set(ORDINARY)) > 300


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_tip_is_a_tip(text):
    assert isinstance(BOTH.hear(text), Tip)


@given(st.sampled_from(ORDINARY), st.randoms(use_true_random=False))
@settings(deadline=None, database=None, max_examples=500)
def test_an_ordinary_tip_is_a_tip_however_it_is_typed(text, chance):
    if len(text.split()) < 2:
        return
    assert isinstance(BOTH.hear(_typed(text, chance)), Tip)


def _typed(text: str, chance: random.Random) -> str:
    """In other case, with other marks, and a letter too many."""
    text = chance.choice([str.upper, str.lower, str.title, str])(text)
    place = chance.randrange(len(text))
    letter = text[place] if text[place].isalpha() else ""
    text = text[:place] + letter + text[place:]
    return (
        chance.choice(["", " ", "\n", "¡", "-"]) + text + chance.choice(["", ".", "!!", " ?", "…"])
    )


@pytest.mark.parametrize(
    "text",
    [
        f"ESTADO {CODE}",
        f"estado {WRITTEN}",
        f"Estado: {CODE[:4]}-{CODE[4:8]}-{CODE[8:]}. ",
        f"éstado\n{CODE}",
        f"estado{CODE}",
        f"ESTADO{WRITTEN}",
        f"ESTADO {WRITTEN.replace('0', 'O')}",
        f"ESTADO {WRITTEN.replace('1', 'l')}",
        f"ESTADO {WRITTEN.replace('1', 'I').replace('0', 'o')}",
        f"ESTAD0 {WRITTEN}",
        f"EESTADDO {WRITTEN}",
        f"Hola, estado de mi folio {WRITTEN} por favor, gracias",
        f"{WRITTEN} estado",
        f"Estado № {' '.join(CODE)}",
    ],
)
def test_the_keyword_and_a_code_ask_for_the_state(text):
    assert BOTH.hear(text) == SPANISH


@pytest.mark.parametrize(
    "text", [f"STATUS {CODE}", f"Status of my code: {WRITTEN}, please", f"status{CODE}!"]
)
def test_the_keyword_tells_the_language(text):
    assert BOTH.hear(text) == ENGLISH


@pytest.mark.parametrize(
    "typed",
    ["ESTDO", "ESTAOD", "ESTADP", "ESTAADO", "Estadoo", "ESTATUS", "Avance", "estado"],
)
def test_a_slip_of_a_key_is_forgiven_where_there_is_a_code(typed):
    heard = BOTH.hear(f"{typed} {WRITTEN}")
    assert isinstance(heard, Question)
    assert (heard.code, heard.language) == (CODE, "es")


@pytest.mark.parametrize("typed", ["ESTDO", "ESTADIO", "ESTATUS", "avance", "STAUS", "news"])
def test_only_the_word_that_the_answers_name_is_certain(typed):
    heard = BOTH.hear(f"{typed} {WRITTEN}")
    assert isinstance(heard, Question)
    assert not heard.sure
    assert BOTH.hear(f"{typed} {WRONG}") == Tip()


@pytest.mark.parametrize(
    "digits", ["", "?", WRONG, CODE[:-1], CODE + "1", WRITTEN + " 1", "123456"]
)
def test_the_keyword_with_what_is_no_code_asks_all_the_same(digits):
    assert BOTH.hear(f"ESTADO {digits}") == Question(None, sure=True, language="es")


@pytest.mark.parametrize(
    "text", [CODE, WRITTEN, f" {WRITTEN}.", f"Folio {WRITTEN}", f"mi folio es {CODE}", f"#{CODE}"]
)
def test_a_code_alone_may_ask_for_the_state(text):
    heard = BOTH.hear(text)
    assert isinstance(heard, Question)
    assert (heard.code, heard.sure) == (CODE, False)


@pytest.mark.parametrize("text", [WRONG, f"folio {WRONG}", CODE[:-1], CODE + "1"])
def test_a_number_alone_that_is_no_code_is_a_tip(text):
    assert BOTH.hear(text) == Tip()


@pytest.mark.parametrize(
    ("before", "rest"),
    [
        (f"{CODE} ", "vi otra camioneta"),
        (f"{WRITTEN}\n", "3 hombres armados"),
        (f"{WRITTEN}, ", "12"),
        (f"{CODE[:4]}-{CODE[4:8]}-{CODE[8:]}: ", "¿ya fueron?"),
        (f"{CODE}", "los vi otra vez"),
        (f"{WRITTEN}", "lo vi"),
        (f"Folio {WRITTEN} ", "ya volvieron"),
        (f"mi folio es {WRITTEN} - ", "son 4"),
        (f"ESTADO {WRITTEN} ", "pero además vi otra camioneta"),
        (f"{WRITTEN.replace('0', 'O')} ", "vi otra camioneta"),
        (f"{WRITTEN} ", "Alto"),
    ],
)
def test_text_behind_a_code_adds_to_it(before, rest):
    heard = BOTH.hear(before + rest)
    assert isinstance(heard, Addition)
    assert (heard.code, heard.text) == (CODE, rest)


@pytest.mark.parametrize("text", [f"{WRONG} vi otra", f"folio {WRONG}: vi otra"])
def test_twelve_digits_that_cannot_be_a_code_are_noticed(text):
    assert BOTH.hear(text) == Tip(not_open=True)


@pytest.mark.parametrize(
    "text",
    [
        f"el {WRITTEN} me llama",
        f"ayer vi {WRITTEN}",
        f"{CODE[:-1]} vi otra",
        f"{CODE}1 vi otra",
        f"{WRITTEN[:-1]} vi otra",
    ],
)
def test_a_code_elsewhere_or_of_another_length_is_a_tip(text):
    assert BOTH.hear(text) == Tip()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("AYUDA", "es"), ("Ayuda!!", "es"), (" ¿ayuda? ", "es"), ("ayudaaaa", "es"), ("ayda", "es"),
        ("Ayúda 🙏", "es"), ("HELP", "en"), ("help.", "en"), ("hellp", "en"), ("Info", None),
    ],
)  # fmt: skip
def test_one_word_asks_for_help(text, language):
    assert BOTH.hear(text) == Help(language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ALTO", "es"), ("alto.", "es"), ("Baja", "es"), ("cancelsr", "es"), ("STOP", "en"),
        ("Stop!", "en"), ("UNSUBSCRIBE", "en"), ("unsubcribe", "en"), ("cancel", "en"),
    ],
)  # fmt: skip
def test_one_word_asks_for_no_more_answers(text, language):
    assert BOTH.hear(text) == Stop(language)


@pytest.mark.parametrize("text", ["auto", "held", "hell", "step", "shop", "info 2", "alto ahi", ""])
def test_a_short_word_is_not_mistaken_for_a_keyword(text):
    assert BOTH.hear(text) == Tip()


def test_a_language_that_borrows_its_keywords_does_not_make_them_ambiguous():
    """Rarámuri's catalogue is empty: Spanish stands in."""
    heard = Conversation([Catalogue.load("es"), Catalogue.load("tar")])
    assert heard.hear("AYUDA") == Help("es")
    assert heard.hear(f"ESTADO {WRITTEN}") == SPANISH
    assert Conversation([Catalogue.load("tar")]).hear(f"ESTADO {WRITTEN}") == SPANISH


def test_only_the_configured_languages_are_understood():
    spanish = Conversation([Catalogue.load("es")])
    assert spanish.hear("HELP") == Tip()
    assert spanish.hear("info") == Help("es")


@given(codes, st.sampled_from(["ESTADO", "status"]), st.text(" .-\n/", max_size=3))
@settings(deadline=None, database=None)
def test_every_code_is_understood_in_any_groups(code, keyword, between):
    heard = BOTH.hear(f"{keyword} " + (between or " ").join(case_code.groups(code)))
    assert isinstance(heard, Question)
    assert (heard.code, heard.sure) == (code, True)


@given(codes, st.sampled_from(ORDINARY))
@settings(deadline=None, database=None)
def test_what_follows_a_code_is_never_lost(code, text):
    heard = BOTH.hear(f"{code} {text}")
    if isinstance(heard, Addition):
        assert heard.text
        assert text.endswith(heard.text)
    else:
        assert isinstance(heard, (Tip, Question))
        assert not isinstance(heard, Question) or not any(c.isdigit() for c in text)


@given(st.text(max_size=80))
@settings(deadline=None, database=None, max_examples=500)
def test_any_text_is_heard(text):
    heard = BOTH.hear(text)
    assert not isinstance(heard, Addition) or text.endswith(heard.text)


def test_a_long_text_is_no_question_but_may_add_to_a_case():
    long = "vi otra camioneta " * 500
    assert BOTH.hear(f"ESTADO {' ' * 300} {CODE}") == Tip()
    assert BOTH.hear(long) == Tip()
    assert BOTH.hear(f"{WRITTEN} {long}") == Addition(CODE, long)
