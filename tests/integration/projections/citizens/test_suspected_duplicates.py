"""The officers' list of faces that were enrolled for two people."""

from citybrain.eventstore import EventStore
from citybrain.systems import projection_named
from projections.citizens import suspected_duplicates
from projections.rebuild import compare, rebuild
from tests.given.citizens import NOW, SUPERVISOR, consent, enrol, registered, saved
from tests.given.read_models import caught_up, running

NAME = "suspected_duplicates"


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
            citizen.resolve_duplicate(SUPERVISOR, NOW, other=other, verdict=verdict)
            await saved(store, citizen)
        await caught_up(store, NAME)
        assert await suspected_duplicates.page(store.pool, limit=10) == listed[2:]

    compared = await compare(store, projection_named(NAME))
    assert compared.equal
    await rebuild(store, projection_named(NAME))
    assert await suspected_duplicates.page(store.pool, limit=10) == listed[2:]
