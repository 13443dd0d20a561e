"""Who has no token reads on a part of the connections, and each network on a part of that."""

import asyncio

import pytest

from citybrain.http.anonymous import WAITING, AnonymousRoom
from citybrain.http.problems import RateLimited


async def test_one_network_leaves_places_to_others_and_all_leave_half() -> None:
    room, go_on = AnonymousRoom(8), asyncio.Event()
    inside: list[str] = []

    async def read(network: str) -> None:
        async with room.place(network):
            inside.append(network)
            await go_on.wait()

    greedy = [asyncio.create_task(read("greedy")) for _ in range(WAITING)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert inside == ["greedy"] * 2
    with pytest.raises(RateLimited):
        room.place("greedy")
    others = [asyncio.create_task(read(f"other-{n}")) for n in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert inside[2:] == ["other-0", "other-1"]
    others[0].cancel()
    await asyncio.gather(others[0], return_exceptions=True)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert inside[4:] == ["other-2"], "who waited longest, not who waits in greater number"
    for each in greedy[5:]:
        each.cancel()
    go_on.set()
    await asyncio.gather(*greedy, *others, return_exceptions=True)
    assert not room._own
