"""The read model of consents: one row each, ended by what follows, however the events come."""

from datetime import timedelta

import pytest

from citybrain.domain.citizens.consents import give_consent, withdraw_consent
from citybrain.eventstore import EventStore
from citybrain.systems import projection_named
from projections.citizens import consents
from projections.worker import ProjectionWorker
from tests.given.citizens import NOW, own, registered, saved

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("batch", [1, 1000])
async def test_a_consent_ends_with_the_next_and_with_its_withdrawal(
    store: EventStore, batch: int
) -> None:
    citizen = registered()
    for number in (1, 2):
        citizen.give_face_consent(
            own(citizen),
            NOW + number * HOUR,
            consent_id=f"c{number}",
            notice_sha256="ab" * 32,
            age_years=30,
            guardian=None,
        )
    await saved(store, citizen)
    citizen = await store.load(type(citizen), citizen.id)
    citizen.withdraw_face_consent(own(citizen), NOW + 3 * HOUR)
    for number, about in ((5, "a"), (6, "b")):
        give_consent(
            citizen,
            own(citizen),
            NOW + number * HOUR,
            consent_id=f"p{number}",
            agreement="parking-debit",
            notice_sha256="cd" * 32,
            about=about,
            most=5,
        )
    withdraw_consent(citizen, own(citizen), NOW + 7 * HOUR, consent_id="p5")
    await saved(store, citizen)
    log = await store.read_all(limit=1000)
    connection = await store.connect()
    worker = ProjectionWorker(projection_named("consents"), connection, "consents")
    await worker.create()
    for start in range(0, len(log), batch):
        assert await worker.apply(log[start : start + batch]) == 0
    await connection.close()
    rows = await consents.of_citizen(store.pool, citizen.id)
    ended = [(row["consent_id"], row["ended_at"]) for row in rows]
    assert ended == [
        ("p6", None),
        ("p5", NOW + 7 * HOUR),
        ("c2", NOW + 3 * HOUR),
        ("c1", NOW + 2 * HOUR),
    ]
    assert [row["agreement"] for row in rows] == 2 * ["parking-debit"] + 2 * ["face-recognition"]
    one = await consents.one(store.pool, "c1")
    assert one is not None
    assert one["citizen_id"] == citizen.id
    assert await consents.one(store.pool, "c3") is None
