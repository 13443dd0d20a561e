"""Claims and arrears as the desk reads them; the same however the events come."""

from datetime import UTC, datetime, timedelta
from typing import Any

from citybrain.domain.money import Fen
from citybrain.domain.parking import reductions
from citybrain.domain.parking.ageing import bucket_of
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import Channel, Reduction
from citybrain.eventstore import EventStore
from projections.parking import claims
from projections.parking.arrears import ArrearsRow, arrears
from tests.given.parking.claims import (
    CITIZEN,
    LIMITS,
    NOW,
    SUPERVISOR,
    asked,
    captured,
    charged_back,
    claim,
    misfit,
    paid,
    refunded,
)
from tests.given.parking.collecting import context
from tests.given.parking.sessions import left
from tests.given.read_models import project, same_in_any_batch

MODEL = "parking_claims"
EDGES = tuple(timedelta(days=days) for days in (1, 7, 30))
DUE = datetime(2026, 9, 1, 4, tzinfo=UTC)  # noon in the city


async def stored(store: EventStore, *owed: Claim) -> None:
    """These claims are in the log, and read."""
    for each in owed:
        await store.save(each, metadata=context().metadata())
    await project(store, MODEL)


def raised(number: int, due_at: datetime, amount_fen: int = 600, **of: Any) -> Claim:
    """Something is owed from the moment it is due."""
    return Claim.raise_(
        due_at,
        subject=of.pop("subject", f"parking-{number:032x}"),
        number=1,
        citizen_id=of.pop("payer", None),
        amount_fen=Fen(amount_fen),
        due_at=due_at,
        to_account="parking",
        decision_sha256="ab" * 32,
        **of,
    )


async def ages(store: EventStore, at: datetime) -> dict[str, int]:
    """How much is open of each age."""
    return {row.age_days: row.open_fen for row in await arrears(store.pool, at, EDGES)}


async def test_p43_ageing_at_the_edges(store: EventStore) -> None:
    owed = raised(1, DUE)
    await stored(store, owed)
    day, second = timedelta(days=1), timedelta(seconds=1)
    asked_at = {
        DUE - second: {},
        DUE: {"0-1": 600},
        DUE + day - second: {"0-1": 600},
        DUE + day: {"1-7": 600},
        DUE + 7 * day: {"7-30": 600},
        DUE + 30 * day: {"30+": 600},
    }
    for at, right in asked_at.items():
        assert await ages(store, at) == right, at
    reductions.correct(owed, DUE + 2 * day, to_fen=0, reason="free", decision_sha256="cd" * 32)
    await stored(store, owed)
    for at, right in asked_at.items():
        assert await ages(store, at) == (right if at < DUE + 2 * day else {}), at


async def test_p37_a_debt_that_was_charged_back_is_as_old_as_the_chargeback(
    store: EventStore,
) -> None:
    owed = raised(1, DUE)
    captured(owed, asked(owed), DUE)
    back = NOW + timedelta(days=6)
    charged_back(owed, next(iter(owed.payments)), back)
    await stored(store, owed)
    assert await ages(store, back) == {"0-1": 600}
    row = await claims.one(store.pool, owed.id)
    assert row is not None
    assert (row["status"], row["charged_back"], row["loss_fen"]) == ("charged-back", True, 0)


async def test_every_debt_is_in_the_one_bucket_of_its_age(store: EventStore) -> None:
    at = DUE + timedelta(days=40)
    ages_in_seconds = [
        edge * 86_400 + off for edge in (0, 1, 7, 30, 40) for off in (-1, 0, 1) if edge or off >= 0
    ]
    due = [at - timedelta(seconds=each) for each in ages_in_seconds]
    await stored(store, *(raised(place, each, 100) for place, each in enumerate(due, 1)))
    right: dict[str, int] = {}
    for each in due:
        bucket = bucket_of(each, at, EDGES)
        assert bucket is not None
        right[bucket.name] = right.get(bucket.name, 0) + 100
    assert await ages(store, at) == right
    assert sum(right.values()) == 100 * len(due)


async def test_arrears_are_told_apart_by_district_and_by_debtor(store: EventStore) -> None:
    session = left()
    await store.save(session, metadata=context().metadata())
    plate = "plate-" + "a" * 32
    there = raised(1, DUE, subject=session.id, plate_id=plate)
    elsewhere = [raised(number, DUE, plate_id=plate) for number in (7, 8)]
    reductions.suspend(elsewhere[0], DUE, reason="disputed")
    await stored(store, there, *elsewhere)
    assert await arrears(store.pool, DUE, EDGES) == [
        ArrearsRow(
            area_id="area-1", age_days="0-1", claims=1, debtors=1, open_fen=600, suspended_fen=0
        ),
        ArrearsRow(
            area_id=None, age_days="0-1", claims=2, debtors=1, open_fen=1200, suspended_fen=600
        ),
    ]


async def test_p38_the_list_shows_one_receipt_and_a_note_of_what_goes_back(
    store: EventStore,
) -> None:
    owed = claim()
    kiosk, debit = asked(owed), asked(owed, Channel.DEBIT)
    captured(owed, kiosk)
    captured(owed, debit, NOW + timedelta(seconds=1))
    refunded(owed)
    await stored(store, owed)
    (row,) = await claims.page(store.pool, citizen_id=CITIZEN, limit=9)
    papers = [
        (each["kind"], each["amount_fen"], each["of"], each["why"]) for each in row["receipts"]
    ]
    assert papers == [("receipt", 600, None, None), ("refund-note", 600, debit, "overpayment")]
    assert [each["state"] for each in row["payments"]] == ["captured", "captured"]


async def test_a_receipt_stays_when_something_goes_back_later(store: EventStore) -> None:
    owed, payment_id = paid()
    reductions.correct(owed, NOW, to_fen=400, reason="shorter", decision_sha256="cd" * 32)
    await stored(store, owed)
    row = await claims.one(store.pool, owed.id)
    assert row is not None
    papers = [(each["kind"], each["amount_fen"], each["why"]) for each in row["receipts"]]
    assert papers == [("receipt", 600, None), ("refund-note", 200, "correction")]
    assert row["receipts"][0]["number"] == payment_id


async def test_each_desk_has_what_it_looks_through(store: EventStore) -> None:
    lost, held, plain, disputed = (claim(number=number) for number in range(1, 5))
    waits = claim(6000, number=5)
    captured(lost, asked(lost))
    reductions.correct(lost, NOW, to_fen=0, reason="void", decision_sha256="cd" * 32)
    refunded(lost)
    charged_back(lost, next(iter(lost.payments)))
    misfit(held, asked(held))
    reductions.propose(
        waits,
        SUPERVISOR,
        NOW,
        proposal_id="1" * 32,
        kind=Reduction.WRITE_OFF,
        by_fen=Fen(6000),
        reason="gone",
        limits=LIMITS,
    )
    reductions.suspend(disputed, NOW, reason="disputed")
    await stored(store, lost, held, plain, waits, disputed)

    async def on(desk: claims.Desk) -> set[str]:
        return {row["claim_id"] for row in await claims.page(store.pool, desk=desk, limit=9)}

    assert await on("losses") == {lost.id}
    assert await on("mismatches") == {held.id}
    assert await on("collections") == {plain.id, waits.id}
    assert await on("second-person") == {waits.id}


async def test_one_at_a_time_and_all_at_once_give_the_same(store: EventStore) -> None:
    session = left()
    await store.save(session, metadata=context().metadata())
    owed = claim()
    kiosk, debit = asked(owed), asked(owed, Channel.DEBIT)
    misfit(owed, debit)
    captured(owed, kiosk)
    captured(owed, debit)
    refunded(owed)
    charged_back(owed, kiosk, NOW + timedelta(days=2))
    again = raised(3, DUE, subject=session.id, payer=CITIZEN)
    captured(again, asked(again, amount_fen=200))
    for each in (owed, again):
        await store.save(each, metadata=context().metadata())
    assert await same_in_any_batch(store, MODEL) > 5
