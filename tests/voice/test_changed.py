import pytest

from tests.voice.fakes import SPEECH, FakeRecording
from tipline_gw.domain.dialog import Ended
from tipline_gw.errors import StoreError
from tipline_gw.voice.changed import ChangedRecording


class Late:
    """Turns every bit over, and holds the last four octets back until it is flushed."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, pcm: bytes | memoryview) -> bytes:
        held = self._held + bytes(each ^ 0xFF for each in bytes(pcm))
        self._held = held[-4:]
        return held[:-4]

    def flush(self) -> bytes:
        return self._held


TURNED = bytes(each ^ 0xFF for each in SPEECH)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_what_comes_out_is_as_long_as_what_went_in_and_none_of_it(kind):
    inner = FakeRecording()
    changed = ChangedRecording(inner, Late())
    changed.write(kind(SPEECH))
    assert bytes(inner.pcm) == TURNED[:-4]
    changed.finish(Ended.HANGUP, spoken=True)
    assert bytes(inner.pcm) == TURNED
    assert (inner.ended, inner.spoken) == ([Ended.HANGUP], [True])


def test_silence_is_passed_on():
    inner = FakeRecording()
    ChangedRecording(inner, Late()).finish(Ended.KEY, spoken=False)
    assert (inner.ended, inner.spoken) == ([Ended.KEY], [False])


def test_a_store_that_does_not_take_the_rest_fails_it_and_it_is_finished_all_the_same():
    inner = FakeRecording(limit=0)
    changed = ChangedRecording(inner, Late())
    with pytest.raises(StoreError):
        changed.write(SPEECH)
    with pytest.raises(StoreError):
        changed.finish(Ended.KEY)
    assert inner.ended == [Ended.FAILED]
