import pytest

from tipline_gw.store import memory

MIB = 1 << 20


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A system with 1,000 MiB available, and this process in the group ``/a/b``."""
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (groups / "a" / "b").mkdir(parents=True)
    meminfo = "MemTotal: 4096000 kB\nMemAvailable: 1024000 kB\nHugePages_Total:  0\n"
    (proc / "meminfo").write_text(meminfo)
    (proc / "self" / "cgroup").write_text("1:name=systemd:/\n0::/a/b\n")
    monkeypatch.setattr(memory, "PROC", proc)
    monkeypatch.setattr(memory, "GROUPS", groups)
    return tmp_path


def limit(group, largest: str, current: int, inactive: int = 0) -> None:
    (group / "memory.max").write_text(f"{largest}\n")
    (group / "memory.current").write_text(f"{current}\n")
    (group / "memory.stat").write_text(f"anon 7\ninactive_file {inactive}\n")


def test_what_the_kernel_holds_available(system):
    assert memory.available() == 1000 * MIB


def test_no_limit_of_a_group_is_none(system):
    limit(system / "cgroup" / "a" / "b", "max", 5)
    assert memory.available() == 1000 * MIB


@pytest.mark.parametrize("group", ["", "a", "a/b"])
def test_the_group_and_those_around_it_limit_it(system, group):
    limit(system / "cgroup" / group, str(300 * MIB), 200 * MIB, 50 * MIB)
    assert memory.available() == 150 * MIB


def test_a_group_over_its_limit_leaves_nothing(system):
    limit(system / "cgroup" / "a", str(300 * MIB), 301 * MIB)
    assert memory.available() == 0


@pytest.mark.parametrize("told", ["", "MemTotal: 4096000 kB\n", "\n", "MemAvailable: many kB\n"])
def test_a_system_that_does_not_tell_has_none(system, told):
    (system / "proc" / "meminfo").write_text(told)
    assert memory.available() == 0


def test_nothing_to_read_is_none(system):
    (system / "proc" / "meminfo").unlink()
    (system / "proc" / "self" / "cgroup").unlink()
    assert memory.available() == 0


def test_this_system_tells():
    assert memory.available() > MIB
