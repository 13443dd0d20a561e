"""A day compared with the statement of a bank that listens: to the fen, and on the record."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from citybrain.app import open_services
from citybrain.city_day import city_day
from citybrain.domain.applications.statuses import Status
from citybrain.domain.treasury.reconciliation import Reconciliation
from citybrain.eventstore import StreamNotFound
from citybrain.payments import PaymentUnknown
from citybrain.payments.reconciling import Comparison
from citybrain.settings import Settings
from commands.services import Services
from commands.treasury.reconciling import position_at, reconcile, reconcile_lately
from ops.simulators.applications.departments import Departments, open_departments
from ops.simulators.applications.departments.bank import Lines
from tests.given.driving import applied, context, drive, identify, services_with_clock, set_ahead

PHONE = "13800000000"


@pytest.fixture
async def departments(settings: Settings) -> AsyncIterator[Departments]:
    async with open_departments(settings.data_dir, latency=(0.0, 0.0), seed=1) as opened:
        yield opened


@pytest.fixture
async def services(settings: Settings, departments: Departments) -> AsyncIterator[Services]:
    async with services_with_clock(settings) as opened:
        yield opened


async def paid(services: Services, number: int, status: Status = Status.PAID) -> str:
    """An application whose payout the bank has made, or refused."""
    application, citizen = await applied(services, number)
    await identify(services, citizen)
    assert (await drive(services, application)).status == status
    return application


async def some_paid_and_one_refused(services: Services, departments: Departments) -> list[str]:
    done = [await paid(services, number) for number in range(2)]
    await departments.fault("bank-payments", "refuse")
    done.append(await paid(services, 2, Status.PAYOUT_FAILED))
    await departments.fault("bank-payments", "ok")
    return done


async def compared(services: Services) -> Comparison:
    return await reconcile(city_day(datetime.now(UTC)), context(), services)


def fen(lines: Lines) -> int:
    return sum(line["amount_fen"] for line in lines if line["status"] == "success")


async def test_what_the_bank_did_is_what_we_told_it_to_the_fen_and_that_is_recorded(
    services: Services, departments: Departments
) -> None:
    departments.bank.lines_a_page = 2
    await some_paid_and_one_refused(services, departments)
    found = await compared(services)
    assert (found.differences, found.difference_fen) == ((), 0)
    assert (found.ours, found.bank) == (found.bank, found.ours)
    assert (found.ours.payments, found.ours.fen) == (2, fen(departments.ledger()))
    await compared(services)
    events = await services.store.read(Reconciliation.id_of(found.day))
    assert [event.topic for event in events] == [
        "reconciliation.begun",
        "reconciliation.compared",
        "reconciliation.compared",
    ]
    assert events[-1].data["bank_fen"] == found.bank.fen
    assert events[-1].data["difference_fen"] == 0


def one_fen_less(lines: Lines) -> Lines:
    return [lines[0] | {"amount_fen": lines[0]["amount_fen"] - 1}, *lines[1:]]


def doubled(lines: Lines) -> Lines:
    return [*lines, lines[0]]


def doubled_under_another_id(lines: Lines) -> Lines:
    return [*lines, lines[0] | {"payment_id": str(uuid4())}]


def left_out(lines: Lines) -> Lines:
    return lines[1:]


def refusal_left_out(lines: Lines) -> Lines:
    return lines[:-1]


def refusal_made(lines: Lines) -> Lines:
    return [*lines[:-1], lines[-1] | {"status": "success"}]


def of_nobody(lines: Lines) -> Lines:
    return [*lines, lines[0] | {"payment_id": str(uuid4()), "reference": f"王五 {PHONE}"}]


@pytest.mark.parametrize(
    ("printed", "finding"),
    [
        (one_fen_less, "amount-differs"),
        (doubled, "paid-twice"),
        (doubled_under_another_id, "paid-twice"),
        (left_out, "missing-at-bank"),
        (refusal_left_out, "missing-at-bank"),
        (refusal_made, "status-differs"),
        (of_nobody, "missing-here"),
    ],
)
async def test_a_statement_that_says_something_else_is_found_out_and_names_nobody(
    services: Services, departments: Departments, printed: Callable[[Lines], Lines], finding: str
) -> None:
    done = await some_paid_and_one_refused(services, departments)
    departments.bank.printed = printed
    found = await compared(services)
    (difference,) = found.differences
    assert difference.finding == finding
    assert difference.reference in (*done, None)
    lines = departments.book.booked_on(str(found.day))
    assert found.difference_fen == fen(printed(lines)) - fen(lines)
    events = await services.store.read(Reconciliation.id_of(found.day))
    assert events[-1].data["differing"][0]["finding"] == finding
    assert PHONE.encode() not in b"".join(event.state for event in events)


async def test_a_payment_of_which_no_receipt_has_come_is_found_until_it_has(
    services: Services, departments: Departments, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as silent:
        silent.setattr("citybrain.payments.bank.receipt_of", _unheard)
        silent.setattr(type(services.payments), "pause", _at_an_end)
        application, citizen = await applied(services, 1)
        await identify(services, citizen)
        with pytest.raises(_EndOfPatience):
            await drive(services, application)
    (difference,) = (await compared(services)).differences
    assert (difference.finding, difference.reference) == ("status-differs", application)
    await drive(services, application)
    assert (await compared(services)).differences == ()


class _EndOfPatience(BaseException):
    pass


def _unheard(*_: Any) -> Any:
    raise PaymentUnknown("silence")


async def _at_an_end(*_: Any) -> None:
    raise _EndOfPatience


@pytest.mark.parametrize("mode", ["down", "garbage", "wrong-signature"])
async def test_without_a_statement_nothing_is_compared(
    services: Services, departments: Departments, mode: str
) -> None:
    await departments.fault("bank-payments", mode)
    with pytest.raises(PaymentUnknown):
        await compared(services)
    with pytest.raises(StreamNotFound):
        await services.store.load(Reconciliation, Reconciliation.id_of(city_day(datetime.now(UTC))))


async def test_days_that_differ_are_compared_again_and_days_that_agree_are_not(
    services: Services, departments: Departments
) -> None:
    today = city_day(datetime.now(UTC))
    await paid(services, 1)
    departments.bank.printed = left_out
    set_ahead(services, timedelta(days=1))

    async def times() -> int:
        events = await services.store.read(Reconciliation.id_of(today))
        return len([event for event in events if event.topic == "reconciliation.compared"])

    await reconcile_lately(services)
    await reconcile_lately(services)
    assert await times() == 2
    departments.bank.printed = lambda lines: lines
    await reconcile_lately(services)
    await reconcile_lately(services)
    assert await times() == 3


async def test_where_there_is_no_bank_or_it_is_away_the_hourly_comparison_ends_quietly(
    settings: Settings, departments: Departments
) -> None:
    async with open_services(settings) as services:
        await departments.fault("bank-payments", "down")
        await reconcile_lately(services)
    settings.exchange_directory = settings.data_dir / "none.json"
    settings.exchange_directory.write_text("{}")
    async with open_services(settings) as services:
        assert not services.payments.has_bank
        await reconcile_lately(services)
        assert await services.store.head() == 0


async def test_the_log_is_read_from_the_day_on(services: Services) -> None:
    await applied(services, 1)
    events = await services.store.read_all()
    for event in events:
        position = await position_at(event.recorded_at, services.store)
        assert position < event.position
        assert all(each.recorded_at < event.recorded_at for each in events[:position])
    assert await position_at(datetime.now(UTC) + timedelta(days=1), services.store) == len(events)
    assert await position_at(datetime(2020, 1, 1, tzinfo=UTC), services.store) == 0
