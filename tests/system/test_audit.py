"""The audit of a whole system: nothing is found, and where the boundary is off much is."""

import json
import shutil

import pytest

from tests.audit import careless_asterisk
from tipline_gw.audit import audit
from tipline_gw.audit.audit import of_a_demonstration

NO_JOURNAL = [] if shutil.which("journalctl") else [
    "there is no journalctl: what is logged elsewhere was not searched"
]  # fmt: skip
QUIET = {"places": 0, "failures": [], "notes": NO_JOURNAL}


@pytest.mark.timeout(900)
def test_no_number_is_anywhere_after_five_hundred_texts_and_fifty_calls(host, root, tmp_path):
    report = of_a_demonstration(tmp_path, print, texts=500, calls=50)
    told = report.to_dict()
    assert {key: told[key] for key in QUIET} == QUIET, json.dumps(told, indent=1)
    assert report.clean
    assert {"memory", "store", "log", "AstDB", "SIM", "call list", "file"} <= set(report.looked)
    assert sum(report.sent.values()) > 50


@pytest.mark.timeout(900)
def test_with_the_boundary_off_it_is_found_in_many_places(host, root, tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "MEMORY_SECONDS", 2.0)  # it does not go away
    report = of_a_demonstration(
        tmp_path, print, texts=6, calls=1,
        change_asterisk=careless_asterisk.in_asterisk, spoilt_by="tests.audit.boundary_off",
    )  # fmt: skip
    assert not report.clean
    assert report.places >= 8, report.rows
    assert {"memory", "log", "CDR", "AstDB"} <= {row.what for row in report.rows if row.judged}
