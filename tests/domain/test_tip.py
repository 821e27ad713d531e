import json

import pytest

from tipline_gw.domain.tip import Envelope, Kind, State, coarse_hours, coarse_text

MOMENT = 1_767_225_600 + 14 * 3600 + 25 * 60 + 31  # 2026-01-01 14:25:31 UTC


@pytest.mark.parametrize(
    ("granularity", "text"), [("hour", "2026-01-01T14Z"), ("day", "2026-01-01")]
)
def test_time_is_kept_no_finer_than_configured(granularity, text):
    hours = coarse_hours(MOMENT, granularity)
    assert coarse_text(hours, granularity) == text
    assert coarse_hours(MOMENT + 1000, granularity) == hours


def test_an_envelope_says_only_what_there_is_to_say():
    envelope = Envelope(Kind.SMS, None, "2026-01-01", "Línea", text="¡Sí!")
    assert json.loads(envelope.to_json()) == {
        "kind": "sms",
        "received": "2026-01-01",
        "line": "Línea",
        "text": "¡Sí!",
        "partial": False,
    }


def test_states_have_names_for_catalogues():
    assert State.PASSED_TO_AGENCY.slug == "passed-to-agency"
