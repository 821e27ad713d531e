import pytest

from tipline_gw.demo.search import forms, search_files, search_octets

NUMBER = "+526561234567"

PLANTED = {
    "plain": b'callerid="+526561234567"',
    "plain, national": b"6561234567",
    "escaped for a URL": b"tel=%2B526561234567",
    "utf-16": "526561234567".encode("utf-16"),
    "utf-16 big-endian": "526561234567".encode("utf-16-be"),
    "in a PDU, binary": bytes.fromhex("0C91255616325476"),
    "in a PDU, hex": b"0C91255616325476",
    "in a PDU, lower-case hex": b"0c91255616325476",
    "in a PDU, national": b"0A815616325476",
    "in a PDU behind +521": bytes.fromhex("0D91256165214365F7"),
    "in a PDU behind +521, hex": b"256165214365F7",
    "a string with an emoji": "526561234567".encode("utf-32"),
    "UCS-2 in hex": "+526561234567".encode("utf-16-be").hex().encode(),
    "ASCII in hex": b"6561234567".hex().encode(),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_every_form_is_found(planted, tmp_path):
    (tmp_path / "log").write_bytes(b"before " + PLANTED[planted] + b" after")
    read, hits = search_files([tmp_path], [NUMBER])
    assert read == 1
    assert hits


def test_a_name_of_a_file_is_searched_too(tmp_path):
    (tmp_path / "6561234567.wav").write_bytes(b"")
    assert search_files([tmp_path], [NUMBER])[1]


def test_what_is_not_there_is_not_found(tmp_path):
    (tmp_path / "log").write_bytes(bytes(range(256)) * 100)
    assert search_files([tmp_path], [NUMBER]) == (1, [])
    assert list(search_octets(b"6561234568", [NUMBER])) == []
    assert len(set(forms(NUMBER).values())) == len(forms(NUMBER))
