"""Tokens: the same for the same sender, never a number, forgotten in time."""

import threading

import pytest

from tests.boundary import pdus
from tipline_gw.boundary import gsm7
from tipline_gw.boundary.address import ALPHABET, answerable, token_field, token_in
from tipline_gw.boundary.vault import Vault
from tipline_gw.domain.sms import TOKEN_LENGTH, ReplyToken, repliable
from tipline_gw.errors import BoundaryError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def field(number: str = pdus.NUMBER, toa: str = "91") -> bytearray:
    return bytearray.fromhex(pdus.address(number, toa))


def name(sender: str) -> bytearray:
    return bytearray.fromhex(pdus.alphanumeric(sender))


def known(vault: Vault, token: ReplyToken) -> bool:
    try:
        with vault.address(token):
            return True
    except BoundaryError:
        return False


def test_a_token_is_eleven_letters_of_the_gsm_alphabet() -> None:
    token = Vault(60).remember(field(), b"1")
    assert len(token) == TOKEN_LENGTH
    assert token.isalpha()
    assert set(token) <= set(gsm7.DEFAULT)
    assert len(set(ALPHABET)) == 32


def test_the_same_sender_has_the_same_token_and_another_vault_another() -> None:
    vault, other = Vault(60), Vault(60)
    assert vault.remember(field(), b"1") == vault.token(field())
    assert vault.token(memoryview(field())) == vault.token(field())
    assert vault.token(field()) != vault.token(field("526561234568"))
    assert vault.token(field()) != other.token(field())


def test_the_half_octet_behind_an_odd_number_of_digits_does_not_matter() -> None:
    vault = Vault(60)
    filled, unfilled = field("52656123456"), field("52656123456")
    unfilled[-1] &= 0x0F
    assert filled != unfilled
    assert vault.token(filled) == vault.token(unfilled)


@pytest.mark.parametrize(
    ("sender", "kind"),
    [(field(), "T"), (field(pdus.NATIONAL, "81"), "T"), (field(pdus.NATIONAL, "A1"), "T"),
     (field("1234567", "C1"), "T"), (field("123456", "81"), "A"), (field("27663", "81"), "A"),
     (field(pdus.NUMBER, "B1"), "A"), (field(pdus.NUMBER, "E1"), "A"), (name("BANCO"), "A"),
     (bytearray.fromhex("0091"), "A"), (bytearray.fromhex("0C91256516A25476"), "A"),
     (bytearray.fromhex("0C912565163254FF"), "A")],
)  # fmt: skip
def test_only_a_subscribers_number_can_be_answered(sender: bytearray, kind: str) -> None:
    vault = Vault(60)
    token = vault.remember(sender, b"1")
    assert token[0] == kind
    assert repliable(token) is answerable(sender) is (kind == "T")
    assert known(vault, token) is (kind == "T")


def test_the_address_comes_back_and_its_copy_is_wiped() -> None:
    vault = Vault(60)
    token = vault.remember(memoryview(field()), b"1")
    with vault.address(token) as copy:
        assert copy == field()
    assert copy == bytes(len(copy))
    with vault.address(token) as copy:
        assert copy == field()


def test_an_address_lives_until_its_last_hold_is_released() -> None:
    vault = Vault(60)
    token = vault.remember(field(), b"1")
    vault.remember(field(), b"2")
    vault.remember(field(), b"2")
    assert vault.count == 1
    kept = vault._entries[token].address
    vault.release(token, [b"1", b"unknown"])
    assert known(vault, token)
    vault.release(token, [b"2"])
    assert not known(vault, token)
    assert kept == bytes(len(kept))
    assert vault.count == 0
    vault.release(token, [b"2"])


def test_an_address_is_wiped_when_its_time_is_up() -> None:
    clock = Clock()
    vault = Vault(60, clock)
    token = vault.remember(field(), b"1")
    kept = vault._entries[token].address
    clock.now += 59
    vault.remember(field(), b"2")
    clock.now += 59
    assert vault.sweep() == 0
    assert known(vault, token)
    clock.now += 1
    assert not known(vault, token)
    assert vault.count == 1
    assert vault.sweep() == 1
    assert vault.count == 0
    assert kept == bytes(len(kept))


def test_remembering_another_sweeps() -> None:
    clock = Clock()
    vault = Vault(60, clock)
    vault.remember(field(), b"1")
    clock.now += 60
    vault.remember(field("526561234568"), b"1")
    assert vault.count == 1


def test_what_was_renewed_outlives_what_was_not() -> None:
    clock = Clock()
    vault = Vault(60, clock)
    first = vault.remember(field(), b"1")
    others = [vault.remember(field(f"52656123{n:04d}"), b"1") for n in range(30)]
    clock.now += 30
    assert vault.remember(field(), b"2", first) == first
    clock.now += 30
    vault.remember(name("BANCO"), b"1")
    assert vault.count == 1
    assert known(vault, first)
    assert not any(known(vault, other) for other in others)
    clock.now += 30
    assert vault.sweep() == 1


def test_closing_wipes_everything_and_changes_the_key() -> None:
    vault = Vault(60)
    token = vault.remember(field(), b"1")
    kept = vault._entries[token].address
    vault.close()
    assert kept == bytes(len(kept))
    assert vault.count == 0
    assert vault.token(field()) != token


def test_a_vault_shows_only_how_many_it_holds() -> None:
    vault = Vault(60)
    token = vault.remember(field(), b"1")
    assert repr(vault) == "<Vault of 1>"
    pdus.assert_no_trace(repr(vault._entries[token]))
    assert token not in repr(vault)


def test_the_callers_buffer_may_be_wiped_after_remembering() -> None:
    vault = Vault(60)
    mine = field()
    token = vault.remember(mine, b"1")
    mine[:] = bytes(len(mine))
    with vault.address(token) as copy:
        assert copy == field()


def test_threads_may_share_a_vault() -> None:
    vault = Vault(60)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(300):
                own = field(f"52656{number:03d}{turn % 7:04d}")
                token = vault.remember(own, b"%d" % number)
                with vault.address(token) as copy:
                    assert copy == own
                vault.release(token, [b"%d" % number])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert vault.count == 0


def test_a_token_survives_the_way_through_an_address_field() -> None:
    token = Vault(60).token(field())
    assert token_in(token_field(token)) == token
    assert token_field(token).hex().upper() == "14D0" + pdus.pack(pdus.septets(token)).hex().upper()


@pytest.mark.parametrize("other", ["BANCO", "A1234567890", "XABCDEFGHIJ", "TABCDEFGHI1"])
def test_an_alphanumeric_sender_is_no_token(other: str) -> None:
    assert token_in(name(other)) is None
    assert token_in(field()) is None
