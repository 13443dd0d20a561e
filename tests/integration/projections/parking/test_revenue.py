"""Revenue by day and line: it is what claims say and what the bank has, however events come."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from citybrain.city_day import city_day
from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.claim_events import Channel
from citybrain.settings import Settings
from commands.parking import looking
from commands.parking.claim import correct_claim
from projections.parking import claims, revenue
from projections.parking.revenue import RevenueRow
from tests.given.parking.charged_city import CAR, OFFICER, City, charged_city
from tests.given.parking.claims import DECISION
from tests.given.read_models import project, same_in_any_batch
from tests.given.services import context

DAY = date(2026, 9, 14)
FIRST, LAST = date(2026, 1, 1), date(9999, 12, 31)
MODELS = ("parking_revenue", "parking_claims")


@pytest.fixture
async def city(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[City]:
    async with charged_city(settings, monkeypatch) as city:
        yield city


async def rows(city: City) -> list[RevenueRow]:
    """What is in the log, read."""
    await project(city.services.store, *MODELS)
    found = await revenue.rows(city.services.store.pool, FIRST, LAST)
    await reconciled(city, found)
    return found


async def reconciled(city: City, found: list[RevenueRow]) -> None:
    """The sums are those of all claims, and of the bank's statement by its days."""
    pool = city.services.store.pool
    owed = await claims.page(pool, limit=500)
    total = revenue.summed(found)
    assert total.charged_fen == sum(each["amount_fen"] for each in owed)
    assert total.open_fen == sum(each["open_fen"] for each in owed)
    gone = total.refunded_fen + total.charged_back_fen
    lost = sum(each["loss_fen"] for each in owed)
    assert total.captured_fen - gone + lost == sum(each["paid_fen"] for each in owed)
    book: dict[tuple[date, str], int] = {}
    for line in city.gateway.departments.ledger():
        if line["status"] == "success":
            key = city_day(datetime.fromtimestamp(line["booked_at"], UTC)), line["kind"]
            book[key] = book.get(key, 0) + line["amount_fen"]
    ours: dict[tuple[date, str], int] = {}
    for row in found:
        moved = {
            "charge": row.captured_fen,
            "refund": row.refunded_fen,
            "chargeback": row.charged_back_fen,
        }
        for kind, fen in moved.items():
            if fen:
                ours[row.day, kind] = ours.get((row.day, kind), 0) + fen
    assert ours == book


def owed_on(found: list[RevenueRow], day: date) -> list[tuple[str | None, int, int, int, int]]:
    """The lines of a day that are owed."""
    return [
        (row.rule, row.stays, row.priced_fen, row.charged_fen, row.open_fen)
        for row in found
        if row.day == day and row.stays
    ]


async def test_a_stay_that_was_paid_is_on_its_day_and_the_money_on_the_banks(city: City) -> None:
    await city.bound()
    await city.parked("09:00", "10:40")
    await city.parked("11:00", "11:30", plate="豫A54321")
    found = await rows(city)
    assert owed_on(found, DAY) == [("1/day", 2, 1000, 1000, 400)]
    (paid,) = [row for row in found if row.captured_fen]
    assert (paid.tariff_zone, paid.kind, paid.captured_fen) == ("1", "parking", 600)


async def test_p42_a_corrected_plate_leaves_the_days_charge_and_gives_back_on_its_own(
    city: City,
) -> None:
    await city.bound()
    session = await city.parked("09:00", "10:40")
    correct = looking.CorrectPlate(plate="豫A12346", reason="misread", note="the photo shows it")
    await looking.correct_plate(session.id, correct, context(OFFICER), city.services)
    await city.again(session)
    found = await rows(city)
    assert owed_on(found, DAY) == [("1/day", 1, 600, 600, 600)]
    total = revenue.summed(found)
    assert (total.captured_fen, total.refunded_fen) == (600, 600)


async def test_a_dispute_that_is_upheld_lowers_the_day_on_which_the_stay_began(city: City) -> None:
    citizen, _ = await city.bound()
    session = await city.parked("09:00", "10:40")
    me = Actor(citizen, frozenset({Role.CITIZEN}))
    dispute = looking.DisputeSession(grounds="I left at ten")
    await looking.dispute_session(session.id, dispute, context(me), city.services)
    decide = looking.DecideDispute(upheld=True, amount_fen=400, reason="wrong-time")
    await looking.decide_dispute(session.id, decide, context(OFFICER), city.services)
    await city.again(session)
    found = await rows(city)
    assert owed_on(found, DAY) == [("1/day", 1, 400, 400, 0)]
    total = revenue.summed(found)
    assert (total.captured_fen, total.refunded_fen) == (600, 200)


async def test_p21_a_free_stay_over_midnight_counts_once_on_the_day_it_began(city: City) -> None:
    street = city.street
    city.street.clock(datetime(2026, 9, 15, 4, tzinfo=UTC))
    begins, ends = (
        datetime(2026, 9, 14, 15, 50, tzinfo=UTC),
        datetime(2026, 9, 14, 16, 10, tzinfo=UTC),
    )
    await street.say(
        street.sign("arrived", "Z1-001", begins, plate=CAR),
        street.sign("left", "Z1-001", ends, plate=CAR),
    )
    await city.work()
    found = await rows(city)
    assert [(row.day, row.stays, row.priced_fen) for row in found] == [(DAY, 1, 0)]


async def test_p20_what_was_asked_for_before_is_not_counted_twice(city: City) -> None:
    await city.bound()
    await city.parked("10:00", "10:50")
    street = city.street
    await street.say(
        street.sign("arrived", "Z1-002", datetime(2026, 9, 14, 2, 50, 40, tzinfo=UTC), plate=CAR),
        street.sign("left", "Z1-002", datetime(2026, 9, 14, 3, 40, tzinfo=UTC), plate=CAR),
    )
    await city.work()
    assert owed_on(await rows(city), DAY) == [("1/day", 2, 600, 600, 0)]


async def test_p37_a_chargeback_is_on_its_day_and_what_was_lost_is_beyond_what_is_kept(
    city: City,
) -> None:
    gateway = city.gateway
    city.street.clock(datetime.now(UTC))  # the gateway's, which takes no order that has lapsed
    claim_id = await gateway.owes(600)
    asked = await gateway.ask(claim_id, Channel.KIOSK)
    assert (await gateway.pay(asked))[0] == 200
    await gateway.deliver()
    await correct_claim(
        claim_id, context(OFFICER), city.services, to_fen=0, reason="x", decision_sha256=DECISION
    )
    await gateway.drive(claim_id)
    gateway.departments.gateway.charge_back(asked.payment_id)
    await gateway.deliver()
    (row,) = [row for row in await rows(city) if row.captured_fen]
    assert (row.kind, row.captured_fen, row.refunded_fen, row.charged_back_fen) == (
        "reservation",
        600,
        600,
        600,
    )


async def test_one_at_a_time_and_all_at_once_give_the_same(city: City) -> None:
    citizen, _ = await city.bound()
    session = await city.parked("09:00", "10:40")
    await city.parked("11:00", "11:20", plate="豫A54321")
    me = Actor(citizen, frozenset({Role.CITIZEN}))
    dispute = looking.DisputeSession(grounds="I left at ten")
    await looking.dispute_session(session.id, dispute, context(me), city.services)
    decide = looking.DecideDispute(upheld=True, amount_fen=100, reason="wrong-time")
    await looking.decide_dispute(session.id, decide, context(OFFICER), city.services)
    session = await city.again(session)
    correct = looking.CorrectPlate(plate="豫A12346", reason="misread", note="the photo shows it")
    await looking.correct_plate(session.id, correct, context(OFFICER), city.services)
    await city.again(session)
    await rows(city)
    assert await same_in_any_batch(city.services.store, "parking_revenue") > 5
