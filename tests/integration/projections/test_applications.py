"""The read models of applications: rows, steps, days, sources, refusals, accesses."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from citybrain.domain.actor import Actor
from citybrain.domain.application import Application, Channel, Status
from citybrain.eventstore import EventStore, Metadata
from projections import queries
from projections.application_days import bucket_of, bucket_seconds
from projections.projection import Projection
from projections.registry import projection_named
from projections.worker import ProjectionWorker
from tests.applications import (
    ANNA,
    CITIZEN_ID,
    FUND,
    LIVES,
    NOW,
    REQUESTS,
    answer,
    ask,
    failure,
    identify,
    submitted,
)

DAY = date(2026, 3, 2)
MODELS = ("applications", "application_days", "source_days", "refusal_days", "data_accesses")


async def saved(store: EventStore, application: Application, actor: Actor = ANNA) -> str:
    """Append what is pending, under an id of its own."""
    fresh = Application.new_id()
    for event in application.pending_events:
        object.__setattr__(event, "originator_id", fresh)
    application._id = fresh
    await store.save(
        application,
        metadata=Metadata(actor.subject, "role", "app", uuid4(), uuid4(), None),
    )
    return fresh


async def lived(store: EventStore, status: Status, **fields: Any) -> str:
    application = submitted(**fields)
    for step in LIVES[status]:
        step(application)
    return await saved(store, application)


async def project(store: EventStore, names: tuple[str, ...] = MODELS, batch: int = 1000) -> None:
    """Apply the whole log in batches."""
    log = await store.read_all(limit=10_000)
    for name in names:
        model: Projection = projection_named(name)
        connection = await store.connect()
        worker = ProjectionWorker(model, connection, model.name)
        await worker.create()
        for start in range(0, len(log), batch):
            assert await worker.apply(log[start : start + batch]) == 0
        await connection.close()


async def tables(store: EventStore) -> dict[str, list[str]]:
    """All rows of the models."""
    names = await store.pool.fetch(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname = ANY($1)",
        list(MODELS),
    )
    return {
        row["name"]: sorted(
            str(each[0]) for each in await store.pool.fetch(f"SELECT t::text FROM {row['name']} t")
        )
        for row in names
    }


@pytest.mark.parametrize("status", list(Status))
async def test_a_row_says_where_an_application_stands(store: EventStore, status: Status) -> None:
    application_id = await lived(store, status)
    await project(store, ("applications",))
    row = await queries.application(store.pool, application_id)
    assert row is not None
    collected = status is Status.COLLECTED  # decided in a moment: not told apart
    assert row["status"] == (Status.COLLECTING if collected else status)
    assert row["version"] == len(await store.read(application_id))
    waiting = await queries.application_queue(store.pool, department="housing-fund")
    assert bool(waiting) == (status in (Status.REFERRED, Status.PAYOUT_FAILED))


async def test_steps_count_from_the_submission_and_hold_nothing_sealed(store: EventStore) -> None:
    application = submitted()
    application.verify_identity(
        NOW + timedelta(milliseconds=1234), method="face", citizen_version=4, identified_at=NOW
    )
    ask(application)
    application.collect(NOW + timedelta(seconds=3), [answer("police"), failure("bank")])
    application_id = await saved(store, application)
    await project(store)
    steps = await queries.application_steps(store.pool, application_id)
    assert [step["milliseconds"] for step in steps] == [0, 1234, 1234, 3000, 3000]
    assert steps[4]["details"]["reason"] == "source-timeout"
    assert not any("sealed" in row for rows in (await tables(store)).values() for row in rows)


async def test_one_at_a_time_and_all_at_once_give_the_same(store: EventStore) -> None:
    for status in Status:
        await lived(store, status)
    await project(store)
    at_once = await tables(store)
    for name in MODELS:
        await store.pool.execute(f"DROP SCHEMA {name} CASCADE")
        await store.pool.execute("DELETE FROM projection_checkpoints WHERE projection = $1", name)
    await project(store, batch=1)
    assert await tables(store) == at_once
    assert sum(map(len, at_once.values())) > 50


async def test_days_count_what_became_of_them_and_what_was_saved(store: EventStore) -> None:
    await lived(store, Status.PAID)
    await lived(store, Status.PAID, actor=FUND, channel=Channel.COUNTER)
    await lived(store, Status.REFUSED)
    await lived(store, Status.APPROVED, pays=False)
    await project(store)
    (day,) = await queries.application_days(store.pool, since=DAY, until=DAY)
    counts = day["counts"]
    assert {name: counts[name] for name in ("submitted", "paid", "refused", "approved")} == {
        "submitted": 4, "paid": 2, "refused": 1, "approved": 3,
    }  # fmt: skip
    assert (counts["ended_well"], counts["automatic"], counts["online"]) == (3, 3, 2)
    assert (counts["materials_before"], counts["materials_now"]) == (18, 0)
    assert (counts["steps_before"], counts["steps_now"]) == (12, 3)
    assert (counts["trips_before"], counts["trips_now"]) == (3, 1)
    assert counts["amount_fen"] == 200
    ((seconds, count),) = await queries.seconds_to_money(store.pool, since=DAY, until=DAY)
    assert (seconds, count) == (0.001, 2)


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.05, 0.4321, 1.0, 2.0, 30.0, 86_400.0])
def test_buckets_are_nine_percent_wide(seconds: float) -> None:
    end = bucket_seconds(bucket_of(seconds))
    assert seconds <= end * 1.000001
    assert end <= max(seconds * 1.0906, 0.00101)


async def test_departments_and_their_failures(store: EventStore) -> None:
    application = submitted()
    identify(application)
    ask(application)
    application.collect(NOW, [answer("police"), failure("bank")])
    await saved(store, application)
    await project(store)
    bank, police = await queries.source_days(store.pool, since=DAY, until=DAY)
    assert bank["counts"] == {"attempts": 3, "source-timeout": 1}
    assert police["counts"] == {"attempts": 1, "collected": 1}
    ((seconds, count),) = police["seconds"]
    assert 0.08 <= seconds <= 0.088
    assert count == 1


async def test_refusals_by_whom_and_why(store: EventStore) -> None:
    await lived(store, Status.REFUSED)
    lost = submitted()
    for step in LIVES[Status.APPROVED]:
        step(lost)
    lost.lose_claim(NOW, reason="drawn-meanwhile", claim_id="entitlement-1")
    await saved(store, lost)
    await project(store)
    rows = await queries.refusal_days(store.pool, since=DAY, until=DAY)
    assert {(row["by"], row["reason"], row["count"]) for row in rows} == {
        ("rules", "rule", 1), ("claim", "drawn-meanwhile", 1),
    }  # fmt: skip


async def test_who_read_my_data(store: EventStore) -> None:
    application = submitted()
    identify(application)
    ask(application)
    collect = [answer(request["material"]) for request in REQUESTS]
    application.collect(NOW, collect)
    application.open_sealed(FUND, NOW, what="explanation", purpose="complaint")
    await saved(store, application)
    await project(store)
    rows = await queries.data_accesses(store.pool, CITIZEN_ID)
    assert [(row["who"], row["what"], row["purpose"]) for row in rows] == [
        ("official-fund-1", "explanation", "complaint"),
        ("bank", "bank", "housing-fund-repayment"),
        ("police", "police", "housing-fund-repayment"),
    ]
    (last,) = await queries.data_accesses(
        store.pool, CITIZEN_ID, after=(rows[1]["at"], rows[1]["access_id"])
    )
    assert last["who"] == "police"
