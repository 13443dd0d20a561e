"""Time limits of requests: one timer for all of them, and each ends when it is due."""

import asyncio

import pytest

from citybrain.http.time_limits import TimeLimit, TimeLimits

LONG = 1000.0


@pytest.fixture
def limits() -> TimeLimits:
    return TimeLimits()


async def within(limit: TimeLimit, entered: asyncio.Event | None = None) -> None:
    with limit:
        if entered is not None:
            entered.set()
        await asyncio.Event().wait()


async def test_a_request_ends_when_its_time_is_over_and_those_with_more_time_go_on(
    limits: TimeLimits,
) -> None:
    patient, hasty = limits.of(LONG), limits.of(0.01)
    entered = asyncio.Event()
    going_on = asyncio.create_task(within(patient, entered))
    await entered.wait()
    with pytest.raises(TimeoutError):
        await within(hasty)
    assert (hasty.expired, patient.expired, going_on.done()) == (True, False, False)
    with pytest.raises(TimeoutError):  # the timer goes on, too
        await within(limits.of(0.01))
    going_on.cancel()
    await asyncio.gather(going_on, return_exceptions=True)


async def test_whoever_is_cancelled_by_somebody_else_is_not_late(limits: TimeLimits) -> None:
    limit, entered = limits.of(LONG), asyncio.Event()
    task = asyncio.create_task(within(limit, entered))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not limit.expired


async def test_a_cancellation_beside_the_end_of_the_time_stays_one(limits: TimeLimits) -> None:
    limit, entered = limits.of(LONG), asyncio.Event()
    task = asyncio.create_task(within(limit, entered))
    await entered.wait()
    limits.stop(limit)
    limit.expire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_after_its_block_a_request_is_not_cancelled_any_more(limits: TimeLimits) -> None:
    with limits.of(0.01) as limit:
        pass
    with pytest.raises(TimeoutError):
        await within(limits.of(0.02))  # longer than the first had
    assert not limit.expired


async def test_what_a_request_ends_with_is_not_hidden_by_the_end_of_its_time(
    limits: TimeLimits,
) -> None:
    async def ends(limit: TimeLimit) -> None:
        with limit:
            limits.stop(limit)
            limit.expire()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise LookupError from None

    with pytest.raises(LookupError):
        await ends(limits.of(LONG))


async def test_time_stands_still_while_a_body_comes_in(limits: TimeLimits) -> None:
    with limits.of(LONG) as limit:
        with limit.standing_still():
            assert limits.stop(limit) is None  # nothing counts
        due = limits.stop(limit)
        assert due is not None
        assert due >= asyncio.get_running_loop().time()
    with limits.of(None) as forever, forever.standing_still():
        pass
    assert limits.stop(forever) is None
