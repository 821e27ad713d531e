import contextlib
import os
import resource
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

from tipline_gw.demo.stage import free_port, until
from tipline_gw.domain.tip import Kind
from tipline_gw.errors import ConfigError
from tipline_gw.telemetry import health
from tipline_gw.telemetry.health import HealthServer, sd_notify
from tipline_gw.telemetry.metrics import Metrics


@pytest.fixture
def served():
    faults: list[str] = []
    listen = f"127.0.0.1:{free_port()}"
    metrics = Metrics()
    server = HealthServer(listen, metrics, list, lambda: faults)
    server.start()
    yield listen, faults, metrics
    server.close()


def get(listen: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{listen}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_no_moment_at_which_anything_happened_is_told(served):
    listen, _, metrics = served
    before = time.time()
    metrics.tip(Kind.VOICE)
    metrics.calls.labels("finished").inc()
    page = get(listen, "/metrics")[1]
    values = [float(line.split()[-1]) for line in page.splitlines() if line[:1] not in "#"]
    assert 'tipline_calls_total{ended="finished"} 1.0' in page
    assert not any(before - 1 <= value <= time.time() + 1 for value in values)


def test_the_three_pages(served):
    listen, faults, metrics = served
    metrics.tip(Kind.SMS)
    assert get(listen, "/healthz") == (200, "ok\n")
    assert get(listen, "/readyz") == (200, "ok\n")
    assert 'tipline_tips_total{kind="sms"} 1.0' in get(listen, "/metrics")[1]
    assert get(listen, "/")[0] == 404
    faults.append("store is full")
    assert get(listen, "/readyz") == (503, "store is full\n")


def test_it_listens_on_an_ipv6_address_as_well():
    with socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        listen = f"[::1]:{sock.getsockname()[1]}"
    server = HealthServer(listen, Metrics(), list, list)
    server.start()
    assert get(listen, "/healthz") == (200, "ok\n")
    server.close()


def test_a_port_in_use_is_a_clear_error(served):
    listen, _, metrics = served
    with pytest.raises(ConfigError, match=r"free the port or change metrics\.listen"):
        HealthServer(listen, metrics, list, list)


def test_garbage_harms_nothing(served):
    listen, _, _ = served
    host, port = listen.split(":")
    with socket.create_connection((host, int(port))) as sock:
        sock.sendall(b"\x00\xff" * 5000)
    assert get(listen, "/healthz") == (200, "ok\n")


def test_sd_notify_reaches_the_socket_named(tmp_path, monkeypatch):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        sd_notify("READY=1")
        assert sock.recv(64) == b"READY=1"
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    sd_notify("STOPPING=1")


def test_where_no_descriptor_is_left_systemd_hears_nothing_and_the_daemon_goes_on(monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            os.dup(0)
        sd_notify("WATCHDOG=1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_connections_that_say_nothing_take_few_threads_and_keep_nobody_out(served):
    listen, _, _ = served
    host, port = listen.split(":")
    before = threading.active_count()
    with contextlib.ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection((host, int(port)), 5))
            for _ in range(3 * health.AT_ONCE)
        ]
        for _ in range(3):
            assert get(listen, "/readyz") == (200, "ok\n")
        assert silent[0].recv(1) == b""
        assert until(lambda: threading.active_count() - before <= health.AT_ONCE, 4)
