"""The server is killed at every step of collecting, and the gateway errs: money moves once."""

import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from citybrain.city_day import city_day
from citybrain.domain.parking.claim import Claim, ClaimStatus
from citybrain.domain.parking.claim_events import Channel
from citybrain.domain.parking.payment import Step, next_step
from citybrain.settings import Settings
from commands.parking.claim import correct_claim
from commands.treasury.reconciling import reconcile
from tests.given.dying_collecting import DIED
from tests.given.parking.claims import DECISION
from tests.given.parking.collecting import Street, collecting, context
from tests.given.storm import repeated
from tests.given.waiting import eventually, holds
from tests.given.warm import Warm

BANK = "bank-payments"
CLAIMS, KILLS = 12, 3


@asynccontextmanager
async def workers(settings: Settings, *death: str) -> AsyncIterator[Warm]:
    assert settings.database_url is not None
    process = Warm(
        settings.data_dir / "said",
        "tests.given.dying_collecting",
        *death,
        environment={
            **os.environ,
            "CITYBRAIN_MODE": "development",
            "CITYBRAIN_DATABASE_URL": settings.database_url.get_secret_value(),
            "CITYBRAIN_DATA_DIR": str(settings.data_dir),
        },
    )
    try:
        yield process
    finally:
        await process.kill()


async def until_done(street: Street, claim_id: str) -> Claim:
    """The claim, once nothing is to be told the gateway any more."""

    async def done() -> Claim | None:
        found = await street.claim(claim_id)
        return found if next_step(found) is None else None

    return await eventually(done)


async def no_money_is_lost(street: Street, claims: list[Claim]) -> None:
    """The gateway's book, its statement and the claims say the same, to the fen."""
    ids = Counter(line["payment_id"] for line in street.departments.ledger())
    assert set(ids.values()) <= {1}
    assert street.earned() == sum(claim.paid_fen for claim in claims)
    for claim in claims:
        ended = Counter(
            event.data["payment_id"]
            for event in await street.services.store.read(claim.id)
            if event.topic.endswith(("_captured", ".refunded", "_cancelled"))
        )
        assert set(ended.values()) <= {1}
    found = await reconcile(city_day(datetime.now(UTC)), context(), street.services)
    assert (found.differences, found.difference_fen) == ((), 0)


async def begun(street: Street, step: Step) -> tuple[str, str]:
    """A claim of which this step is next, and the payer's number."""
    citizen, number = await street.citizen()
    claim_id = await street.owes(600, citizen)
    if step is Step.CHARGE:
        await street.ask(claim_id, Channel.DEBIT)
        return claim_id, number
    if step is Step.CANCEL:
        await street.ask(claim_id, Channel.DEBIT)
    await street.pay(await street.ask(claim_id, Channel.KIOSK), number)
    await street.deliver()
    if step is Step.REFUND:
        fields: dict[str, Any] = {"reason": "permit", "decision_sha256": DECISION}
        await correct_claim(claim_id, context(), street.services, to_fen=200, **fields)
    return claim_id, number


@pytest.mark.fault
@pytest.mark.parametrize("mode", ["ok", "pay-then-error"])
@pytest.mark.parametrize("when", ["before", "recording"])
@pytest.mark.parametrize("step", list(Step))
async def test_killed_at_each_step_money_moves_once(
    settings: Settings, step: Step, when: str, mode: str
) -> None:
    async with collecting(settings) as street:
        claim_id, number = await begun(street, step)
        moved = len(street.departments.ledger())
        await street.departments.fault(BANK, mode)
        async with workers(settings, step.value, when) as first:
            if when == "before" or mode == "ok":
                await first.ended()
            else:  # the gateway has done it, and never says so
                await holds(lambda: len(street.departments.ledger()) > moved)
        assert (settings.data_dir / DIED).exists() or mode != "ok"
        async with workers(settings):
            await street.departments.fault(BANK, "ok")
            claim = await until_done(street, claim_id)
        expected = 200 if step is Step.REFUND else 600
        assert (claim.status, street.spent(number)) == (ClaimStatus.SETTLED, expected)
        await street.deliver()  # what the gateway has told meanwhile changes nothing
        await no_money_is_lost(street, [await street.claim(claim_id)])


@pytest.mark.fault
async def test_a_gateway_that_is_away_while_the_server_is_killed_loses_nothing(
    settings: Settings,
) -> None:
    async with collecting(settings) as street:
        citizen, number = await street.citizen()
        claim_id = await street.owes(600, citizen)
        await street.ask(claim_id, Channel.DEBIT)
        await street.departments.fault(BANK, "error")
        for _ in range(2):
            asked = street.departments.requests()[BANK]
            async with workers(settings):
                await holds(lambda: street.departments.requests()[BANK] > asked)  # noqa: B023
        assert (await street.claim(claim_id)).open_fen == 600
        async with workers(settings):
            await street.departments.fault(BANK, "ok")
            claim = await until_done(street, claim_id)
        assert (claim.status, street.spent(number)) == (ClaimStatus.SETTLED, 600)
        await no_money_is_lost(street, [claim])


@pytest.mark.fault
async def test_many_claims_are_collected_through_kills_and_a_gateway_that_errs(
    settings: Settings,
) -> None:
    chance = random.Random(14)
    async with collecting(settings) as street:
        claim_ids = []
        for number in range(repeated(CLAIMS)):
            citizen, _ = await street.citizen()
            claim_ids.append(await street.owes(100 + number, citizen, number))
            await street.ask(claim_ids[-1], Channel.DEBIT)
            if number % 3 == 0:
                await street.pay(await street.ask(claim_ids[-1], Channel.KIOSK))
        await street.departments.fault(BANK, "pay-then-error", share=0.5)
        for kill in range(repeated(KILLS)):
            async with workers(settings):
                told = street.departments.requests()[BANK] + chance.randrange(1, 6)
                if kill + 1 < repeated(KILLS):
                    await holds(lambda: street.departments.requests()[BANK] >= told)  # noqa: B023
                else:
                    await street.departments.fault(BANK, "double")
                    for claim_id in claim_ids:
                        await until_done(street, claim_id)
            waiting = len(street.departments.gateway.callbacks.waiting)
            await street.deliver(chance.sample(range(waiting), waiting))
        async with workers(settings):
            claims = [await until_done(street, claim_id) for claim_id in claim_ids]
        assert {claim.status for claim in claims} == {ClaimStatus.SETTLED}
        assert street.earned() == sum(claim.amount_fen for claim in claims)
        await no_money_is_lost(street, claims)
