"""Who applies is known as surely as the item wants, or the application waits."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.applications.identity import note_identity
from citybrain.domain.applications.refusals import IdentityTooWeak, OutOfStep
from citybrain.domain.applications.statuses import Status
from citybrain.domain.citizens import Assurance
from citybrain.eventstore.codec import mapper
from tests.given.applications import KNOWN, NOW, submitted
from tests.given.streams import events_of

levels = st.sampled_from(Assurance)


@given(levels, levels)
def test_nothing_goes_on_with_less_than_the_item_wants(level: Assurance, needed: Assurance) -> None:
    application = submitted()
    known = replace(KNOWN, level=level.value)
    if level.meets(needed):
        note_identity(application, NOW, known=known, needed=needed)
        assert application.status == Status.IDENTIFIED
        assert events_of(application)[-1].level == level
        return
    with pytest.raises(IdentityTooWeak) as refused:
        note_identity(application, NOW, known=known, needed=needed)
    assert refused.value.details == {"level": needed}
    assert application.status == Status.SUBMITTED


def test_identified_once() -> None:
    application = submitted()
    note_identity(application, NOW, known=KNOWN, needed="low")
    with pytest.raises(OutOfStep):
        note_identity(application, NOW, known=KNOWN, needed="low")


def test_an_event_of_before_levels_has_none() -> None:
    application = submitted()
    note_identity(application, NOW, known=KNOWN, needed="low")
    first, event = [mapper().to_stored_event(each) for each in application.pending_events]
    state = orjson.loads(event.state)
    assert state.pop("level") == "substantial"
    before = replace(event, state=orjson.dumps(state))
    opening: Any = mapper().to_domain_event(first)
    found: Any = mapper().to_domain_event(before)
    assert found.level == ""
    assert found.mutate(opening.mutate(None)).status == Status.IDENTIFIED
