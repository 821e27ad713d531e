from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.boundary.line_buffer import MAX_LINE, LineBuffer, pieces


def lines(*chunks: bytes) -> list[bytes]:
    buffer = LineBuffer()
    found = []
    for chunk in chunks:
        for piece, ended in pieces(chunk):
            buffer.extend(piece)
            assert len(buffer.line) <= MAX_LINE
            if ended and buffer.worth:
                found.append(b"<overlong>" if buffer.overlong else bytes(buffer.line))
                buffer.clear()
    return found


def test_every_line_end_ends_a_line() -> None:
    raw = b"\r\nOK\r\nAT\r\r\nERROR\nx\ry\n\r\r\rz"
    assert lines(raw) == [b"OK", b"AT", b"ERROR", b"x", b"y"]


def test_nuls_are_skipped_and_noise_is_marked() -> None:
    assert lines(b"O\x00K\r\n") == [b"OK"]
    assert lines(b"\xff\x7f\x01\tOK\r\n") == [b"????OK"]
    buffer = LineBuffer()
    buffer.extend(memoryview(b"\x80"))
    assert buffer.noisy
    buffer.clear()
    assert not buffer.noisy


def test_a_line_without_end_is_swallowed_and_the_next_is_whole() -> None:
    assert lines(b"A" * (MAX_LINE + 5) + b"\r\nOK\r\n") == [b"<overlong>", b"OK"]
    assert lines(b"A" * MAX_LINE + b"\r\n") == [b"A" * MAX_LINE]


def test_clearing_leaves_nothing() -> None:
    buffer = LineBuffer()
    buffer.extend(memoryview(b"+526561234567"))
    view = buffer.line
    buffer.clear()
    assert bytes(view) == bytes(13)


def test_dropping_the_beginning_leaves_the_rest_and_nothing_behind_it() -> None:
    buffer = LineBuffer()
    buffer.extend(memoryview(b"> +CSQ: 1"))
    buffer.drop(2)
    assert bytes(buffer.line) == b"+CSQ: 1"
    assert bytes(buffer._octets[:12]) == b"+CSQ: 1" + bytes(5)
    buffer.drop(7)
    assert not buffer.worth


def test_a_prompt_is_found_at_the_beginning_alone() -> None:
    for raw, end in (
        (b"> ", 2), (b"?> ", 3), (b"\xff\xff\xff\xff> ", 6), (b">", 0), (b"> +CSQ", 2),
        (b"say what > ", 0), (b"?????> ", 0),
    ):  # fmt: skip
        buffer = LineBuffer()
        buffer.extend(memoryview(raw))
        assert buffer.prompt_end(0) == end
        halved = LineBuffer()
        found = []
        for at in range(len(raw)):
            seen = halved.extend(memoryview(raw)[at : at + 1])
            found.append(halved.prompt_end(seen))
        assert max(found) == end


@settings(max_examples=500, deadline=None, database=None)
@given(st.lists(st.text("\r\n\x00\xffOK> ").map(lambda text: text.encode("latin-1"))))
def test_where_chunks_end_does_not_matter(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    single = [whole[at : at + 1] for at in range(len(whole))]
    assert lines(*chunks) == lines(whole) == lines(*single)


@settings(max_examples=100, deadline=None, database=None)
@given(st.binary(max_size=30), st.integers(MAX_LINE - 20, MAX_LINE + 5))
def test_the_end_of_the_buffer_is_the_end(tail: bytes, size: int) -> None:
    head = b"A" * size
    assert lines(head + tail, b"\nOK\n") == lines(head, tail, b"\n", b"OK\n")
    expected = lines(*(bytes((octet,)) for octet in head + tail + b"\nOK\n"))
    assert lines(head, tail, b"\nOK\n") == expected
