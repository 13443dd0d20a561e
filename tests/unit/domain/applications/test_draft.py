"""Drafts: whose they are, until when, and that one becomes one application."""

from datetime import timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Channel
from citybrain.domain.applications.draft import Draft
from citybrain.domain.applications.refusals import DraftEnded, NotYourApplication, WrongChannel
from tests.given.applications import ANNA, BORIS, CITIZEN_ID, FUND, KIOSK, NOW, OTHER_KIOSK
from tests.given.streams import topics

CLERK = Actor("clerk-7", frozenset({Role.CLERK}), counter="counter-7")
UNTIL = NOW + timedelta(days=30)
STEPS: dict[str, Any] = {
    "save": lambda it, who, now: it.save(who, now, content_id="c-2", expires_at=UNTIL),
    "submit": lambda it, who, now: it.submit(who, now),
    "discard": lambda it, who, now: it.discard(who, now),
}
each_step = pytest.mark.parametrize("step", sorted(STEPS))


def begun(actor: Actor = ANNA, channel: Channel = Channel.APP) -> Draft:
    draft = Draft.begin(
        actor,
        NOW,
        service="housing-fund-repayment",
        citizen_id=CITIZEN_ID,
        channel=channel,
        content_id="c-1",
        expires_at=UNTIL,
        simulated=True,
    )
    draft.collect_events()
    return draft


@each_step
def test_its_citizen_fills_it_in_and_ends_it(step: str) -> None:
    draft = begun()
    STEPS[step](draft, ANNA, NOW)
    assert len(topics(draft)) == 1
    assert draft.content_id == ("c-2" if step == "save" else "c-1")


@each_step
@pytest.mark.parametrize("actor", [BORIS, FUND, CLERK, KIOSK])
def test_nobody_else_does(step: str, actor: Actor) -> None:
    with pytest.raises(NotYourApplication):
        STEPS[step](begun(), actor, NOW)


@each_step
@pytest.mark.parametrize("end", ["submit", "discard"])
def test_what_has_ended_stays_ended(step: str, end: str) -> None:
    draft = begun()
    STEPS[end](draft, ANNA, NOW)
    with pytest.raises(DraftEnded):
        STEPS[step](draft, ANNA, NOW)
    with pytest.raises(DraftEnded):
        draft.go_on(ANNA, NOW, channel=Channel.WEB)


@each_step
def test_its_time_is_over_without_anything_having_to_happen(step: str) -> None:
    STEPS[step](begun(), ANNA, UNTIL - timedelta(seconds=1))
    with pytest.raises(DraftEnded):
        STEPS[step](begun(), ANNA, UNTIL)


def test_what_is_saved_has_its_time_anew() -> None:
    draft = begun()
    draft.save(ANNA, NOW, content_id="c-2", expires_at=UNTIL + timedelta(days=1))
    draft.submit(ANNA, UNTIL)
    assert draft.status == "submitted"


def test_it_goes_on_where_the_citizen_does() -> None:
    draft = begun()
    draft.go_on(KIOSK, NOW, channel=Channel.KIOSK)
    draft.save(KIOSK, NOW, content_id="c-2", expires_at=UNTIL)
    with pytest.raises(NotYourApplication):
        draft.save(OTHER_KIOSK, NOW, content_id="c-3", expires_at=UNTIL)
    draft.go_on(ANNA, NOW, channel=Channel.WEB)
    with pytest.raises(NotYourApplication):
        draft.save(KIOSK, NOW, content_id="c-3", expires_at=UNTIL)
    draft.go_on(ANNA, NOW, channel=Channel.WEB)
    assert topics(draft) == ["draft.continued", "draft.saved", "draft.continued"]


@pytest.mark.parametrize("channel", [Channel.COUNTER, Channel.KIOSK])
def test_a_citizen_is_no_counter(channel: Channel) -> None:
    with pytest.raises(WrongChannel):
        begun().go_on(ANNA, NOW, channel=channel)


def test_the_application_follows_from_the_draft() -> None:
    draft = begun()
    before = draft.application_id
    draft.submit(ANNA, NOW)
    assert before == draft.application_id
    assert draft.application_id.removeprefix("application") == draft.id.removeprefix("draft")
