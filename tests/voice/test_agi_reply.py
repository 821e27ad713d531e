import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.errors import CallerHungUp, VoiceError
from tipline_gw.voice.agi_reply import LINE, LINES, Reply, read_reply

USAGE = b"520-Invalid command syntax.  Proper usage follows:\nUsage: ANSWER\n520 End of usage.\n"


def reply(wire: bytes) -> Reply:
    return read_reply(io.BytesIO(wire).readline)


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (b"200 result=0\n", Reply(0)),
        (b"200 result=49\r\n", Reply(49)),
        (b"200 result=35 endpos=12000\n", Reply(35, False, 12000)),
        (b"200 result=0 (timeout) endpos=7\n", Reply(0, False, 7)),
        (b"200 result=1 (a value)\n", Reply(1)),
        (b"200 result=-1\n", Reply(-1)),
        (b"200 result=-1 (hangup) endpos=4000\n", Reply(-1, True, 4000)),
        (b"100 result=0 Trying...\n\n200 result=0\n", Reply(0)),
        (b"HANGUP\n200 result=0\n", Reply(0, True)),
    ],
)
def test_a_reply_is_read(wire: bytes, expected: Reply) -> None:
    assert reply(wire) == expected


def test_a_hangup_line_between_replies_does_not_put_them_off_by_one() -> None:
    stream = io.BytesIO(b"200 result=1\nHANGUP\n200 result=2\n200 result=3\n")
    replies = [read_reply(stream.readline) for _ in range(3)]
    assert [each.result for each in replies] == [1, 2, 3]
    assert [each.hung_up for each in replies] == [False, True, False]


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"", id="end of stream"),
        pytest.param(b"HANGUP\n", id="end of stream after the hang-up"),
        pytest.param(b"200 result=", id="cut off"),
        pytest.param(b"511 Command Not Permitted on a dead channel\n", id="dead channel"),
        pytest.param(b"520-Usage follows\nUsage: X\n", id="usage that the stream ends in"),
    ],
)
def test_a_caller_who_is_gone(wire: bytes) -> None:
    with pytest.raises(CallerHungUp):
        reply(wire)


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"510 Invalid or unknown command\n", id="unknown command"),
        pytest.param(USAGE, id="usage"),
        pytest.param(b"520 Invalid command syntax.\n", id="short usage"),
        pytest.param(b"520-Usage\n" + b"Usage: X\n" * 1000, id="usage without end"),
        pytest.param(b"100 Trying\n" * (LINES + 1), id="nothing but provisional"),
        pytest.param(b"200 result=0" + b" " * LINE + b"\n", id="too long a line"),
        pytest.param(b"200 result=zero\n", id="no number"),
        pytest.param(b"200 result=0 endpos=+526561234567x\n", id="no position"),
        pytest.param(b"\xff\xfe\x00 garbage\n", id="garbage"),
    ],
)
def test_what_is_no_reply_is_our_error_without_its_text(wire: bytes) -> None:
    with pytest.raises(VoiceError) as caught:
        reply(wire)
    assert not isinstance(caught.value, CallerHungUp)
    assert "52656" not in str(caught.value)
    assert "garbage" not in str(caught.value)


# Pieces of the protocol, chosen by one random octet each: cheap to draw, near to what is valid.
_PIECES = [
    b"200 result=", b"-1", b"0", b"49", b" (hangup)", b" endpos=", b"\n", b"HANGUP", b"\r\n",
    b"511 ", b"510 ", b"520-", b"520 ", b"100 ", b" (", b")", b" ", b"200 result=0\n", b"HANGUP\n",
]  # fmt: skip


def _built(plan: bytes) -> bytes:
    """Half of the plans stand for themselves, the others name pieces. One strategy, since
    choosing among several costs more than everything else here."""
    if plan[:1] < b"\x80":
        return plan[1:]
    return b"".join(
        _PIECES[octet % 32] if octet % 32 < len(_PIECES) else bytes((octet,)) for octet in plan
    )


# Four to an example: what hypothesis does around an example costs ten times what is tested in it.
@given(st.binary(max_size=64))
@settings(max_examples=25_000, deadline=None, database=None)
def test_a_hundred_thousand_strings_are_replies_or_our_error(plans: bytes) -> None:
    for start in range(4):
        reply_or_our_error(_built(plans[start::4]))


def reply_or_our_error(wire: bytes) -> None:
    try:
        assert isinstance(reply(wire), Reply)
    except VoiceError as error:
        assert error.what
