from pathlib import Path

import pytest

from tipline_gw.asterisk_files import faults

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
        ("manager.conf", "[general]\nenabled = yes\n", 2),
        ("extensions.conf", "exten => s,1,AGI(agi://127.0.0.1)\n", 0),
    ],
)
def test_what_leaks_is_named_by_file_and_line(directory, file, text, line):
    (directory / file).write_text(text)
    found = faults(directory)
    assert found
    assert {(Path(fault.file).name, fault.line) for fault in found} == {(file, line)}
    assert all(fault.what and fault.todo for fault in found)


def test_blanking_after_the_gateway_was_called_is_too_late(directory):
    lines = GOOD["extensions.conf"].splitlines()
    late = "\n".join([lines[0], lines[-1], *lines[1:-1]])
    (directory / "extensions.conf").write_text(late)
    assert len(faults(directory)) == 4


def test_a_missing_logger_configuration_is_a_fault(directory):
    (directory / "logger.conf").unlink()
    assert [Path(fault.file).name for fault in faults(directory)] == ["logger.conf"]


def test_no_configuration_at_all_is_told(tmp_path):
    assert "no asterisk.conf" in faults(tmp_path)[0].what
