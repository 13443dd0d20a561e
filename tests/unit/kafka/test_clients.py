"""A client is closed in time, and nobody who closes one goes on after being cancelled."""

import ast
import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiokafka
import pytest
from aiokafka.errors import KafkaConnectionError

from citybrain.kafka import clients
from tests.given.waiting import PATIENCE_SECONDS


async def test_a_cancellation_is_not_lost_in_a_client_that_takes_it_for_its_own() -> None:
    begun, forever = asyncio.Event(), asyncio.Event()

    async def closing() -> None:
        begun.set()
        with suppress(asyncio.CancelledError):  # as aiokafka does, of its own tasks
            await forever.wait()

    async def work() -> None:
        while True:
            await clients._in_time(closing())

    working = asyncio.create_task(work())
    await begun.wait()
    working.cancel()
    done, _ = await asyncio.wait([working], timeout=PATIENCE_SECONDS)
    assert done
    assert working.cancelled()


async def test_one_that_hangs_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "STOP_SECONDS", 0.01)
    ended = asyncio.Event()

    async def closing() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await clients._in_time(closing())
    assert ended.is_set()


async def test_brokers_that_are_away_are_no_fault_of_who_closes() -> None:
    async def away() -> None:
        raise KafkaConnectionError

    async def wrong() -> None:
        raise RuntimeError

    await clients._in_time(away())
    with pytest.raises(RuntimeError):
        await clients._in_time(wrong())


LOSES = {
    # closing, which we do in tasks of their own
    "AIOKafkaClient.close",
    "Fetcher.close",
    # tasks that only aiokafka itself cancels
    "NoGroupCoordinator._reset_committed_routine",
    "GroupCoordinator._heartbeat_routine",
    "GroupCoordinator._commit_refresh_routine",
    "Fetcher._fetch_requests_routine",
    "Fetcher._proc_fetch_request",
    "Fetcher._update_fetch_positions",
    "Sender._sender_routine",
}
"""Where aiokafka takes a cancellation and goes on: neither in `getmany` nor `send` nor `commit`."""


def test_where_a_cancellation_is_lost_in_aiokafka_is_known() -> None:
    sources = Path(aiokafka.__file__).parent.rglob("*.py")
    assert {each for file in sources for each in _loses(ast.parse(file.read_text()))} == LOSES


def _loses(node: ast.AST, *scope: str) -> Iterator[str]:
    """The functions that suppress `CancelledError`, or wait by `asyncio.wait_for`, which may."""
    for child in ast.iter_child_nodes(node):
        inner = scope
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            inner = (*scope, child.name)
        match child:
            case ast.ExceptHandler():
                caught = child.type is None or _names(child.type, "CancelledError", "BaseException")
                raises = any(isinstance(each, ast.Raise) for each in ast.walk(child))
                lost = caught and not raises
            case ast.Call():
                lost = _names(child.func, "suppress") and any(
                    _names(each, "CancelledError", "BaseException") for each in child.args
                )
                lost = lost or ast.unparse(child.func) == "asyncio.wait_for"
            case _:
                lost = False
        if lost:
            yield ".".join(scope)
        yield from _loses(child, *inner)


def _names(node: ast.AST, *wanted: str) -> bool:
    return any(
        getattr(each, "attr", getattr(each, "id", None)) in wanted for each in ast.walk(node)
    )
