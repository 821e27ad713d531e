import errno
import os
import re
from pathlib import Path

import pytest

from tipline_gw.asterisk_files import faults
from tipline_gw.errors import ConfigError, PromptError, VoiceError
from tipline_gw.settings.trunks import DahdiTrunk, DongleTrunk, Number, QuectelTrunk, SipTrunk
from tipline_gw.voice import asterisk_config
from tipline_gw.voice.asterisk_config import MARK, WRITABLE, Plan, Written, write

AGI = "127.0.0.1:4573"
MODULES = "usr/lib/aarch64-linux-gnu/asterisk/modules"


def plan(prompts: Path, directory: Path, **more: object) -> Plan:
    return Plan(directory, AGI, prompts, ("es", "en"), **more)  # type: ignore[arg-type]


def active(file: Path) -> list[str]:
    """The lines of a configuration file that say something."""
    lines = (line.split(";")[0].strip() for line in file.read_text().splitlines())
    return [line for line in lines if line]


def test_every_file_is_written_and_no_place_is_left_open(tmp_path: Path, prompts: Path) -> None:
    written = write(plan(prompts, tmp_path / "ast"))
    files = sorted(path.name for path in (tmp_path / "ast").glob("*.conf"))
    assert len(files) == written.files
    assert {"asterisk.conf", "modules.conf", "extensions.conf", "pjsip.conf"} <= set(files)
    assert {"logger.conf", "cdr.conf", "cel.conf", "manager.conf", "http.conf"} <= set(files)
    for name in files:
        text = (tmp_path / "ast" / name).read_text()
        assert text.startswith(MARK)
        assert not re.search(r"@[A-Z_]+@", text)
    assert all((tmp_path / "ast" / name).is_dir() for name in WRITABLE)


def test_what_leaks_a_number_in_asterisk_is_off(tmp_path: Path, prompts: Path) -> None:
    write(plan(prompts, tmp_path, sip_listen="127.0.0.1:5060"))
    for name in ("cdr.conf", "cel.conf"):
        assert "enable = no" in active(tmp_path / name)
    assert "enabled = no" in active(tmp_path / "manager.conf")
    assert "enabled = no" in active(tmp_path / "http.conf")
    assert "dumpcore = no" in active(tmp_path / "asterisk.conf")
    assert "autoload = no" in active(tmp_path / "modules.conf")
    assert active(tmp_path / "logger.conf")[-1] == "console => error,warning"
    assert "queue_log = no" in active(tmp_path / "logger.conf")
    pjsip = active(tmp_path / "pjsip.conf")
    for line in ("trust_id_inbound = no", "send_pai = no", "send_rpid = no", "debug = no",
                 "callerid = anonymous <anonymous>"):  # fmt: skip
        assert line in pjsip


@pytest.mark.parametrize(
    "module",
    [
        *("cdr_", "cel_", "manager", "http", "history", "res_pjsip_logger", "res_security_log"),
        *("res_pjsip_caller_id", "res_pjsip_diversion", "app_record", "app_verbose", "func_db"),
    ],
)
def test_no_module_that_learns_or_writes_who_calls_is_loaded(
    tmp_path: Path, prompts: Path, module: str
) -> None:
    write(plan(prompts, tmp_path))
    loads = [line for line in active(tmp_path / "modules.conf") if line.startswith("load")]
    assert len(loads) > 20
    assert not [line for line in loads if module in line]


def test_every_way_into_the_dialplan_first_forgets_the_caller(
    tmp_path: Path, prompts: Path
) -> None:
    write(plan(prompts, tmp_path))
    entries = [line for line in active(tmp_path / "extensions.conf") if ",1," in line]
    calls = [line for line in entries if not line.startswith("exten => T,")]
    assert len(calls) == 9
    assert all(line.endswith(",1,Set(CALLERID(all)=)") for line in calls)


def test_all_that_says_who_called_is_blank_before_the_call_is_answered(
    tmp_path: Path, prompts: Path
) -> None:
    write(plan(prompts, tmp_path))
    text = (tmp_path / "extensions.conf").read_text()
    before, _, after = text.partition("Answer()")
    for name in ("CALLERID(all)", "CALLERID(ANI-all)", "CALLERID(RDNIS)", "CALLERID(DNID)"):
        assert f"Set({name}=)" in before
    for name in ("REDIRECTING(from-all,i)", "REDIRECTING(orig-all,i)", "CONNECTEDLINE(all,i)"):
        assert f"Set({name}=)" in before
    assert f"AGI(agi://{AGI},${{TIPLINE_TRUNK}})" in after


def test_an_unserved_call_hears_an_apology_in_its_language_or_in_every_one(
    tmp_path: Path, prompts: Path
) -> None:
    write(plan(prompts, tmp_path))
    lines = active(tmp_path / "extensions.conf")
    after = lines[lines.index(f"same => n,AGI(agi://{AGI},${{TIPLINE_TRUNK}})") + 1 :]
    assert after[:4] == [
        'same => n,GotoIf($["${CHANNEL(language):-3}" = "_ZZ"]?${TIPLINE_APOLOGY},s,1)',
        "same => n,Playback(tipline/cannot-take-now)",
        "same => n,Hangup()",
        "exten => T,1,Hangup()",
    ]
    everyone = after[after.index("[any-apology]") + 2 :]
    assert everyone[:5] == [
        "same => n,Set(CHANNEL(language)=es)",
        "same => n,Playback(tipline/cannot-take-now)",
        "same => n,Set(CHANNEL(language)=en)",
        "same => n,Playback(tipline/cannot-take-now)",
        "same => n,Hangup()",
    ]


def test_without_a_trunk_nothing_listens_and_what_to_do_is_there(
    tmp_path: Path, prompts: Path
) -> None:
    write(plan(prompts, tmp_path))
    assert not [line for line in active(tmp_path / "pjsip.conf") if "transport" in line]
    assert "[[trunk]]" in (tmp_path / "pjsip.conf").read_text()


def test_a_trunk_listens_on_the_loopback(tmp_path: Path, prompts: Path) -> None:
    write(plan(prompts, tmp_path, sip_listen="127.0.0.1:5060"))
    lines = active(tmp_path / "pjsip.conf")
    assert "bind = 127.0.0.1:5060" in lines
    assert "match = 127.0.0.1" in lines
    assert "media_address = 127.0.0.1" in lines


@pytest.mark.parametrize("listen", ["0.0.0.0:5060", "192.0.2.1:5060", "5060", "[::]:5060"])
def test_a_trunk_anywhere_else_is_refused(tmp_path: Path, prompts: Path, listen: str) -> None:
    with pytest.raises(VoiceError):
        write(plan(prompts, tmp_path / "ast", sip_listen=listen))
    assert not (tmp_path / "ast").exists()


@pytest.mark.parametrize(
    ("trunk", "fits"),
    [("0.0.0.0:5060", False), ("127.0.0.1:5060", False), ("192.0.2.1:5060", True),
     ("0.0.0.0:5070", True)],
)  # fmt: skip
def test_two_trunks_cannot_have_one_port(
    tmp_path: Path, prompts: Path, trunk: str, fits: bool
) -> None:
    made = plan(
        prompts, tmp_path / "ast", sip_listen="127.0.0.1:5060",
        trunks=[SipTrunk(name="p", kind="sip", host="192.0.2.9", listen=trunk)],
    )  # fmt: skip
    if fits:
        write(made)
    else:
        with pytest.raises(ConfigError, match="trunk p listens"):
            write(made)
    assert (tmp_path / "ast").exists() is fits


def test_prompts_go_with_it_and_one_that_is_no_more_goes(tmp_path: Path, prompts: Path) -> None:
    written = write(plan(prompts, tmp_path / "ast"))
    assert written.prompts == 8
    sounds = tmp_path / "ast" / "sounds"
    assert (sounds / "es/tipline/menu.sln").read_bytes() == (prompts / "es/menu.sln").read_bytes()
    (prompts / "es" / "menu.sln").unlink()
    write(plan(prompts, tmp_path / "ast"))
    assert not (sounds / "es/tipline/menu.sln").exists()
    assert (sounds / "en/tipline/menu.sln").exists()


def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cert", "key"):
        (tmp_path / name).write_text(name)
    trunk = SipTrunk(name="p", kind="sip", host="192.0.2.1", transport="tls",
                     certificate=tmp_path / "cert", key_file=tmp_path / "key")  # fmt: skip
    made = plan(prompts, tmp_path / "ast", trunks=[trunk])
    write(made)

    def state() -> dict[str, bytes]:
        files = [path for path in (tmp_path / "ast").rglob("*") if path.is_file()]
        return {str(path): path.read_bytes() for path in files if "new" not in str(path)}

    before = state()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for module, name in ((asterisk_config.shutil, "copyfile"), (asterisk_config.os, "fchmod")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, full)
            with pytest.raises(ConfigError, match="No space left"):
                write(made)
        assert state() == before
    write(made)
    assert state() == before
    assert not list((tmp_path / "ast").rglob("*new*"))


def test_what_a_language_lacks_is_laid_in_place_by_the_one_that_stands_in(
    tmp_path: Path, prompts: Path
) -> None:
    (prompts / "tar").mkdir()
    (prompts / "tar/menu.sln").write_bytes(b"recorded")
    (prompts / "es/language-tar.sln").write_bytes(b"offer")
    (prompts / "tar/menu.wav").write_bytes(b"a recording that was taken in")
    write(Plan(tmp_path / "ast", AGI, prompts, ("es", "tar")))
    laid = tmp_path / "ast/sounds/tar/tipline"
    assert {file.name for file in laid.iterdir()} == {
        *("menu.sln", "tone.sln", "thanks.sln", "cannot-take-now.sln")
    }
    assert (laid / "menu.sln").read_bytes() == b"recorded"
    assert (laid / "thanks.sln").read_bytes() == (prompts / "es/thanks.sln").read_bytes()
    assert (tmp_path / "ast/sounds/es/tipline/language-tar.sln").exists()


def test_a_language_with_nothing_of_its_own_is_heard_in_the_one_that_stands_in(
    tmp_path: Path, prompts: Path
) -> None:
    written = write(Plan(tmp_path / "ast", AGI, prompts, ("tar", "en")))
    assert written.prompts == 8
    lines = active(tmp_path / "ast/extensions.conf")
    assert "same => n,Set(CHANNEL(language)=tar)" in lines
    apology = tmp_path / "ast/sounds/tar/tipline/cannot-take-now.sln"
    assert apology.read_bytes() == (prompts / "es/cannot-take-now.sln").read_bytes()


def test_missing_prompts_say_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="tipline-gw prompts build"):
        write(plan(tmp_path / "none", tmp_path / "ast"))


def test_another_configuration_is_left_alone(tmp_path: Path, prompts: Path) -> None:
    (tmp_path / "asterisk.conf").write_text("[options]\n")
    with pytest.raises(ConfigError, match="another Asterisk configuration"):
        write(plan(prompts, tmp_path))
    assert [path.name for path in tmp_path.glob("*.conf")] == ["asterisk.conf"]


@pytest.mark.parametrize("name", ["a b", "a;b", "a\nb", "x" * 120])
def test_a_directory_asterisk_could_not_use_is_refused(
    tmp_path: Path, prompts: Path, name: str
) -> None:
    with pytest.raises(ConfigError):
        write(plan(prompts, tmp_path / name))


def places(prompts: Path, directory: Path, root: Path) -> Written:
    return write(plan(prompts, directory, root=root))


def test_a_directory_within_the_root_is_taken_as_it_is(tmp_path: Path, prompts: Path) -> None:
    written = places(prompts, tmp_path / "root/etc/tl", tmp_path / "root")
    assert (written.directory, written.inside) == (tmp_path / "root/etc/tl", "/etc/tl")
    assert "astetcdir => /etc/tl" in active(tmp_path / "root/etc/tl/asterisk.conf")
    assert written.start == "asterisk -f -C /etc/tl/asterisk.conf"


def test_any_other_directory_is_one_in_the_root(tmp_path: Path, prompts: Path) -> None:
    written = places(prompts, Path("/etc/tl"), tmp_path / "root")
    assert (written.directory, written.inside) == (tmp_path / "root/etc/tl", "/etc/tl")
    assert (tmp_path / "root/etc/tl/sounds/es/tipline/menu.sln").exists()


def test_the_root_of_the_machine_changes_nothing(tmp_path: Path, prompts: Path) -> None:
    written = places(prompts, tmp_path / "tl", Path("/"))
    assert (written.directory, written.inside) == (tmp_path / "tl", str(tmp_path / "tl"))


def test_modules_and_documentation_are_found_where_asterisk_is_installed(
    tmp_path: Path, prompts: Path
) -> None:
    root = tmp_path / "root"
    (root / MODULES).mkdir(parents=True)
    (root / MODULES / "res_agi.so").touch()
    (root / "var/lib/asterisk/documentation").mkdir(parents=True)
    written = places(prompts, Path("/etc/tl"), root)
    assert written.modules == f"/{MODULES}"
    assert "app_audiosocket.so" in written.missing
    assert "res_agi.so" not in written.missing
    assert f"astmoddir => /{MODULES}" in active(root / "etc/tl/asterisk.conf")
    link = root / "etc/tl/documentation"
    assert str(link.readlink()) == "/var/lib/asterisk/documentation"


def test_folders_are_given_to_the_user_asterisk_of_the_root(
    tmp_path: Path, prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, tuple[int, int]] = {}
    monkeypatch.setattr(asterisk_config.os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        asterisk_config.os,
        "chown",
        lambda path, user, group: given.update({path.name: (user, group)}),
    )
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/passwd").write_text("root:x:0:0::/:/bin/sh\nasterisk:x:101:102::/:/\n")
    places(prompts, Path("/etc/tl"), tmp_path / "root")
    assert given == dict.fromkeys(WRITABLE, (101, 102))


def test_what_another_user_s_asterisk_left_is_given_to_the_user_asterisk(
    tmp_path: Path, prompts: Path
) -> None:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("asterisk:x:101:102::/:/\n")
    places(prompts, Path("/etc/tl"), root)
    var, elsewhere = root / "etc/tl/var", tmp_path / "elsewhere"
    elsewhere.touch()
    (var / "keys").mkdir()
    left = [var / "astdb.sqlite3", var / "keys/k"]
    for path in left:
        path.touch(0o600)
        os.chown(path, 1, 1)
    (var / "link").symlink_to(elsewhere)
    places(prompts, Path("/etc/tl"), root)
    assert {(path.stat().st_uid, path.stat().st_gid) for path in left} == {(101, 102)}
    assert elsewhere.stat().st_uid == 0


def secret(tmp_path: Path, text: str = "hunter2") -> Path:
    path = tmp_path / "secret"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_what_holds_a_password_is_for_asterisks_group_alone(
    tmp_path: Path, prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(asterisk_config.os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        asterisk_config.os, "chown", lambda path, user, group: given.append((user, group))
    )
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/passwd").write_text("asterisk:x:101:102::/:/\n")
    trunk = SipTrunk(name="p", kind="sip", host="192.0.2.1", inbound_username="x",
                     inbound_secret_file=secret(tmp_path))  # fmt: skip
    write(plan(prompts, Path("/etc/tl"), root=tmp_path / "root", trunks=[trunk]))
    pjsip = tmp_path / "root/etc/tl/pjsip.conf"
    assert "password = hunter2" in active(pjsip)
    assert pjsip.stat().st_mode & 0o777 == 0o640
    assert given[-1] == (-1, 102)


def test_without_such_a_group_it_is_for_its_owner_alone_also_where_it_was_open_before(
    tmp_path: Path, prompts: Path
) -> None:
    write(plan(prompts, tmp_path / "ast"))
    pjsip = tmp_path / "ast/pjsip.conf"
    assert pjsip.stat().st_mode & 0o777 == 0o644
    trunk = SipTrunk(name="p", kind="sip", host="192.0.2.1", inbound_username="x",
                     inbound_secret_file=secret(tmp_path))  # fmt: skip
    write(plan(prompts, tmp_path / "ast", root=tmp_path, trunks=[trunk]))
    assert pjsip.stat().st_mode & 0o777 == 0o600


def test_a_password_that_others_can_read_is_refused_before_anything_is_written(
    tmp_path: Path, prompts: Path
) -> None:
    path = secret(tmp_path)
    path.chmod(0o644)
    trunk = SipTrunk(name="p", kind="sip", host="192.0.2.1", inbound_username="x",
                     inbound_secret_file=path)  # fmt: skip
    with pytest.raises(ConfigError, match="others can read it"):
        write(plan(prompts, tmp_path / "ast", trunks=[trunk]))
    assert not (tmp_path / "ast").exists()


def test_keys_are_copied_and_one_that_is_no_more_goes(tmp_path: Path, prompts: Path) -> None:
    for name in ("cert", "key"):
        (tmp_path / name).write_text(name)
    trunk = SipTrunk(name="p", kind="sip", host="192.0.2.1", transport="tls",
                     certificate=tmp_path / "cert", key_file=tmp_path / "key")  # fmt: skip
    write(plan(prompts, tmp_path / "ast", trunks=[trunk]))
    key = tmp_path / "ast/keys/p-key.pem"
    assert (key.read_text(), key.stat().st_mode & 0o007) == ("key", 0)
    assert f"priv_key_file = {key}" in active(tmp_path / "ast/pjsip.conf")
    write(plan(prompts, tmp_path / "ast"))
    assert not key.exists()


def test_the_user_asterisk_comes_to_the_keys_whatever_the_umask_is(
    tmp_path: Path, prompts: Path
) -> None:
    mask = os.umask(0o077)
    try:
        write(plan(prompts, tmp_path / "ast"))
    finally:
        os.umask(mask)
    assert (tmp_path / "ast/keys").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(("most", "asterisk"), [(1, 5), (240, 264)])
def test_more_calls_come_in_than_are_served_so_that_they_hear_why(
    tmp_path: Path, prompts: Path, most: int, asterisk: int
) -> None:
    write(plan(prompts, tmp_path / "ast", max_calls=most))
    assert f"maxcalls = {asterisk}" in active(tmp_path / "ast/asterisk.conf")


def test_a_key_that_is_not_there_is_named(tmp_path: Path, prompts: Path) -> None:
    trunk = SipTrunk(name="p", kind="sip", host="192.0.2.1", transport="tls",
                     certificate=tmp_path / "cert", key_file=tmp_path / "key")  # fmt: skip
    with pytest.raises(ConfigError, match=r"/cert cannot be read"):
        write(plan(prompts, tmp_path / "ast", trunks=[trunk]))


def test_each_driver_gets_its_file_and_its_module_and_no_other(
    tmp_path: Path, prompts: Path
) -> None:
    trunks = [
        DahdiTrunk(name="pri", kind="dahdi", span=1),
        DongleTrunk(name="stick", kind="dongle", imei="1" * 15),
    ]
    written = write(plan(prompts, tmp_path, trunks=trunks))
    assert {"chan_dahdi.so", "chan_dongle.so"} <= set(written.missing)
    assert "chan_quectel.so" not in written.missing
    for name in ("chan_dahdi.conf", "dongle.conf"):
        assert (tmp_path / name).read_text().startswith(MARK)
    assert (tmp_path / "dahdi-system.conf").read_text().startswith("# Written by tipline-gw")
    assert not (tmp_path / "quectel.conf").exists()
    # Drivers of sticks quote callers in their errors, so nothing is logged beside them.
    assert not [line for line in active(tmp_path / "logger.conf") if "=>" in line]


def test_a_driver_s_file_goes_with_its_last_trunk(tmp_path: Path, prompts: Path) -> None:
    write(plan(prompts, tmp_path, trunks=[DahdiTrunk(name="pri", kind="dahdi", span=1)]))
    write(plan(prompts, tmp_path))
    assert not (tmp_path / "chan_dahdi.conf").exists()


def test_a_number_s_first_language_has_the_offers_of_the_language_menu(
    tmp_path: Path, prompts: Path
) -> None:
    for name in ("language-es", "language-en"):
        (prompts / "es" / f"{name}.sln").write_bytes(b"12")
    (prompts / "en" / "language-en.sln").write_bytes(b"own")
    number = Number(name="n", dialled="1", languages=["en", "es"])
    write(plan(prompts, tmp_path / "ast", numbers=[number]))
    lent = tmp_path / "ast/sounds/en/tipline"
    assert (lent / "language-es.sln").read_bytes() == b"12"
    assert (lent / "language-en.sln").read_bytes() == b"own"


@pytest.mark.parametrize(("longest", "call"), [(180, 1800), (1800, 11400)])
def test_a_call_may_last_as_long_as_the_longest_tip_and_hearing_it(
    tmp_path: Path, prompts: Path, longest: int, call: int
) -> None:
    write(plan(prompts, tmp_path / "ast", max_recording_seconds=longest))
    text = (tmp_path / "ast" / "extensions.conf").read_text()
    assert f"Set(TIMEOUT(absolute)={call})" in text


def test_what_is_written_has_no_fault(tmp_path: Path, prompts: Path) -> None:
    trunks = [
        SipTrunk(name="p", kind="sip", host="192.0.2.1", inbound_username="x",
                 inbound_secret_file=secret(tmp_path)),
        DahdiTrunk(name="pri", kind="dahdi", span=1),
        DongleTrunk(name="stick", kind="dongle", imei="1" * 15),
        QuectelTrunk(name="mod", kind="quectel", imei="2" * 15),
    ]  # fmt: skip
    write(plan(prompts, tmp_path / "ast", trunks=trunks, sip_listen="127.0.0.1:5070"))
    assert faults(tmp_path / "ast") == []


def test_a_place_that_cannot_be_written_is_our_error(tmp_path: Path, prompts: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be read or written"):
        write(plan(prompts, tmp_path / "file" / "ast"))
