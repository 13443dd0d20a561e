"""Tasks: one officer sees to an application, until they give it back or their time is over."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.corrections import send_back
from citybrain.domain.applications.refusals import (
    NotReferred,
    NotYourDepartment,
    TaskNotYours,
    TaskTaken,
)
from citybrain.domain.applications.statuses import FOR_AN_OFFICER, Status
from citybrain.domain.applications.tasks import claim_task, holder, release_task
from citybrain.domain.separation import NotApart
from tests.given import applications as given
from tests.given.applications import (
    ANNA,
    FUND,
    NOW,
    OTHER_FUND,
    POLICE,
    REQUESTS,
    appeal,
    at,
    refuse,
)
from tests.given.streams import topics

UNTIL = NOW + timedelta(hours=2)
SUPERVISOR = Actor("supervisor-1", frozenset({Role.SUPERVISOR}), "housing-fund")
OTHERS_SUPERVISOR = Actor("supervisor-2", frozenset({Role.SUPERVISOR}), "police")


def ask_again(application: Application, actor: Actor, now: Any = NOW) -> None:
    application.request_evidence_again(actor, now, requests=REQUESTS, due_at=now)


def claim_now(application: Application, actor: Actor) -> None:
    claim_task(application, actor, NOW, until=UNTIL)


def correct(application: Application, actor: Actor) -> None:
    send_back(
        application,
        actor,
        NOW,
        fields=[],
        documents=[],
        message_sealed="sealed",
        due_at=UNTIL,
        then=Status.REFERRED,
    )


def claimed(actor: Actor = FUND) -> Application:
    application = at(Status.REFERRED)
    claim_task(application, actor, NOW, until=UNTIL)
    return application


@pytest.mark.parametrize("status", list(Status))
def test_what_waits_for_an_officer_can_be_claimed(status: Status) -> None:
    application = at(status)
    if status in FOR_AN_OFFICER:
        claim_task(application, FUND, NOW, until=UNTIL)
        assert topics(application) == ["application.task_claimed"]
        assert holder(application.task, NOW) == FUND.subject
    else:
        with pytest.raises(NotReferred):
            claim_task(application, FUND, NOW, until=UNTIL)


@pytest.mark.parametrize("actor", [POLICE, ANNA, SUPERVISOR])
def test_only_the_department_claims(actor: Actor) -> None:
    with pytest.raises(NotYourDepartment):
        claim_task(at(Status.REFERRED), actor, NOW, until=UNTIL)


@pytest.mark.parametrize(
    "step", [refuse, ask_again, lambda a, who: claim_task(a, who, NOW, until=UNTIL)]
)
def test_a_colleague_leaves_it_alone(step: Callable[[Application, Actor], None]) -> None:
    with pytest.raises(TaskTaken):
        step(claimed(), OTHER_FUND)
    step(claimed(), FUND)


def test_a_claim_that_is_over_counts_for_nothing() -> None:
    application = claimed()
    assert holder(application.task, UNTIL - timedelta(seconds=1)) == FUND.subject
    assert holder(application.task, UNTIL) is None
    refuse(application, OTHER_FUND, UNTIL)
    assert application.status == Status.REFUSED


@pytest.mark.parametrize("actor", [FUND, SUPERVISOR])
def test_who_has_it_or_a_supervisor_gives_it_back(actor: Actor) -> None:
    application = claimed()
    release_task(application, actor, NOW)
    refuse(application, OTHER_FUND)


@pytest.mark.parametrize(
    ("actor", "refusal"),
    [(OTHER_FUND, TaskNotYours), (OTHERS_SUPERVISOR, NotYourDepartment), (ANNA, NotYourDepartment)],
)
def test_nobody_else_gives_it_back(actor: Actor, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        release_task(claimed(), actor, NOW)


def test_what_nobody_has_is_not_given_back() -> None:
    with pytest.raises(NotReferred):
        release_task(at(Status.REFERRED), FUND, NOW)


def test_a_task_ends_with_what_it_was_for() -> None:
    application = claimed()
    refuse(application, FUND)
    appeal(application)
    assert application.task is None
    refuse(application, OTHER_FUND)


def test_a_task_ends_where_it_is_sent_back() -> None:
    application = claimed()
    given.send_back()(application)
    assert application.task is None


@pytest.mark.parametrize("step", [ask_again, claim_now, correct])
def test_an_officer_sees_to_nothing_of_their_own(
    step: Callable[[Application, Actor], None],
) -> None:
    own = replace(ANNA, roles=frozenset({Role.CITIZEN, Role.OFFICIAL}), department="housing-fund")
    with pytest.raises(NotApart):
        step(at(Status.REFERRED), own)
    childs = at(Status.REFERRED)
    childs.guardian = FUND.subject
    with pytest.raises(NotApart):
        step(childs, FUND)
