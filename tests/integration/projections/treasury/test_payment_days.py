"""The read model of payments by day: told, made, refused, open, and compared."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.city_day import city_day
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.statuses import Status
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.reductions import correct
from citybrain.domain.treasury.reconciliation import Compared, Reconciliation
from citybrain.eventstore import EventStore, Metadata
from citybrain.systems import projection_named
from projections.rebuild import compare
from projections.treasury import payment_days
from projections.treasury.payment_days import Moved, PaymentDay
from tests.given.applications import LIVES, NOW, fail, instruct, submitted
from tests.given.parking import claims
from tests.given.read_models import project
from tests.given.storm import SHARED_FIXTURE, examples

DAY = date(2026, 3, 2)
NONE, ONE = Moved(payments=0, fen=0), Moved(payments=1, fen=100)


async def saved(store: EventStore, stream: Any) -> None:
    await store.save(stream, metadata=Metadata("test", "system", "test", uuid4(), uuid4(), None))


async def told(store: EventStore, *, ends: str = "") -> None:
    """An application whose payout the bank was told, with an id of its own."""
    application, payment = submitted(), str(uuid4())
    application._id = Application.new_id()
    for event in application.pending_events:
        object.__setattr__(event, "originator_id", application._id)
    for step in LIVES[Status.APPROVED]:
        step(application)
    instruct(application, payment_id=payment)
    if ends == "paid":
        application.confirm_payout(
            NOW,
            payment_id=payment,
            amount_fen=100,
            receipt_sha256="ab" * 32,
            receipt_sealed="sealed",
            settled_at=NOW + timedelta(days=1),
        )
    elif ends == "refused":
        fail(application, payment_id=payment)
    await saved(store, application)


async def read(store: EventStore) -> dict[date, PaymentDay]:
    found = await payment_days.days(store.pool, since=DAY, until=DAY + timedelta(days=1))
    return {day.day: day for day in found}


async def test_a_payment_is_open_until_it_has_ended_and_counts_on_the_banks_day(
    store: EventStore,
) -> None:
    for ends in ("paid", "refused", ""):
        await told(store, ends=ends)
    await project(store, "payment_days")
    days = await read(store)
    today, tomorrow = days[DAY], days[DAY + timedelta(days=1)]
    assert today.instructed == Moved(payments=3, fen=300)
    assert (today.open, today.failed, today.confirmed) == (ONE, ONE, NONE)
    assert (tomorrow.confirmed, tomorrow.instructed) == (ONE, NONE)
    assert today.compared is None


@examples(15, SHARED_FIXTURE)
@given(ends=st.lists(st.sampled_from(["", "paid", "refused"]), min_size=1, max_size=6))
async def test_one_event_at_a_time_or_all_at_once_the_days_are_the_same(
    store: EventStore, ends: list[str]
) -> None:
    for end in ends:
        await told(store, ends=end)
    await project(store, "payment_days", batch=1)
    assert (await compare(store, projection_named("payment_days"))).equal


def parked(*ends: str) -> Claim:
    """A claim whose payment ends so, one thing after the other."""
    owed = claims.claim(100)
    payment_id = claims.asked(owed)
    end: dict[str, Callable[[], None]] = {
        "failed": lambda: claims.failed(owed, payment_id),
        "captured": lambda: claims.captured(owed, payment_id),
        "charged-back": lambda: claims.charged_back(owed, payment_id, amount_fen=100),
        "corrected": lambda: correct(
            owed, claims.NOW, to_fen=0, reason="permit", decision_sha256=claims.DECISION
        ),
        "refunded": lambda: claims.refunded(owed),
    }
    for each in ends:
        end[each]()
    return owed


@pytest.mark.parametrize("batch", [1, 1000])
@pytest.mark.parametrize(
    ("ends", "instructed", "confirmed", "failed"),
    [
        ((), 1, 0, 0),
        (("failed",), 1, 0, 1),
        (("failed", "captured", "failed"), 1, 1, 1),
        (("captured", "charged-back"), 1, 2, 0),
        (("captured", "corrected", "refunded", "charged-back"), 2, 3, 0),
    ],
)
async def test_parkings_money_counts_as_all_money_does(
    store: EventStore,
    batch: int,
    ends: tuple[str, ...],
    instructed: int,
    confirmed: int,
    failed: int,
) -> None:
    await saved(store, parked(*ends))
    await project(store, "payment_days", batch=batch)
    day = city_day(claims.NOW)
    (found,) = await payment_days.days(store.pool, since=day, until=day)
    counted = (found.instructed.payments, found.confirmed.payments, found.failed.payments)
    assert counted == (instructed, confirmed, failed)
    assert found.confirmed.fen == 100 * confirmed
    assert found.open == (NONE if ends else ONE)


def found(**otherwise: int) -> Compared:
    fields = {
        "payments": 2,
        "fen": 200,
        "bank_payments": 2,
        "bank_fen": 200,
        "difference_fen": 0,
        "differences": 0,
    }
    return Compared(**(fields | otherwise), differing=[], statement_sha256="ab" * 32)


@pytest.mark.parametrize("batch", [1, 1000])
async def test_the_last_comparison_of_a_day_is_shown(store: EventStore, batch: int) -> None:
    stream = Reconciliation.begin(NOW, day=DAY)
    stream.compare(NOW, found(bank_fen=300, difference_fen=100, differences=1))
    later: datetime = NOW + timedelta(hours=1)
    stream.compare(later, found())
    await saved(store, stream)
    await project(store, "payment_days", batch=batch)
    compared = (await read(store))[DAY].compared
    assert compared is not None
    assert (compared.compared_at, compared.difference_fen, compared.differences) == (later, 0, 0)
    assert compared.ours == compared.bank == Moved(payments=2, fen=200)
