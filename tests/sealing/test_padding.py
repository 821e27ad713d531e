from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.sealing.padding import TEXT_BLOCK, pad_text, recording_padding
from tipline_gw.sealing.stream import CHUNK_SIZE

documents = st.dictionaries(st.text(max_size=20), st.text(max_size=400), max_size=4)


@given(documents)
@settings(deadline=None, database=None)
def test_a_padded_document_fills_whole_blocks_and_says_the_same(document: dict[str, str]) -> None:
    text = json.dumps(document).encode()
    padded = pad_text(text)
    assert len(padded) % TEXT_BLOCK == 0
    assert len(text) <= len(padded) < len(text) + TEXT_BLOCK
    assert json.loads(padded) == document


def test_lengths_around_a_block() -> None:
    lengths = [len(pad_text(bytes(size))) for size in (0, 1, 511, 512, 513, 1024)]
    assert lengths == [512, 512, 512, 512, 1024, 1024]


@given(st.integers(0, 10 * CHUNK_SIZE))
@settings(deadline=None, database=None)
def test_a_padded_recording_fills_whole_chunks_with_the_fewest_octets(length: int) -> None:
    padding = recording_padding(length)
    assert (length + padding) % CHUNK_SIZE == 0
    assert 0 <= padding < CHUNK_SIZE
    assert padding % 2 == length % 2
