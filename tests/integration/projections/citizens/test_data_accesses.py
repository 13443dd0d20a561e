"""Who used my data: what is read, what is done for somebody, and what rules open."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from citybrain.domain.access import Access
from citybrain.domain.actor import Actor
from citybrain.domain.stream import StreamAggregate
from citybrain.eventstore import EventStore, Metadata
from citybrain.systems import projection_named
from commands.accesses import Look, record_access
from projections.citizens import data_accesses
from projections.rebuild import compare
from tests.given.applications import (
    CITIZEN_ID,
    FUND,
    NOW,
    REQUESTS,
    answer,
    ask,
    decide,
    identify,
    submitted,
)
from tests.given.citizens import CLERK, SUPERVISOR, consent, enrol, registered, use, verify
from tests.given.citizens import NOW as EARLIER
from tests.given.read_models import project
from tests.given.services import context

NAME = "data_accesses"
GUARDIAN = "citizen-" + "7" * 32


async def save(store: EventStore, stream: StreamAggregate, actor: Actor, role: str) -> None:
    metadata = Metadata(actor.subject, role, "counter", uuid4(), uuid4(), None)
    await store.save(stream, metadata=metadata)


async def shown(store: EventStore, citizen: str, *members: str) -> list[tuple[Any, ...]]:
    """Some members of her accesses, newest first."""
    await project(store, NAME)
    rows = await data_accesses.page(store.pool, citizen)
    assert (await compare(store, projection_named(NAME))).equal
    return [tuple(row[member] for member in members) for row in rows]


async def test_records_openings_and_what_rules_read_are_accesses(store: EventStore) -> None:
    application = submitted()
    identify(application)
    ask(application)
    application.collect(NOW, [answer(request["material"]) for request in REQUESTS])
    decide("refused")(application)
    application.open_sealed(FUND, NOW, what="explanation", purpose="complaint")
    await save(store, application, Actor("system:applications", frozenset()), "system")
    service = "housing-fund-repayment"
    assert await shown(store, CITIZEN_ID, "who", "what", "purpose") == [
        ("official-fund-1", "explanation", "complaint"),
        ("system:applications", "dossier", service),
        ("bank", "bank", service),
        ("police", "police", service),
    ]
    rows = await data_accesses.page(store.pool, CITIZEN_ID)
    (last,) = await data_accesses.page(
        store.pool, CITIZEN_ID, after=(rows[2]["at"], rows[2]["access_id"])
    )
    assert last["who"] == "police"


async def test_a_phrase_of_an_old_opening_is_kept(store: EventStore) -> None:
    application = submitted()
    application.open_sealed(FUND, NOW, what="explanation", purpose="an audit of 2025")
    await save(store, application, FUND, "official")
    assert ("an audit of 2025",) in await shown(store, CITIZEN_ID, "purpose")


async def test_each_look_at_a_face_or_a_document_is_an_access(store: EventStore) -> None:
    citizen = registered()
    for step in (consent, enrol(), verify(matched=True)):
        step(citizen)
    finding = {"score": 0.7, "threshold": 0.6, "false_match_rate": 1e-4, "enrolled": 9}
    citizen.identify_face(EARLIER, template_id="t1", **finding, **use())
    citizen.confirm_identity(
        CLERK, EARLIER, method="counter", purpose="other", document="passport", code_id=None
    )
    await save(store, citizen, CLERK, "official")
    assert await shown(store, citizen.id, "what", "purpose", "version") == [
        ("document-seen", "other", 6),
        ("face-searched", "identification", 5),
        ("face-compared", "fund", 4),
        ("face-enrolled", "enrol", 3),
        ("face-consent", "face-recognition", 2),
        ("registered", "counter-service", 1),
    ]
    whose = await shown(store, citizen.id, "who", "role", "stream_id", "about")
    assert set(whose) == {(CLERK.subject, "official", citizen.id, citizen.id)}


@pytest.mark.parametrize("actor", ["own", "system"])
async def test_what_she_or_the_system_does_is_no_access(store: EventStore, actor: str) -> None:
    citizen = registered()
    for step in (consent, enrol()):
        step(citizen)
    who = Actor(citizen.id if actor == "own" else "system:imports", frozenset())
    await save(store, citizen, who, "citizen" if actor == "own" else "system")
    assert await shown(store, citizen.id, "what") == []


async def test_a_guardian_and_the_other_of_two_alike_are_told_too(store: EventStore) -> None:
    child = registered()
    child.confirm_identity(
        CLERK,
        EARLIER,
        method="counter",
        purpose="face-recognition",
        document="identity-card",
        code_id=None,
    )
    child.give_face_consent(
        CLERK, EARLIER, consent_id="c", notice_sha256="ab", age_years=9, guardian=GUARDIAN
    )
    enrol(duplicate=CITIZEN_ID)(child)
    child.resolve_duplicate(SUPERVISOR, EARLIER, other=CITIZEN_ID, verdict="different-people")
    await save(store, child, CLERK, "official")
    assert await shown(store, GUARDIAN, "who", "what", "purpose") == [
        (CLERK.subject, "birth-date", "guardian")
    ]
    assert await shown(store, CITIZEN_ID, "who", "what", "purpose") == [
        (CLERK.subject, "duplicate-resolved", "duplicate-check")
    ]


async def test_a_page_of_people_is_told_to_each_whose_it_is(store: EventStore) -> None:
    application = submitted()
    await save(store, application, FUND, "official")
    look = Look(what="list", purpose="audit", role="official", through="get_v1_applications")
    about = [application.id, GUARDIAN, "application-" + "0" * 32, application.id]
    await record_access(look, about, context(FUND), store, NOW + timedelta(days=1))
    members = ("who", "role", "department", "what", "purpose", "through", "about")
    read = (FUND.subject, "official", "housing-fund", "list", "audit", "get_v1_applications")
    assert (await shown(store, CITIZEN_ID, *members))[0] == (*read, application.id)
    assert await shown(store, GUARDIAN, *members) == [(*read, GUARDIAN)]
    (event,) = await store.read_all(0, topics=("access.recorded",))
    assert event.data["about"] == about[:3]
    assert isinstance(await store.load(Access, event.stream_id), Access)
