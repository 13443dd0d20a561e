"""The read model of lamps: the same rows, however the log comes to it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from citybrain.domain.actor import Actor, Role
from citybrain.domain.lamps.lamp import Lamp
from citybrain.eventstore import EventStore, Metadata
from projections.lamps import lamps
from projections.reading import Row
from tests.given.read_models import project

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
OPERATOR = Actor("operator-1", frozenset({Role.OPERATOR}))
OFFICIAL = Actor("official-1", frozenset({Role.OFFICIAL}))


async def whole_life(store: EventStore, place: str) -> str:
    """A lamp that was broken and works again."""
    lamp = Lamp.register(OPERATOR, NOW, place=place, simulated=False)
    lamp.report(OPERATOR, NOW + timedelta(hours=1), what="broken")
    lamp.mend(OFFICIAL, NOW + timedelta(hours=2), note="mended")
    await store.save(lamp, metadata=Metadata("operator-1", "operator", "http", uuid4(), uuid4()))
    return lamp.id


async def rows(store: EventStore) -> list[Row]:
    return await lamps.page(store.pool)


async def test_one_event_at_a_time_and_all_at_once_give_the_same_rows(store: EventStore) -> None:
    ids = [await whole_life(store, place) for place in ("East Gate", "West Gate")]
    await project(store, "lamps", batch=1)
    slowly = await rows(store)
    await store.pool.execute("DROP SCHEMA lamps CASCADE")
    await store.pool.execute("DELETE FROM projection_checkpoints WHERE projection = 'lamps'")
    await project(store, "lamps")
    assert await rows(store) == slowly
    assert [row["lamp_id"] for row in slowly] == sorted(ids)
    assert {row["since"] for row in slowly} == {NOW + timedelta(hours=2)}
