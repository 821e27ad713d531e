from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw.asterisk_files import faults, loaded

GOOD = {
    "asterisk.conf": "[options]\ndumpcore = no\n",
    "cdr.conf": "[general]\nenable=no\n",
    "cel.conf": "[general]\nenable = no ; never\n",
    "modules.conf": "[modules]\nautoload = no\nload = res_agi.so\n",
    "logger.conf": "[logfiles]\nconsole => error,warning\n",
    "manager.conf": "[general]\nenabled = no\n",
    "extensions.conf": (
        "[line]\nexten => s,1,Set(CALLERID(all)=)\n same => n,Set(CALLERID(ANI-all)=)\n"
        " same => n,Set(CALLERID(RDNIS)=)\n same => n,Set(CALLERID(DNID)=)\n"
        " same => n,AGI(agi://127.0.0.1:4573)\n"
    ),
}


@pytest.fixture
def directory(tmp_path) -> Path:
    for name, text in GOOD.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_hardened_configuration_has_no_fault(directory):
    assert faults(directory) == []


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("cdr.conf", "[general]\nenable = yes\n", 2),
        ("cdr.conf", "", 0),
        ("cel.conf", "[general]\n", 0),
        ("asterisk.conf", "[options]\nverbose = 0\ndumpcore = yes\n", 3),
        ("modules.conf", "[modules]\nautoload = yes\n", 2),
        ("modules.conf", "[modules]\nautoload = no\nload = cdr_csv.so\n", 3),
        ("modules.conf", "[modules]\nautoload=no\nload => res_pjsip_history.so\n", 3),
        ("logger.conf", "[logfiles]\nmessages => notice,warning\n", 2),
        ("logger.conf", "[logfiles]\nfull => *\n", 2),
        ("logger.conf", "[logfiles]\nsec = security\n", 2),
        ("logger.conf", "[logfiles]\nconsole => error,warning\nown => [json]error,calls\n", 3),
        ("cdr.conf", "[general]\n;--\nenable = no\n--;\n", 0),
        ("modules.conf", "[modules]\nautoload = yes\nautoload = no\n", 2),
        ("asterisk.conf", "[options]\ndumpcore = no\n [options]\ndumpcore = yes\n", 4),
        ("manager.conf", "[general]\nenabled = yes\n", 2),
        ("manager.conf", "[General]\nEnabled = Yes\n", 2),
        ("modules.conf", "[modules]\nAutoLoad = No\nLoad => cdr_csv.so\n", 3),
        ("logger.conf", "[LogFiles]\nfull => Error,VERBOSE\n", 2),
        ("extensions.conf", "exten => s,1,AGI(agi://127.0.0.1)\n", 0),
    ],
)
def test_what_leaks_is_named_by_file_and_line(directory, file, text, line):
    (directory / file).write_text(text)
    found = faults(directory)
    assert found
    assert {(Path(fault.file).name, fault.line) for fault in found} == {(file, line)}
    assert all(fault.what and fault.todo for fault in found)


def test_what_includes_bring_in_is_said_not_to_be_looked_at(directory):
    text = (directory / "extensions.conf").read_text()
    (directory / "extensions.conf").write_text(f'{text}\n#include "more.conf"\n')
    (fault,) = faults(directory)
    assert fault.what == "what this brings in is not looked at"
    assert fault.line == len(text.splitlines()) + 2
    assert not fault.fatal


def test_blanking_after_the_gateway_was_called_is_too_late(directory):
    lines = GOOD["extensions.conf"].splitlines()
    late = "\n".join([lines[0], lines[-1], *lines[1:-1]])
    (directory / "extensions.conf").write_text(late)
    assert len(faults(directory)) == 4


def test_what_is_a_comment_blanks_nothing(directory):
    text = GOOD["extensions.conf"].replace(" same => n,Set(CALLERID(RDNIS)=)", ";", 1)
    assert text != GOOD["extensions.conf"]
    (directory / "extensions.conf").write_text(f"; Set(CALLERID(RDNIS)=)\n{text}")
    (fault,) = faults(directory)
    assert "RDNIS" in fault.what


def test_no_more_than_a_comment_is_passed_over(directory):
    text = "; a ;-- b\n[general] ; c\n;-- d\n--;enable = no\n;--- e\n"
    (directory / "cdr.conf").write_text(text)
    # What stands behind a comment's end is read by Asterisk, and looked for here.
    assert faults(directory) == []


def test_a_missing_logger_configuration_is_a_fault(directory):
    (directory / "logger.conf").unlink()
    assert [Path(fault.file).name for fault in faults(directory)] == ["logger.conf"]


def test_no_configuration_at_all_is_told(tmp_path):
    assert "no asterisk.conf" in faults(tmp_path)[0].what


PJSIP = """[global]
type = global
[udp]
type = transport
[p]
type = endpoint
context = from-line-p
trust_id_inbound = no
callerid = anonymous <anonymous>
[p]
type = identify
[q]
type = endpoint
context = from-line
media_encryption = sdes
callerid = "" <0>
"""
PJPROJECT = "[log_mappings]\ntype = log_mappings\nasterisk_error =\nasterisk_warning = ;2\n"
DAHDI = "[channels]\nusecallerid = no\ncontext = from-line-pri\nchannel => 1-15,17-31\n"
STICKS = (
    "[general]\nsmsdb = :memory:\n[defaults]\ncontext = from-line\ndisablesms = yes\n"
    "[s]\ncontext = from-line-s\n"
)
TRUNKS = {"pjsip.conf": PJSIP, "pjproject.conf": PJPROJECT, "chan_dahdi.conf": DAHDI,
          "dongle.conf": STICKS, "quectel.conf": STICKS}  # fmt: skip


@pytest.fixture
def trunks(directory) -> Path:
    for name, text in TRUNKS.items():
        (directory / name).write_text(text)
    return directory


def test_trunks_that_leak_nothing_have_no_fault(trunks):
    assert faults(trunks, ["q"]) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        ("pjsip.conf", "inbound = no", "inbound = yes", 8),
        ("pjsip.conf", "trust_id_inbound = no", "send_rpid = true", 8),
        ("pjsip.conf", "trust_id_inbound = no", "media_encryption_optimistic = yes", 8),
        ("pjsip.conf", "from-line-p", "default", 7),
        ("pjsip.conf", "context = from-line-p\n", "", 6),
        ("pjsip.conf", "= sdes", "= no", 15),
        ("pjsip.conf", "media_encryption = sdes\n", "", 13),
        ("pjsip.conf", "callerid = anonymous <anonymous>\n", "", 6),
        ("pjsip.conf", "anonymous <anonymous>", "anonymous", 9),
        ("pjsip.conf", '"" <0>', "<unknown>", 16),
        (
            "pjsip.conf",
            "type = endpoint\ncontext = from-line-p\ntrust_id_inbound = no",
            "trust_id_inbound = yes\ntype = endpoint\ncontext = from-line-p",
            6,
        ),
        ("pjsip.conf", "[p]\ntype = identify", "[p](+)\nsend_pai = yes\n[p]\ntype = identify", 11),
        ("pjproject.conf", "asterisk_error =", "asterisk_error = 0,1,2", 3),
        ("pjproject.conf", "type = log_mappings\n", "", 0),
        ("chan_dahdi.conf", "usecallerid = no", "usecallerid = yes", 4),
        ("chan_dahdi.conf", "usecallerid = no\n", "", 3),
        ("chan_dahdi.conf", "from-line-pri", "incoming", 4),
        ("dongle.conf", "disablesms = yes", "disablesms = no", 5),
        ("quectel.conf", "disablesms = yes\n", "", 0),
        ("dongle.conf", "smsdb = :memory:\n", "", 0),
        ("quectel.conf", "from-line-s", "incoming-mobile", 7),
    ],
)
def test_a_trunk_that_leaks_is_named_by_file_and_line(trunks, file, old, new, line):
    assert old in TRUNKS[file]
    (trunks / file).write_text(TRUNKS[file].replace(old, new))
    (fault,) = faults(trunks, ["q"])
    assert (Path(fault.file).name, fault.line) == (file, line)
    assert fault.what
    assert fault.todo


def test_without_its_file_pjproject_logs(trunks):
    (trunks / "pjproject.conf").unlink()
    (fault,) = faults(trunks)
    assert Path(fault.file).name == "pjproject.conf"


def test_speech_in_clear_is_a_fault_only_where_encryption_was_asked_for(trunks):
    assert faults(trunks) == []
    (fault,) = faults(trunks, ["p", "q"])
    assert "goes in clear" in fault.what


@pytest.mark.parametrize("driver", ["chan_dongle.so", "chan_quectel.so"])
def test_beside_the_driver_of_a_stick_nothing_may_be_logged(trunks, driver):
    modules = trunks / "modules.conf"
    modules.write_text(f"{modules.read_text()}load = {driver}\n")
    (fault,) = faults(trunks)
    assert (Path(fault.file).name, fault.line) == ("logger.conf", 2)
    (trunks / "logger.conf").write_text("[logfiles]\n")
    assert faults(trunks) == []


@pytest.mark.parametrize(
    ("text", "faulty"),
    [
        ("[from-line]\nexten => s,1,Set(CALLERID(all)=)\n same => n,Answer()\n", False),
        ("[from-line-p]\nexten => s,1,Answer()\n", True),
        ("[from-line]\nexten => _X!,1,NoOp(${CALLERID(num)})\n", True),
        ("[from-line]\nexten => s,1,Set(CALLERID(all)=)\ninclude => others\n", True),
        ("[from-line]\nexten => s,hint,PJSIP/p\n", True),
        ("[from-line]\nexten => s,1(go),Answer()\n", True),
        ("[from-line]\nexten => s,1(go),Set(CALLERID(all)=)\n", False),
        ("[others]\nexten => s,1,Answer()\n", False),
    ],
)
def test_every_way_in_forgets_first(directory, text, faulty):
    dialplan = directory / "extensions.conf"
    dialplan.write_text(f"{GOOD['extensions.conf']}{text}")
    assert [Path(fault.file).name for fault in faults(directory)] == ["extensions.conf"] * faulty


@pytest.mark.parametrize(
    ("mode", "faulty"), [(0o600, False), (0o640, False), (0o644, True), (0o660, True)]
)
def test_a_password_or_a_key_that_others_can_read_is_a_fault(trunks, mode, faulty):
    (trunks / "keys").mkdir()
    (trunks / "keys" / "p-key.pem").touch(mode)
    (trunks / "keys" / "p-key.pem").chmod(mode)
    pjsip = trunks / "pjsip.conf"
    pjsip.write_text(f"{PJSIP}[a]\ntype = auth\npassword = hunter2\n")
    pjsip.chmod(mode)
    found = faults(trunks)
    assert len(found) == 2 * faulty
    assert "hunter2" not in "".join(f"{fault.what}{fault.todo}" for fault in found)


@pytest.mark.parametrize(
    "module",
    ["cdr_csv", "cel_custom", "app_verbose", "app_record", "app_mixmonitor", "app_queue",
     "func_db", "func_cdr", "res_pjsip_history", "res_pjsip_logger", "res_pjsip_diversion",
     "res_ari", "res_hep", "res_security_log", "res_odbc", "pbx_realtime", "res_monitor",
     "app_alarmreceiver", "app_confbridge", "res_pjsip_messaging", "res_geolocation", "chan_sip",
     "chan_iax2"],
)  # fmt: skip
def test_a_module_that_tells_who_calls_is_named(directory, module):
    modules = directory / "modules.conf"
    modules.write_text(f"{modules.read_text()}load = {module}.so\n")
    (fault,) = faults(directory)
    assert module in fault.what


def test_what_the_files_load_is_listed(directory):
    assert loaded(directory) == ["res_agi.so"]
    assert loaded(directory / "none") == []


@given(st.text(max_size=300), st.sampled_from([*GOOD, *TRUNKS]))
def test_any_file_is_read(tmp_path_factory, text, name):
    directory = tmp_path_factory.mktemp("ast")
    for file, good in GOOD.items():
        (directory / file).write_text(good)
    (directory / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    for fault in faults(directory):
        assert fault.what
