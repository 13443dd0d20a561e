"""`citybrain run` does not go on without a process that it needs."""

import asyncio

import pytest

from citybrain.cli.run import _child
from citybrain.errors import CitybrainError

ENDS = ("timeit", "-n", "1", "-r", "1")
"""A module that says a line and ends."""


async def test_a_needed_process_that_ends_by_itself_is_told() -> None:
    lost = asyncio.Event()

    async def lose_it() -> None:
        async with _child(*ENDS, says=True, without_it=lost) as said:
            assert said
            await lost.wait()

    with pytest.raises(CitybrainError, match="timeit ended by itself, with status 0"):
        await lose_it()


async def test_one_that_is_stopped_is_not() -> None:
    lost = asyncio.Event()
    async with _child(
        "http.server", "0", "--bind", "127.0.0.1", says=True, without_it=lost, PYTHONUNBUFFERED="1"
    ) as said:
        assert said.startswith("Serving")
        assert not lost.is_set()
