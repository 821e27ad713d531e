import socket
import struct
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tipline_gw.demo.rtp_phone import EVENT, PCMU, Phone, decode, encode


@pytest.fixture
def far() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        far.settimeout(10)
        yield far


@pytest.fixture
def phone(far: socket.socket) -> Iterator[Phone]:
    phone = Phone()
    phone.connect("127.0.0.1", far.getsockname()[1])
    yield phone
    phone.close()


def packets(far: socket.socket, count: int) -> list[tuple[int, bool, int, int, bytes]]:
    """Payload type, marker, sequence, time stamp and body of each."""
    taken = []
    for _ in range(count):
        data = far.recv(2048)
        _, kind, sequence, clock, _ = struct.unpack("!BBHII", data[:12])
        taken.append((kind & 0x7F, bool(kind & 0x80), sequence, clock, data[12:]))
    return taken


def test_mu_law_gives_back_what_it_took_within_its_steps() -> None:
    pcm = np.arange(-32000, 32000, 37, dtype="<i2")
    again = np.frombuffer(decode(encode(bytes(pcm))), dtype="<i2").astype(int)
    assert np.max(np.abs(again - pcm) / (np.abs(pcm.astype(int)) + 132)) < 0.04
    assert encode(bytes(2)) == b"\xff"
    assert decode(bytes(range(256)))[-2:] == b"\0\0"


def test_a_silent_phone_sends_silence_in_an_unbroken_stream(
    phone: Phone, far: socket.socket
) -> None:
    taken = packets(far, 5)
    first = taken[0]
    for number, (kind, _, sequence, clock, body) in enumerate(taken):
        assert (kind, body) == (PCMU, b"\xff" * 160)
        assert sequence - first[2] == number
        assert clock - first[3] == 160 * number


def test_a_key_is_one_event_with_one_beginning_and_a_repeated_end(
    phone: Phone, far: socket.socket
) -> None:
    phone.press("#")
    events = [each for each in packets(far, 25) if each[0] == EVENT]
    assert len(events) == 11
    assert {body[0] for *_, body in events} == {11}
    assert len({clock for _, _, _, clock, _ in events}) == 1
    assert [marker for _, marker, *_ in events] == [True] + [False] * 10
    assert [bool(body[1] & 0x80) for *_, body in events] == [False] * 8 + [True] * 3
    durations = [struct.unpack("!H", body[2:])[0] for *_, body in events]
    assert durations == sorted(durations)


def test_speech_is_sent_whole_and_busy_until_then(phone: Phone, far: socket.socket) -> None:
    pcm = bytes(np.full(480, 1000, dtype="<i2"))
    phone.speak(pcm)
    assert phone.busy
    spoken = [each for each in packets(far, 12) if each[4] != b"\xff" * 160]
    assert len(spoken) == 3
    assert not phone.busy


def test_what_comes_is_heard(phone: Phone, far: socket.socket) -> None:
    body = encode(bytes(np.full(160, -2000, dtype="<i2")))
    header = struct.pack("!BBHII", 0x80, PCMU, 1, 160, 9)
    far.sendto(header + body, ("127.0.0.1", phone.port))
    until = time.monotonic() + 10
    while not phone.last_heard and time.monotonic() < until:
        time.sleep(0.01)
    assert phone.heard == decode(body)
