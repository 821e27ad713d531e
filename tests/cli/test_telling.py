"""What a demonstration and an audit found is told to the letter, brackets and colons included."""

from tipline_gw.audit.report import Report, Row
from tipline_gw.cli import audit, demo
from tipline_gw.demo.demo import Summary

NAME = "/srv/[/x] [red]:bell:"


def test_a_demonstration_tells_promises_and_notes_as_they_are(capsys):
    summary = Summary(notes=[f"not in {NAME}"])
    summary.add(f"kept in {NAME}", True, f"[{NAME}]")
    demo._tell(summary, 1.0)
    promise, note, _ = capsys.readouterr().out.splitlines()
    assert promise.endswith(f" kept in {NAME}  ([{NAME}])")
    assert note == f"note: not in {NAME}"


def test_an_audit_tells_places_and_failures_as_they_are(capsys):
    report = Report({"sms": 1}, {"files": [1, 1]}, failures=[f"no {NAME}"], notes=[f"see {NAME}"])
    report.rows.append(Row("files", NAME, "plain", 1, ("sms",), True))
    audit._tell(report)
    told = capsys.readouterr().out
    for said in (f"files {NAME} plain", f"FAILED: no {NAME}\n", f"\nsee {NAME}\n"):
        assert said in " ".join(told.split(" ")).replace("  ", " "), told
