import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.domain import case_code
from tipline_gw.intake.asking import asked_code

KEYWORDS = ("ESTADO", "STATUS")
CODE = case_code.CaseCode("12345678901" + str(case_code.check_digit("12345678901")))
WRONG = CODE[:-1] + str((int(CODE[-1]) + 1) % 10)


@pytest.mark.parametrize(
    "text",
    [
        f"ESTADO {CODE}",
        f"estado {case_code.written(CODE)}",
        f"  Status: {CODE[:4]}-{CODE[4:8]}-{CODE[8:]}. ",
        f"éstado\n{CODE}",
    ],
)
def test_a_keyword_and_a_code_ask_for_the_state(text):
    assert asked_code(text, KEYWORDS) == (True, CODE)


@pytest.mark.parametrize("digits", [WRONG, CODE[:-1], CODE + "1"])
def test_a_code_that_cannot_be_one_is_asked_for_all_the_same(digits):
    assert asked_code(f"ESTADO {digits}", KEYWORDS) == (True, None)


@pytest.mark.parametrize(
    "text",
    [
        "Estado de ebriedad en la calle 12",
        "ESTADO 12",
        f"ESTADOS {CODE}",
        f"mi folio es {CODE}",
        CODE,
        "",
        f"ESTADO {CODE} pero además vi otra camioneta",
    ],
)
def test_everything_else_is_a_tip(text):
    assert asked_code(text, KEYWORDS) == (False, None)


@given(st.text(max_size=60))
@settings(deadline=None, database=None)
def test_any_text_gets_an_answer(text):
    asks, code = asked_code(text, KEYWORDS)
    assert asks or code is None
