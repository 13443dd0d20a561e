"""A payment names its decision: by a digest that nothing of the decision can change under."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.applications.application_events import ApplicationDecided
from citybrain.domain.digests import event_sha256, stored_sha256
from citybrain.eventstore.codec import transcoder
from tests.given.applications import NOW

FIELDS: dict[str, Any] = {
    "originator_id": "application-" + "a" * 32,
    "originator_version": 9,
    "timestamp": NOW,
    "outcome": "approved",
    "item_version": "2020-06-01+12345678",
    "decided_on": "2026-03-02",
    "parameters": {"reserve_fen": 100},
    "inputs": [{"material": "police", "sha256": "ab" * 32}],
    "findings": {"rule": "met"},
    "reasons": [],
    "amount_fen": 100,
    "claim_id": None,
    "steps_sealed": "sealed",
}


def digest(**otherwise: Any) -> str:
    return event_sha256(ApplicationDecided.TOPIC, FIELDS | otherwise)


def test_the_digest_of_an_event_is_that_of_its_stored_bytes() -> None:
    event = ApplicationDecided(**FIELDS)
    state = dict(vars(event))
    stream_id, version = state.pop("originator_id"), state.pop("originator_version")
    stored = orjson.loads(transcoder().encode(state))
    assert event_sha256(event.TOPIC, vars(event)) == stored_sha256(
        stream_id, version, event.TOPIC, stored
    )


@given(st.sampled_from(sorted(set(FIELDS) - {"timestamp"})), st.data())
def test_whatever_is_changed_of_a_decision_its_digest_is_another(
    name: str, data: st.DataObject
) -> None:
    values = {
        int: st.integers(0, 10**12),
        str: st.text(),
        list: st.lists(st.dictionaries(st.text(), st.text(), max_size=2), max_size=2),
        dict: st.dictionaries(st.text(), st.text(), max_size=3),
        type(None): st.text(),
    }
    other = data.draw(values[type(FIELDS[name])].filter(lambda value: value != FIELDS[name]))
    assert digest(**{name: other}) != digest()


def test_what_the_log_spells_in_another_way_has_no_digest() -> None:
    with pytest.raises(TypeError):
        digest(parameters={"a": 1 + 2j})
