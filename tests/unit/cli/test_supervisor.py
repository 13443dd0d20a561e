"""A process that hangs is killed, and one that ends is not."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator

import pytest

from citybrain.cli.shared.supervisor import READY, Child, go_on_saying, kill_when_silent
from tests.given.waiting import PATIENCE_SECONDS


@pytest.fixture
async def child() -> AsyncIterator[tuple[Child, socket.socket]]:
    """A process that does nothing, and its side of the line."""
    ours, theirs = socket.socketpair()
    told, line = await asyncio.open_connection(sock=ours)
    process = await asyncio.create_subprocess_exec("sleep", "600")
    found = Child(process, told, line)
    yield found, theirs
    found.tell(signal.SIGKILL)
    await found.ended()
    theirs.close()


async def test_who_says_nothing_any_more_is_killed(child: tuple[Child, socket.socket]) -> None:
    watched, theirs = child
    theirs.send(READY)
    assert await watched.listens()
    await kill_when_silent(watched, 0.05)
    assert await watched.ended() == -signal.SIGKILL


async def test_who_goes_on_saying_so_lives_until_it_ends(
    child: tuple[Child, socket.socket],
) -> None:
    watched, theirs = child
    saying = asyncio.create_task(go_on_saying(theirs))
    assert await watched.listens()
    watching = asyncio.create_task(kill_when_silent(watched, PATIENCE_SECONDS))
    saying.cancel()
    theirs.close()
    await watching
    assert watched.process.returncode is None
