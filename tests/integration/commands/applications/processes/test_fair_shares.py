"""One citizen's many applications slow nobody else: counted in steps, not in time."""

import asyncio
from collections import Counter
from functools import partial
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Application
from citybrain.eventstore import EventStore
from commands.applications.processes import application as process
from commands.applications.processes.application import ApplicationProcess
from commands.applications.processes.room import SHARE, Room
from commands.processes.runner import context_of
from tests.given.applications import ANNA, CITIZEN_ID, submitted
from tests.given.services import context, services_over

MANY = 300
STEPS = 7


async def test_a_share_of_the_room_is_a_few_places_and_who_comes_last_is_not_last() -> None:
    room, served = Room(places=2 * SHARE), []
    most: Counter[str] = Counter()
    inside: Counter[str] = Counter()

    async def serve(citizen: str) -> None:
        async with room.place(citizen):
            inside[citizen] += 1
            most[citizen] = max(most[citizen], inside[citizen])
            await asyncio.sleep(0)
            served.append(citizen)
            inside[citizen] -= 1

    many = ["one who has many"] * MANY
    await asyncio.gather(*(serve(citizen) for citizen in (*many, "another")))
    assert most == {"one who has many": SHARE, "another": 1}
    assert served.index("another") <= SHARE


async def test_many_that_are_woken_at_once_let_another_pass(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = services_over(store)
    other = Actor("citizen-" + "2" * 32, frozenset({Role.CITIZEN}))
    waiting = [await saved(store, ANNA) for _ in range(MANY)]
    await store.pool.executemany(process.WAIT, [(each, CITIZEN_ID) for each in waiting])
    late = await saved(store, other)
    took: list[str] = []

    async def take(self: Any, _: Any, application: Application) -> float | None:
        took.append(application.citizen_id)
        self.steps = getattr(self, "steps", 0) + 1
        return 0.0 if self.steps < STEPS else None

    monkeypatch.setattr(process._Drive, "_take", take)
    manager = ApplicationProcess()
    (event,) = await store.read(late, limit=1)
    await asyncio.gather(
        manager._go_on(CITIZEN_ID, services),
        manager.react(event, services, partial(context_of, manager, event)),
    )
    assert Counter(took) == {CITIZEN_ID: MANY * STEPS, other.subject: STEPS}
    last = len(took) - 1 - took[::-1].index(other.subject)
    before = took[:last].count(CITIZEN_ID)
    assert before < MANY


async def saved(store: EventStore, applicant: Actor) -> str:
    application = submitted(
        applicant, application_id=Application.new_id(), citizen_id=applicant.subject
    )
    await store.save(application, metadata=context(applicant).metadata())
    return application.id
