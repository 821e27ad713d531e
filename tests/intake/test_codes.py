import threading

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tipline_gw.domain import case_code
from tipline_gw.domain.case_code import CaseCode
from tipline_gw.intake import codes
from tipline_gw.intake.codes import CodePool, derive, drawn
from tipline_gw.sealing.identities import HybridIdentity
from tipline_gw.sealing.recipients import MLKEM_PUBLIC_SIZE, X25519_SIZE
from tipline_gw.sealing.secret import hkdf_sha256

CODE, SALT = CaseCode("123456789016"), b"s" * 16
HASH = "ee6bdad837ec2144eabbfbfcbeb252e4fe2364e27dd48a0e0d4339ad26207e06"
SEED = "9a66236e5dd843f060c6381082ef15b59d074a7000d3ecab0a40ea890f558aff"


def test_what_is_derived_never_changes():
    """Codes are given for years: another derivation would orphan them all."""
    found = derive(CODE, SALT)
    assert found.hash.hex() == HASH
    assert found.seed.hex() == SEED


def test_a_code_costs_one_memory_hard_hash_and_no_part_of_it_is_stored(monkeypatch):
    runs = []

    def counted(**parameters):
        runs.append(Argon2id(**parameters).derive(CODE.encode()))
        return Argon2id(**parameters)

    monkeypatch.setattr(codes, "Argon2id", counted)
    one = drawn(CODE, SALT)
    (root,) = runs
    assert one.hash == bytes(hkdf_sha256(root, b"", codes.HASH_INFO))
    assert root not in (one.hash, derive(CODE, SALT).seed)
    assert root[:8] not in one.hash + one.answer_key


def test_the_hash_does_not_lead_to_the_seed():
    """Whoever has the hash can derive from it what a code derives from its root: another key."""
    found = derive(CODE, SALT)
    public = drawn(CODE, SALT).answer_key
    for info in (codes.HASH_INFO, codes.ANSWER_INFO, b""):
        guess = bytes(hkdf_sha256(found.hash, b"", info))
        assert HybridIdentity(guess).recipient.raw != public
    assert HybridIdentity(found.hash).recipient.raw != public
    assert found.identity.recipient.raw == public
    assert len(public) == MLKEM_PUBLIC_SIZE + X25519_SIZE


def test_another_salt_or_code_gives_another_of_both():
    one, salted, other = (
        derive(CODE, SALT),
        derive(CODE, b"t" * 16),
        derive(CaseCode("0" * 12), SALT),
    )
    assert len({one.hash, salted.hash, other.hash}) == 3
    assert len({one.seed, salted.seed, other.seed}) == 3


def test_what_the_pool_draws_is_what_a_look_up_derives():
    pool = CodePool(SALT, ready=1)
    one = pool.take(30)
    pool.close()
    assert case_code.parse(one.code) == one.code
    found = pool.derive(one.code)
    assert (found.hash, found.identity.recipient.raw) == (one.hash, one.answer_key)


def test_a_draw_that_fails_does_not_end_drawing(monkeypatch):
    failed = threading.Event()
    draw = case_code.draw

    def first_fails():
        if not failed.is_set():
            failed.set()
            raise MemoryError
        return draw()

    monkeypatch.setattr(case_code, "draw", first_fails)
    pool = CodePool(SALT, ready=1)
    assert pool.take(30)
    assert failed.is_set()
    pool.close()
