"""Identifications by day: the same after a rebuild, and counted where they belong."""

from datetime import date, timedelta

from citybrain.eventstore import EventStore
from citybrain.systems import projection_named
from projections.citizens import identity_days
from projections.rebuild import compare
from tests.given.citizens import CLERK, NOW, consent, enrol, registered, saved, verify
from tests.given.feeding import SHOWN, same_in_any_order
from tests.given.read_models import caught_up, running

NAME = "identity_days"


async def test_days_of_the_city_and_rates(store: EventStore) -> None:
    evening = NOW.replace(hour=17)  # the next day in the city
    async with running(store, projection_named(NAME)):
        for number in range(4):
            citizen = registered()
            for step in (consent, enrol(), verify(matched=True), verify(matched=number > 1)):
                step(citizen)
            verify(matched=True, at=evening)(citizen)
            citizen.confirm_identity(
                CLERK, evening, method="counter", purpose="other", document="passport", code_id=None
            )
            await saved(store, citizen)
        await caught_up(store, NAME)

    today = date(2026, 3, 1)
    first, *second = await identity_days.days(
        store.pool, since=today, until=today + timedelta(days=1)
    )
    assert first["outcomes"] == {"face-matched": 6, "face-not-matched": 2}
    assert (first["day"], first["face_success_rate"], first["fallback_rate"]) == (today, 0.75, 0)
    assert [(row["purpose"], row["outcomes"]) for row in second] == [
        ("fund", {"face-matched": 4}),
        ("other", {"counter": 4}),
    ]
    assert (second[1]["face_success_rate"], second[1]["fallback_rate"]) == (None, 1)
    assert (await compare(store, projection_named(NAME))).equal
    await same_in_any_order(store, *SHOWN["identities"])
