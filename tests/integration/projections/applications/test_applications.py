"""The read models of applications: rows, steps, days, sources, refusals."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application, Channel
from citybrain.domain.applications.application_events import ApplicationClaimLost
from citybrain.domain.applications.identity import note_identity
from citybrain.domain.applications.messages import send_message
from citybrain.domain.applications.statuses import FOR_A_SECOND, FOR_AN_OFFICER, Status
from citybrain.domain.applications.tasks import claim_task
from citybrain.domain.applications.waiting import appeal_day
from citybrain.eventstore import EventStore, Metadata
from citybrain.systems import projection_named
from projections.applications import application_days, applications, refusal_days, source_days
from projections.buckets import bucket_of, bucket_seconds
from projections.projection import Projection
from projections.rebuild import compare
from projections.worker import ProjectionWorker
from tests.given.applications import (
    ANNA,
    CLERK,
    FUND,
    KIOSK,
    KNOWN,
    LIVES,
    NOW,
    OTHER_FUND,
    PAYMENT,
    REQUESTS,
    THIRD_FUND,
    add,
    answer,
    appeal,
    ask,
    collect,
    confirm,
    confirm_review,
    decide,
    fail,
    failure,
    identify,
    instruct,
    refuse,
    resubmit,
    review,
    send_back,
    submitted,
)
from tests.given.feeding import SHOWN, same_in_any_order

DAY = date(2026, 3, 2)
MODELS = ("applications", "application_days", "source_days", "refusal_days", "data_accesses")


async def saved(store: EventStore, application: Application, actor: Actor = ANNA) -> str:
    """Append what is pending, under an id of its own."""
    fresh = Application.new_id()
    for event in application.pending_events:
        object.__setattr__(event, "originator_id", fresh)
    application._id = fresh
    await store.save(
        application, metadata=Metadata(actor.subject, "role", "app", uuid4(), uuid4(), None)
    )
    return fresh


def living(status: Status, **fields: Any) -> Application:
    """One that has come this far, nothing of it saved."""
    application = submitted(**fields)
    for step in LIVES[status]:
        step(application)
    return application


async def lived(store: EventStore, status: Status, **fields: Any) -> str:
    return await saved(store, living(status, **fields))


def appealed() -> Application:
    """Refused by the rules, then before an officer."""
    application = living(Status.REFUSED)
    appeal(application)
    return application


def winding() -> Application:
    """One that has been everywhere: referred, delayed, not paid, asked again, paid."""
    application = living(Status.REFERRED)
    review(application)
    instruct(application)
    application.delay_payout(NOW, payment_id=PAYMENT)
    fail(application)
    application.compensate(NOW)
    ask_again(application)
    collect(application)
    decide("approved")(application)
    application.take_over(CLERK, NOW, channel=Channel.COUNTER)
    application.open_sealed(FUND, NOW, what="explanation", purpose="complaint")
    instruct(application)
    confirm(application)
    return application


def overturned() -> Application:
    """A refusal by the rules that two officers turned into money; it went by a counter."""
    application = appealed()
    application.take_over(CLERK, NOW, channel=Channel.COUNTER)
    review(application, THIRD_FUND)
    confirm_review(application, OTHER_FUND)
    instruct(application)
    confirm(application)
    return application


def corrected() -> Application:
    """Claimed, sent back with a message on the way, submitted again."""
    application = living(Status.REFERRED)
    send_message(application, ANNA, NOW, text_sealed="sealed")
    claim_task(application, FUND, NOW, until=NOW + timedelta(hours=2))
    send_back()(application)
    add()(application)
    resubmit(application)
    return application


def ask_again(application: Application) -> None:
    application.request_evidence_again(FUND, NOW, requests=REQUESTS, due_at=NOW)


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


async def counted(store: EventStore) -> dict[str, int]:
    """The counts of the day, as projected."""
    await project(store, ("application_days",))
    (day,) = await application_days.days(store.pool, since=DAY, until=DAY)
    counts: dict[str, int] = day["counts"]
    return counts


async def tables(store: EventStore) -> dict[str, list[str]]:
    """All rows of the models."""
    names = await store.pool.fetch(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname = ANY($1)",
        list(MODELS),
    )
    return {
        row["name"]: sorted(
            str(record[0])
            for record in await store.pool.fetch(f"SELECT t::text FROM {row['name']} t")
        )
        for row in names
    }


@pytest.mark.parametrize("status", list(Status))
async def test_a_row_says_where_an_application_stands(store: EventStore, status: Status) -> None:
    application_id = await lived(store, status)
    await project(store, ("applications",))
    row = await applications.one(store.pool, application_id)
    assert row is not None
    assert row["status"] == status
    assert row["version"] == len(await store.read(application_id))
    waiting = await applications.queue(store.pool, department="housing-fund")
    assert bool(waiting) == (status in FOR_AN_OFFICER | FOR_A_SECOND)


async def test_a_row_says_who_has_to_act(store: EventStore) -> None:
    asking, claimed = living(Status.REFUSED), living(Status.REFERRED)
    send_message(asking, ANNA, NOW, text_sealed="sealed")
    claim_task(claimed, FUND, NOW, until=NOW + timedelta(hours=2))
    sent = living(Status.SENT_BACK)
    ids = [await saved(store, each) for each in (asking, claimed, sent, corrected())]
    await project(store, ("applications",))
    rows = [await applications.one(store.pool, each) for each in ids]
    assert [row and row["unanswered"] for row in rows] == [True, False, False, False]
    assert [row and row["claimed_by"] for row in rows] == [None, FUND.subject, None, None]
    due = NOW + timedelta(days=20)
    assert [row and row["correction_due_at"] for row in rows] == [None, None, due, None]
    assert [row and row["legal_due_on"] for row in rows] == [
        *[date(2026, 3, 30)] * 3,
        date(2026, 4, 1),
    ]
    waiting = await applications.queue(store.pool, department="housing-fund")
    assert {row["application_id"] for row in waiting} == set(ids[:2])


async def test_an_appeal_that_is_sent_back_keeps_its_day(store: EventStore) -> None:
    application = living(Status.REFUSED)
    appeal(application)
    send_back()(application)
    add()(application)
    resubmit(application)
    application_id = await saved(store, application)
    await project(store, ("applications",))
    row = await applications.one(store.pool, application_id)
    assert row is not None
    assert row["legal_due_on"] == appeal_day(NOW)


async def test_steps_count_from_the_submission_and_hold_nothing_sealed(store: EventStore) -> None:
    application = submitted()
    later = NOW + timedelta(milliseconds=1234)
    note_identity(application, later, known=KNOWN, needed="substantial")
    ask(application)
    application.collect(NOW + timedelta(seconds=3), [answer("police"), failure("bank")])
    application_id = await saved(store, application)
    await project(store)
    steps = await applications.steps(store.pool, application_id)
    assert [step["milliseconds"] for step in steps] == [0, 1234, 1234, 3000, 3000]
    assert steps[4]["details"]["reason"] == "source-timeout"
    assert not any("sealed" in row for rows in (await tables(store)).values() for row in rows)


async def test_collecting_ends_with_the_last_answer_and_begins_again(store: EventStore) -> None:
    half, nothing, again = submitted(), submitted(), living(Status.REFERRED)
    for application in (half, nothing):
        identify(application)
    ask(half)
    half.collect(NOW, [failure("bank")])
    nothing.request_evidence(NOW, requests=[], due_at=NOW)
    ask_again(again)
    again.collect(NOW, [answer("police")])
    statuses = {await saved(store, each): each.status for each in (half, nothing, again)}
    await project(store, ("applications",))
    for application_id, status in statuses.items():
        row = await applications.one(store.pool, application_id)
        assert row is not None
        assert row["status"] == status
    assert list(statuses.values()) == ["collecting", "collected", "collecting"]
    assert await applications.queue(store.pool) == []


async def test_a_row_keeps_what_happened_on_the_way(store: EventStore) -> None:
    application_id = await saved(store, winding())
    await project(store, ("applications",))
    row = await applications.one(store.pool, application_id)
    assert row is not None
    assert (row["channel"], row["channels"]) == ("counter", ["app", "counter"])
    assert (row["held_by"], row["status"], row["decided_by"]) == (CLERK.subject, "paid", "rules")
    assert (row["reviews"], row["paid_at"], row["payout_delayed"]) == (1, NOW, False)
    assert (row["identity_method"], row["amount_fen"]) == ("face", 100)


async def test_the_most_urgent_come_first_page_by_page(store: EventStore) -> None:
    days = [None, "2026-03-06", "2026-03-04", None, "2026-03-04", "2026-03-05"]
    ids = {}
    for day in days:
        application = living(Status.REFERRED)
        object.__setattr__(application.pending_events[0], "legal_due_on", day)
        ids[await saved(store, application)] = day
    delayed = living(Status.PAYING)
    delayed.delay_payout(NOW, payment_id=PAYMENT)
    ids[await saved(store, delayed)] = None
    await lived(store, Status.PAYING)
    await project(store, ("applications",))
    seen: list[str] = []
    after = None
    while page := await applications.queue(store.pool, after=after, limit=2):
        seen += [row["application_id"] for row in page]
        after = page[-1]["submitted_at"], page[-1]["application_id"]
    assert seen == sorted(ids, key=lambda each: (ids[each] or "9999", each))
    nowhere = (NOW, "application-" + "0" * 32)
    assert await applications.queue(store.pool, after=nowhere) == []


async def test_one_at_a_time_and_all_at_once_give_the_same(store: EventStore) -> None:
    for status in Status:
        await lived(store, status)
    for application in (winding(), appealed(), overturned(), corrected()):
        await saved(store, application)
    await project(store)
    for name in MODELS:
        assert (await compare(store, projection_named(name))).equal, name
    at_once = await tables(store)
    for name in MODELS:
        await store.pool.execute(f"DROP SCHEMA {name} CASCADE")
        await store.pool.execute("DELETE FROM projection_checkpoints WHERE projection = $1", name)
    await project(store, batch=1)
    assert await tables(store) == at_once
    assert sum(map(len, at_once.values())) > 50
    assert not any("sealed" in row for rows in at_once.values() for row in rows)
    await same_in_any_order(store, *SHOWN["applications"])


async def test_days_count_what_became_of_them_and_what_was_saved(store: EventStore) -> None:
    await lived(store, Status.PAID)
    await lived(store, Status.PAID, actor=CLERK, channel=Channel.COUNTER)
    await lived(store, Status.REFUSED)
    await lived(store, Status.APPROVED, pays=False)
    await project(store)
    (day,) = await application_days.days(store.pool, since=DAY, until=DAY)
    counts = day["counts"]
    assert {name: counts[name] for name in ("submitted", "paid", "refused", "approved")} == {
        "submitted": 4,
        "paid": 2,
        "refused": 1,
        "approved": 3,
    }
    assert (counts["ended_well"], counts["finished"], counts["decided"]) == (3, 4, 4)
    assert (counts["automatic"], counts["online"]) == (4, 3)
    assert (counts["materials_before"], counts["materials_now"]) == (18, 0)
    assert (counts["steps_before"], counts["steps_now"]) == (12, 3)
    assert (counts["trips_before"], counts["trips_now"]) == (3, 1)
    assert counts["amount_fen"] == 200
    ((seconds, count),) = await application_days.seconds_to_money(store.pool, since=DAY, until=DAY)
    assert (seconds, count) == (0.001, 2)


async def test_a_review_and_a_counter_take_back_what_was_automatic_and_online(
    store: EventStore,
) -> None:
    await lived(store, Status.REFUSED)
    counts = await counted(store)
    assert (counts["automatic"], counts["online"], counts["finished"]) == (1, 1, 1)
    await store.pool.execute("DROP SCHEMA application_days CASCADE")
    await store.pool.execute("DELETE FROM projection_checkpoints")
    await saved(store, overturned())
    counts = await counted(store)
    assert (counts["automatic"], counts["online"]) == (1, 1)
    assert (counts["finished"], counts["decided"], counts["appealed"]) == (2, 2, 1)
    assert (counts["steps_now"], counts["trips_now"]) == (3, 1)


async def test_what_has_ended_for_good_is_forgotten(store: EventStore) -> None:
    kept = {await lived(store, Status.REFUSED), await lived(store, Status.APPROVED, pays=False)}
    kept.add(await saved(store, submitted(KIOSK, Channel.KIOSK)))
    kept.add(await lived(store, Status.PAID))  # its amount can be appealed
    for status in (Status.WITHDRAWN, Status.EXPIRED):
        await lived(store, status)
    await project(store, ("application_days",), batch=1)
    rows = await store.pool.fetch("SELECT application_id FROM application_days.under_way")
    assert {row["application_id"] for row in rows} == kept


async def test_seconds_to_money_are_those_between_the_decisions(store: EventStore) -> None:
    application = living(Status.PAYING)
    application.confirm_payout(
        NOW + timedelta(seconds=30),
        payment_id=PAYMENT,
        amount_fen=100,
        receipt_sha256="ab" * 32,
        receipt_sealed="sealed",
        settled_at=NOW,
    )
    await saved(store, application)
    await project(store, ("application_days",))
    ((seconds, count),) = await application_days.seconds_to_money(store.pool, since=DAY, until=DAY)
    assert 30 <= seconds <= 33
    assert count == 1


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
    bank, police = await source_days.days(store.pool, since=DAY, until=DAY)
    assert bank["counts"] == {"requested": 1, "attempts": 3, "source-timeout": 1}
    assert police["counts"] == {"requested": 1, "attempts": 1, "collected": 1}
    ((seconds, count),) = police["seconds"].histogram
    assert (bank["availability"], police["availability"]) == (0.0, 1.0)
    assert 0.08 <= seconds <= 0.088
    assert count == 1


async def test_refusals_by_whom_and_why(store: EventStore) -> None:
    await lived(store, Status.REFUSED)
    lost = submitted()
    for step in LIVES[Status.APPROVED]:
        step(lost)
    lost.trigger_event(
        ApplicationClaimLost,
        timestamp=NOW,
        reason="drawn-meanwhile",
        claim_id="entitlement-1",
        outcome="refused",  # as an earlier release did
    )
    await saved(store, lost)
    looked = living(Status.REFERRED)
    refuse(looked)
    await saved(store, looked)
    await project(store)
    rows = await refusal_days.days(store.pool, since=DAY, until=DAY)
    assert {(row["by"], row["reason"], row["count"]) for row in rows} == {
        ("rules", "rule", 1),
        ("claim", "drawn-meanwhile", 1),
        ("officer", "x", 1),
    }
