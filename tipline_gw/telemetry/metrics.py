"""Counters and gauges, on a registry of the daemon's own. No label can hold a caller: labels
are the names of modems and fixed words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from tipline_gw.domain.bank import Tally
from tipline_gw.domain.tip import Kind

_COUNTED = {
    "part": ("sms_parts", "SMS parts taken from a modem."),
    "undecodable": ("sms_undecodable", "Messages sealed although they did not decode."),
    "doubled": ("sms_doubled", "Deliveries recognised as already stored."),
    "partial": ("sms_partial", "Long messages taken in without all of their parts."),
    "no-tip": ("sms_no_tip", "Reports, indications and the like, deleted."),
    "refused": ("sms_refused", "Times the store refused a message, which then waits."),
    "restart": ("modem_restarts", "Times a modem was begun anew."),
    "reset": ("modem_resets", "Times a modem was reset by command."),
    "rearmed": ("modem_rearmed", "Times delivery had to be asked for again."),
    "storage-full": ("modem_storage_full", "Times a storage of the modem was found full."),
    "call-refused": ("modem_calls_refused", "Voice calls to an SMS modem, refused."),
}
_STANDING = {
    "up": ("modem_up", "1 while the modem answers."),
    "registered": ("modem_registered", "1 while the modem is in its network."),
    "signal-dbm": ("modem_signal_dbm", "Received signal strength."),
    "balance": ("modem_balance", "What the operator last said is left, in its currency."),
    "balance-low": ("modem_balance_low", "1 while that is less than operators.toml asks for."),
}
_REPLY = "reply-"

# Else a counter tells to the microsecond when the first of what it counts happened.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """All that /metrics tells."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        tips = self._counter("tips", "Tips sealed and committed.", "kind")
        self._tips = {kind: tips.labels(kind.value) for kind in Kind}
        self.replies = self._counter("sms_replies", "Replies, by what became of them.", "result")
        self.asked = self._counter("sms_asked", "Texts that were no plain tip, by kind.", "what")
        self.calls = self._counter("calls", "Calls answered, by how they ended.", "ended")
        self.call_events = self._counter("call_events", "What callers met, by kind.", "what")
        self.calls_refused = self._counter(
            "calls_refused", "Calls over what their trunk may have at once.", "trunk"
        )
        self.calls_challenged = self._counter(
            "calls_challenged", "Calls that had to press a key first, because there were many."
        )
        self.commit_seconds = Histogram(
            "tipline_commit_seconds",
            "One group commit of the store.",
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
        )
        self.commit_jobs = self._counter("commit_jobs", "Jobs committed, in groups.")
        self._counted = {
            what: self._counter(name, text, "modem") for what, (name, text) in _COUNTED.items()
        }
        self._addresses = Gauge(
            "tipline_addresses_held", "Senders not yet answered.", registry=self.registry
        )
        self._standing = {
            what: Gauge(f"tipline_{name}", text, ["modem"], registry=self.registry)
            for what, (name, text) in _STANDING.items()
        }

    def tip(self, kind: Kind) -> None:
        """One more is on disk."""
        self._tips[kind].inc()

    def take(self, tally: Tally) -> None:
        """What the modem side counted. A word that is not known is dropped."""
        if tally.what.startswith(_REPLY):
            self.replies.labels(tally.what.removeprefix(_REPLY)).inc(tally.count)
        elif tally.what == "addresses-held":
            self._addresses.set(tally.count)
        elif tally.what in self._counted:
            self._counted[tally.what].labels(tally.modem).inc(tally.count)
        elif tally.what in self._standing:
            self._standing[tally.what].labels(tally.modem).set(tally.count)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"tipline_{name}", text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A gauge that is read when asked for."""
        Gauge(f"tipline_{name}", text, registry=self.registry).set_function(read)

    def gauge_by(
        self,
        name: str,
        text: str,
        labels: Sequence[str],
        reads: Mapping[tuple[str, ...], Callable[[], float]],
    ) -> None:
        """The same, one for each of the labels' values."""
        gauge = Gauge(f"tipline_{name}", text, labels, registry=self.registry)
        for values, read in reads.items():
            gauge.labels(*values).set_function(read)

    def text(self) -> bytes:
        return generate_latest(self.registry)
