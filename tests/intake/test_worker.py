import threading

import structlog

from tipline_gw.intake.worker import Worker


def test_tasks_are_done_in_order_and_all_of_them_before_the_end():
    done = []
    worker = Worker("test")
    for n in range(100):
        worker.put(lambda n=n: done.append((n, threading.current_thread().name)))
    worker.close()
    assert done == [(n, "test") for n in range(100)]


def test_a_task_that_fails_is_told_by_its_type_and_ends_nothing():
    done = []
    with structlog.testing.capture_logs() as logs:
        worker = Worker("test")
        worker.put(lambda: 1 // 0)
        worker.put(lambda: done.append(1))
        worker.close()
    assert done == [1]
    assert [(log["event"], log["error"]) for log in logs] == [
        ("intake-task-failed", "ZeroDivisionError")
    ]
