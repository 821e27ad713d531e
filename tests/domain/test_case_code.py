from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.domain import case_code

codes = st.integers(0, 10**11 - 1).map(
    lambda n: f"{n:011d}" + str(case_code.check_digit(f"{n:011d}"))
)


def test_a_drawn_code_is_twelve_digits_and_valid():
    for _ in range(100):
        code = case_code.draw()
        assert len(code) == 12
        assert case_code.parse(code) == code


def test_the_published_example_of_damm():
    assert case_code.check_digit("572") == 4


@given(codes)
@settings(deadline=None, database=None)
def test_written_and_read_again(code):
    assert case_code.parse(case_code.written(code)) == code
    assert "".join(case_code.groups(code)) == code
    assert case_code.parse(code.replace(code[3], code[3]) + " ") == code


@given(codes, st.integers(0, 11), st.integers(1, 9))
@settings(deadline=None, database=None)
def test_every_single_wrong_digit_is_noticed(code, place, shift):
    wrong = code[:place] + str((int(code[place]) + shift) % 10) + code[place + 1 :]
    assert case_code.parse(wrong) is None


@given(codes, st.integers(0, 10))
@settings(deadline=None, database=None)
def test_every_swap_of_neighbours_is_noticed(code, place):
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert (case_code.parse(swapped) is None) == (swapped != code)


@given(st.text(max_size=20))
@settings(deadline=None, database=None)
def test_anything_typed_is_a_code_or_none(typed):
    parsed = case_code.parse(typed)
    assert parsed is None or (len(parsed) == 12 and parsed.isascii())


def test_codes_do_not_repeat_soon():
    assert len({case_code.draw() for _ in range(1000)}) == 1000
