"""How long a payment waits for the bank: seconds, until the deadline, until it is heard of."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.payments import patience
from citybrain.payments.patience import LONGEST_PAUSE_SECONDS, Patience
from tests.given.waiting import PATIENCE_SECONDS

NEVER = 1e9
SOON = 10.0


def spread(patched: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Between how many seconds each waits; what is a matter of seconds passes at once."""
    asked: list[tuple[float, float]] = []

    def between(least: float, most: float) -> float:
        asked.append((least, most))
        return 0.0 if most < SOON else most

    patched.setattr(patience, "between", between)
    return asked


async def test_a_pause_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", NEVER)
    monkeypatch.setattr(patience, "LONGEST_PAUSE_SECONDS", NEVER)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await Patience().pause(1, 0.01)


@given(st.integers(1, 10_000))
async def test_no_pause_of_one_that_waits_alone_is_longer_than_seconds(tries: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        asked = spread(patched)
        waiting = Patience()
        waiting.lost()
        await waiting.pause(tries)
    assert 0 < sum(most for _, most in asked) <= LONGEST_PAUSE_SECONDS
    assert asked[0][0] < asked[0][1]


async def test_who_waits_hears_that_the_bank_has_answered_another_and_none_goes_on_with_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "ASKED_A_SECOND", 1 / NEVER)
    asked = spread(monkeypatch)
    waiting = Patience()
    waiting.lost()
    tasks = [asyncio.create_task(waiting.pause(1)) for _ in range(400)]
    _, still = await asyncio.wait(tasks, timeout=0.05)
    assert len(still) == len(tasks)  # it is nobody's turn yet
    asked.clear()
    waiting.answered()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*tasks)
    assert asked == [(0.0, 399 / patience.GO_ON_A_SECOND)] * 400


async def test_a_bank_that_is_well_wakes_nobody_whose_own_payment_it_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", NEVER)
    monkeypatch.setattr(patience, "LONGEST_PAUSE_SECONDS", NEVER)
    waiting = Patience()
    alone = asyncio.create_task(waiting.pause(1))
    await asyncio.sleep(0)
    for _ in range(10):
        waiting.lost()
        waiting.answered()
    _, still = await asyncio.wait([alone], timeout=0.05)
    assert still
    alone.cancel()
