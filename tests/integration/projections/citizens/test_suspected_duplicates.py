"""The officers' list of faces that were enrolled for two people."""

from uuid import uuid4

from citybrain.domain.citizens.citizen import Citizen
from citybrain.eventstore import EventStore, Metadata
from citybrain.systems import projection_named
from projections.citizens import suspected_duplicates
from projections.rebuild import compare, rebuild
from tests.integration.projections.test_projections import caught_up, running
from tests.unit.domain.citizens.test_citizen import NOW, OFFICIAL, consent, enrol, registered

NAME = "suspected_duplicates"


async def saved(store: EventStore, citizen: Citizen) -> None:
    metadata = Metadata("official-1", "official", "test", uuid4(), uuid4(), None)
    await store.save(citizen, metadata=metadata)


async def test_suspicions_are_listed_until_an_officer_has_looked(store: EventStore) -> None:
    citizens = [registered() for _ in range(5)]
    async with running(store, projection_named(NAME)):
        for number, citizen in enumerate(citizens):
            consent(citizen)
            enrol(duplicate=f"other-{number}")(citizen)
            await saved(store, citizen)
        await caught_up(store, NAME)
        listed = await suspected_duplicates.page(store.pool, limit=10)
        assert [row["citizen_id"] for row in listed] == [citizen.id for citizen in citizens]
        last = (listed[2]["suspected_at"], listed[2]["pair"])
        rest = await suspected_duplicates.page(store.pool, after=last, limit=10)
        assert rest == listed[3:]

        for citizen, verdict in zip(citizens, ("different-people", "same-person"), strict=False):
            other = next(iter(citizen.duplicates))
            citizen.resolve_duplicate(OFFICIAL, NOW, other=other, verdict=verdict)
            await saved(store, citizen)
        await caught_up(store, NAME)
        assert await suspected_duplicates.page(store.pool, limit=10) == listed[2:]

    compared = await compare(store, projection_named(NAME))
    assert compared.equal
    await rebuild(store, projection_named(NAME))
    assert await suspected_duplicates.page(store.pool, limit=10) == listed[2:]
