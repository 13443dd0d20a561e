"""The counts of a city's berths are shared by whoever asks at about the same time."""

import asyncio
from datetime import UTC, datetime, timedelta

from citybrain.http.parking.berths import BerthCounts

NOON = datetime(2026, 9, 14, 4, tzinfo=UTC)


class City:
    """How often it was counted; each time there is one berth more."""

    def __init__(self) -> None:
        self.counts = BerthCounts()
        self.counted = 0
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def count(self) -> dict[str, int]:
        self.counted += 1
        await self.may_go_on.wait()
        return {"free": self.counted}

    async def asked(self, seconds: float, *, fresh: bool = False) -> int:
        at = NOON + timedelta(seconds=seconds)
        return (await self.counts.now(self.count, at, fresh=fresh))["free"]


async def test_within_a_second_it_is_counted_once() -> None:
    city = City()
    assert [await city.asked(at) for at in (0, 0.5, 0.999, 1, 1.5)] == [1, 1, 1, 2, 2]


async def test_all_who_come_first_wait_for_one_count() -> None:
    city = City()
    assert await asyncio.gather(*(city.asked(0) for _ in range(5))) == [1] * 5


async def test_whoever_names_a_position_has_it_counted_anew() -> None:
    city = City()
    assert [await city.asked(0), await city.asked(0.1, fresh=True), await city.asked(0.2)] == [
        1,
        2,
        2,
    ]


async def test_while_somebody_counts_others_have_what_was_counted_just_before() -> None:
    city = City()
    await city.asked(0)
    city.may_go_on.clear()
    first = asyncio.create_task(city.asked(2))
    await asyncio.sleep(0)
    assert await city.asked(2.1) == 1
    much_later = asyncio.create_task(city.asked(6))
    await asyncio.sleep(0)
    assert not much_later.done()
    city.may_go_on.set()
    assert await first == 2
    assert await much_later == 3


async def test_a_clock_that_is_set_back_has_it_counted_anew() -> None:
    city = City()
    assert [await city.asked(10), await city.asked(0)] == [1, 2]
