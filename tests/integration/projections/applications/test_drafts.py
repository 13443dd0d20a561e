"""The read model of drafts: the open ones, one row each, however the events come."""

from datetime import timedelta

from citybrain.domain.applications.application import Channel
from citybrain.domain.applications.draft import Draft
from citybrain.eventstore import EventStore
from citybrain.systems import projection_named
from projections.applications import drafts
from projections.worker import ProjectionWorker
from tests.given.applications import ANNA, CITIZEN_ID, KIOSK, NOW
from tests.given.feeding import SHOWN, same_in_any_order
from tests.given.services import context

UNTIL = NOW + timedelta(days=30)


def begun() -> Draft:
    return Draft.begin(
        ANNA,
        NOW,
        service="housing-fund-repayment",
        citizen_id=CITIZEN_ID,
        channel=Channel.APP,
        content_id="c-1",
        expires_at=UNTIL,
        simulated=True,
    )


async def projected(store: EventStore, batch: int) -> list[str]:
    log = await store.read_all(limit=1000)
    connection = await store.connect()
    await connection.execute("DROP SCHEMA IF EXISTS drafts CASCADE")
    await connection.execute("DELETE FROM projection_checkpoints WHERE projection = 'drafts'")
    worker = ProjectionWorker(projection_named("drafts"), connection, "drafts")
    await worker.create()
    for start in range(0, len(log), batch):
        assert await worker.apply(log[start : start + batch]) == 0
    rows = await connection.fetch("SELECT t::text FROM drafts.drafts t ORDER BY 1")
    await connection.close()
    return [row[0] for row in rows]


async def test_one_event_at_a_time_and_all_at_once_give_the_same(store: EventStore) -> None:
    elsewhere, submitted, given_up = begun(), begun(), begun()
    elsewhere.save(ANNA, NOW, content_id="c-2", expires_at=UNTIL + timedelta(days=1))
    elsewhere.go_on(KIOSK, NOW, channel=Channel.KIOSK)
    submitted.submit(ANNA, NOW)
    given_up.discard(ANNA, NOW)
    for draft in (elsewhere, submitted, given_up):
        await store.save(draft, metadata=context(ANNA).metadata())
    found = [await projected(store, batch) for batch in (1, 1000)]
    assert found[0] == found[1]
    await same_in_any_order(store, *SHOWN["drafts"])
    (row,) = await drafts.page(store.pool, CITIZEN_ID, now=UNTIL)
    assert (row["draft_id"], row["channel"], row["version"]) == (elsewhere.id, "kiosk", 3)
    assert await drafts.page(store.pool, CITIZEN_ID, now=UNTIL + timedelta(days=1)) == []
