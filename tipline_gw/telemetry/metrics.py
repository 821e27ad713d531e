"""Counters and gauges, on a registry of the daemon's own. No label can hold a caller: labels
are the names of modems and fixed words."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """All that /metrics tells."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.tips = self._counter("tips", "Tips sealed and committed.", "kind")
        self.parts = self._counter("sms_parts", "SMS parts taken from a modem.", "modem")
        self.undecodable = self._counter(
            "sms_undecodable", "Messages sealed although they did not decode.", "modem"
        )
        self.doubled = self._counter(
            "sms_doubled", "Deliveries recognised as already stored.", "modem"
        )
        self.replies = self._counter("sms_replies", "Replies, by what became of them.", "result")
        self.calls = self._counter("calls", "Calls answered, by how they ended.", "ended")
        self.modem_up = Gauge(
            "tipline_modem_up", "1 while the modem answers.", ["modem"], registry=self.registry
        )
        self.modem_restarts = self._counter(
            "modem_restarts", "Times a modem was begun anew.", "modem"
        )
        self.commit_seconds = Histogram(
            "tipline_commit_seconds",
            "One group commit of the store.",
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
        )
        self.commit_jobs = self._counter("commit_jobs", "Jobs committed, in groups.")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"tipline_{name}", text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A gauge that is read when asked for."""
        Gauge(f"tipline_{name}", text, registry=self.registry).set_function(read)

    def text(self) -> bytes:
        return generate_latest(self.registry)
