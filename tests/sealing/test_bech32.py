from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.errors import SealError
from tipline_gw.sealing import bech32

# The example identity and recipient of the C2SP age specification, "The X25519 recipient type".
SPEC_IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
SPEC_RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"

prefixes = st.sampled_from(["age", "age1pq", "AGE-SECRET-KEY-", "AGE-SECRET-KEY-PQ-", "a", "1"])


def test_the_specifications_examples_decode_and_encode() -> None:
    prefix, data = bech32.decode(SPEC_IDENTITY)
    assert (prefix, data) == ("AGE-SECRET-KEY-", b"\x42" * 32)
    assert bech32.encode(prefix, data) == SPEC_IDENTITY
    assert bech32.encode(*bech32.decode(SPEC_RECIPIENT)) == SPEC_RECIPIENT


@given(prefixes, st.binary(max_size=2500))
@settings(max_examples=200, deadline=None, database=None)
def test_what_is_encoded_decodes_however_long(prefix: str, data: bytes) -> None:
    assert bech32.decode(bech32.encode(prefix, data)) == (prefix, data)


@given(st.text(max_size=120) | st.text("1aqpzry9x8AGE-", max_size=120))
@settings(max_examples=2000, deadline=None, database=None)
def test_any_string_decodes_or_is_a_seal_error(text: str) -> None:
    try:
        prefix, data = bech32.decode(text)
    except SealError as error:
        assert len(text) < 12 or text not in str(error)
    else:
        assert bech32.encode(prefix, data).lower() == text.lower()


@given(st.binary(min_size=32, max_size=32), st.data())
@settings(max_examples=300, deadline=None, database=None)
def test_one_changed_character_is_noticed(data: bytes, drawn: st.DataObject) -> None:
    text = bech32.encode("age", data)
    at = drawn.draw(st.integers(4, len(text) - 1))
    other = drawn.draw(st.sampled_from([c for c in "qpzry9x8gf2tvdw0s3" if c != text[at]]))
    with pytest.raises(SealError, match="checksum"):
        bech32.decode(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "too short"),
        ("age1", "too short"),
        ("1qqqqqq", "too short"),
        ("age" + SPEC_RECIPIENT[4:], "too short"),
        (SPEC_RECIPIENT[:-1] + "J", "mixed"),
        (SPEC_RECIPIENT[:-1] + "b", "character"),
        ("agé1" + SPEC_RECIPIENT[4:], "character"),
        ("age 1" + SPEC_RECIPIENT[4:], "character"),
        (SPEC_RECIPIENT[:-1], "checksum"),
    ],
)
def test_what_is_wrong_with_a_key_is_said(text: str, reason: str) -> None:
    with pytest.raises(SealError, match=reason):
        bech32.decode(text)


@pytest.mark.parametrize("values", [[0] * 51 + [1], [0] * 54], ids=["stray bits", "spare group"])
def test_padding_that_is_not_the_shortest_run_of_zeros_is_refused(values: list[int]) -> None:
    text = bech32.encode("age", bytes(32))
    body = values + bech32._checksum("age", values)
    forged = "age1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[value] for value in body)
    assert forged != text
    with pytest.raises(SealError, match="stray bits"):
        bech32.decode(forged)
