"""Claims: all that an application draws on or nothing, and what was paid before still counts."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem
from citybrain.definitions.applications.draws import Draw, Draws
from citybrain.domain.actor import system_actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.entitlement import (
    AlreadyClaimed,
    Entitlement,
    EntitlementClaimed,
    RecordsOutdated,
)
from citybrain.domain.applications.limits import Limits, PaidAsOften
from citybrain.domain.applications.statuses import Status
from citybrain.eventstore import EventStore
from commands.applications.processes.claiming import Claims, DrawsOnUnknown, thing_id
from commands.handling import CommandContext
from commands.services import Services
from tests.given.applications import NOW, at
from tests.given.services import DEFINITIONS, services_over

CONTEXT = CommandContext(system_actor("applications"), "process", uuid4(), uuid4())
ITEM: ServiceItem = DEFINITIONS.of(Catalogue).item("housing-fund-repayment", NOW.date())
BEFORE = "entitlement-" + "b" * 32


@pytest.fixture
def services(store: EventStore) -> Services:
    return services_over(store)


def approved(name: str, asked: datetime = NOW) -> Application:
    """An approved application on records that were asked for then."""
    application = at(Status.APPROVED)
    application._id = name
    application.requested_at = application.decided_on = asked
    application.claim_id = None
    return application


def draws(*things: str, times: int | None = None) -> Draws:
    return Draws(tuple(Draw(f"loan/:{thing}", False, "k", None, Limits(times)) for thing in things))


def claims(services: Services, name: str) -> Claims:
    return Claims(name, CONTEXT, services)


async def take(
    services: Services, application: Application, *things: str, **more: Any
) -> list[str]:
    return await claims(services, application.id).take(
        application, ITEM, draws(*things, times=more.get("times")), more.get("before")
    )


async def holder(services: Services, thing: str) -> str | None:
    stream_id = await thing_id(f"loan/:{thing}", services)
    return (await services.store.load(Entitlement, stream_id)).holder


async def test_who_comes_second_has_nothing_and_is_told_to_wait(services: Services) -> None:
    first = await take(services, approved("application-1"), "x", "y")
    assert first == sorted(first)
    with pytest.raises(AlreadyClaimed):
        await take(services, approved("application-2"), "y", "z")
    free = await take(services, approved("application-3"), "z")
    await claims(services, "application-1").release(first)
    assert [await holder(services, each) for each in "xyz"] == [None, None, "application-3"]
    await claims(services, "application-3").release(free)
    await take(services, approved("application-2"), "y", "z")


async def test_once_paid_the_second_needs_newer_records(services: Services) -> None:
    first = await take(services, approved("application-1"), "x")
    await claims(services, "application-1").settle(first, "payment")
    with pytest.raises(RecordsOutdated):
        await take(services, approved("application-2"), "w", "x")
    later = services.clock() + timedelta(seconds=1)
    assert len(await take(services, approved("application-2", later), "w", "x")) == 2


async def test_of_many_at_once_one_has_it_all_and_the_others_nothing(services: Services) -> None:
    names = [f"application-{number}" for number in range(8)]
    answers = await asyncio.gather(
        *(take(services, approved(name), "x", "y", "z") for name in names), return_exceptions=True
    )
    (winner,) = (name for name, got in zip(names, answers, strict=True) if isinstance(got, list))
    assert {type(each) for each in answers} == {list, AlreadyClaimed}
    assert {await holder(services, each) for each in "xyz"} == {winner}


async def test_what_was_taken_before_a_crash_is_given_back_where_the_rest_is_gone(
    services: Services,
) -> None:
    await take(services, approved("application-1"), "x")
    await take(services, approved("application-2"), "y")
    with pytest.raises(AlreadyClaimed):
        await take(services, approved("application-1"), "x", "y")
    assert await holder(services, "x") is None


async def test_taken_twice_it_is_claimed_once(services: Services) -> None:
    once = await take(services, approved("application-1"), "x")
    assert await take(services, approved("application-1"), "x") == once
    (stream_id,) = once
    assert len(await services.store.read(stream_id)) == 2  # opened, claimed


async def test_nothing_is_claimed_where_a_key_is_missing(services: Services) -> None:
    unknown = Draws(draws("x").draws, (("loan.number", "loan not delivered"),))
    with pytest.raises(DrawsOnUnknown):
        await claims(services, "application-1").take(approved("application-1"), ITEM, unknown, None)
    assert await services.store.head() == 0


def paid_before() -> Entitlement:
    """As an earlier release left it: by a key of then, without the item's name."""
    entitlement = Entitlement.open(NOW, entitlement_id=BEFORE, service=ITEM.code)
    entitlement.trigger_event(
        EntitlementClaimed, timestamp=NOW, application_id="old", citizen_id="c", amount_fen=1
    )
    return entitlement


async def test_who_is_being_paid_under_the_key_of_before_is_waited_for(services: Services) -> None:
    entitlement = paid_before()
    await services.store.save(entitlement, metadata=CONTEXT.metadata())
    with pytest.raises(AlreadyClaimed):
        await take(services, approved("application-1"), "x", before=BEFORE)
    entitlement.settle(NOW, application_id="old", payment_id="p")
    await services.store.save(entitlement, metadata=CONTEXT.metadata())
    later = NOW + timedelta(days=1)
    assert await take(services, approved("application-1", later), "x", before=BEFORE)


async def test_what_was_paid_under_the_key_of_before_counts(services: Services) -> None:
    entitlement = paid_before()
    entitlement.settle(NOW, application_id="old", payment_id="p")
    await services.store.save(entitlement, metadata=CONTEXT.metadata())
    same = Draws((Draw("loan/:x", False, "loan.number", None, Limits(times=1)),))
    later = approved("application-1", NOW + timedelta(days=1))
    with pytest.raises(PaidAsOften):
        await claims(services, later.id).take(later, ITEM, same, BEFORE)


async def test_what_an_earlier_release_had_claimed_is_settled_with_the_rest(
    services: Services,
) -> None:
    """It was updated between the claim and the money."""
    held = Entitlement.open(NOW, entitlement_id=BEFORE, service=ITEM.code)
    held.trigger_event(
        EntitlementClaimed,
        timestamp=NOW,
        application_id="application-1",
        citizen_id="c",
        amount_fen=1,
    )
    await services.store.save(held, metadata=CONTEXT.metadata())
    application = approved("application-1")
    application.claim_id = BEFORE
    taken = await take(services, application, "x", before=BEFORE)
    assert (len(taken), taken[-1]) == (2, BEFORE)
    await claims(services, "application-1").settle(taken, "payment")
    held = await services.store.load(Entitlement, BEFORE)
    assert (held.holder, len(held.payments)) == (None, 1)
