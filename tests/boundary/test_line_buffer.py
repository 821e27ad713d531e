from tipline_gw.boundary.line_buffer import MAX_LINE, LineBuffer


def lines(raw: bytes) -> list[bytes]:
    buffer = LineBuffer()
    found = []
    for octet in raw:
        if buffer.push(octet):
            found.append(b"<overlong>" if buffer.overlong else bytes(buffer.line))
            buffer.clear()
        else:
            assert len(buffer.line) <= MAX_LINE
    return found


def test_every_line_end_ends_a_line() -> None:
    raw = b"\r\nOK\r\nAT\r\r\nERROR\nx\ry\n\r\r\rz"
    assert lines(raw) == [b"OK", b"AT", b"ERROR", b"x", b"y"]


def test_nuls_are_skipped_and_noise_is_marked() -> None:
    assert lines(b"O\x00K\r\n") == [b"OK"]
    assert lines(b"\xff\x7f\x01\tOK\r\n") == [b"????OK"]
    buffer = LineBuffer()
    buffer.push(0x80)
    assert buffer.noisy
    buffer.clear()
    assert not buffer.noisy


def test_a_line_without_end_is_swallowed_and_the_next_is_whole() -> None:
    assert lines(b"A" * (MAX_LINE + 5) + b"\r\nOK\r\n") == [b"<overlong>", b"OK"]
    assert lines(b"A" * MAX_LINE + b"\r\n") == [b"A" * MAX_LINE]


def test_clearing_leaves_nothing() -> None:
    buffer = LineBuffer()
    for octet in b"+526561234567":
        buffer.push(octet)
    view = buffer.line
    buffer.clear()
    assert bytes(view) == bytes(13)


def test_a_prompt_is_a_line_of_its_own() -> None:
    for raw, prompt in ((b"> ", True), (b"?> ", True), (b">", False), (b"say what > ", False)):
        buffer = LineBuffer()
        for octet in raw:
            buffer.push(octet)
        assert buffer.ends_with_prompt() is prompt
