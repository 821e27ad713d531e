import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw.errors import ConfigError
from tipline_gw.settings.secret import read_secret


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "secret"
    made.touch(0o600)
    return made


@pytest.mark.parametrize("text", ["hunter2", "hunter2\n", 'a;b\\"=>[x]'])
def test_one_line_is_a_password(path, text):
    path.write_text(text)
    assert read_secret(path) == text.rstrip("\n")


@pytest.mark.parametrize("text", ["", "\n", "a b", "a\nb", "ñ", "x" * 129, "a\x00"])
def test_what_asterisk_could_not_carry_is_refused_and_not_told(path, text):
    path.write_text(text)
    with pytest.raises(ConfigError, match="is not one line") as caught:
        read_secret(path)
    assert len(text) < 3 or text.strip() not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_can_read_is_refused(path, mode):
    path.write_text("hunter2")
    path.chmod(mode)
    with pytest.raises(ConfigError, match="others can read it: chmod 600") as caught:
        read_secret(path)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match="write the password into it, chmod 600"):
        read_secret(tmp_path / "none")


@given(st.binary(max_size=200))
def test_any_file_is_a_password_or_our_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("secret") / "secret"
    path.touch(0o600)
    path.write_bytes(data)
    try:
        secret = read_secret(path)
    except ConfigError:
        return
    assert secret.isascii()
    assert not any(character in secret for character in " \r\n\0")
