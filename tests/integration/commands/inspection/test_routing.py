"""The process manager: from report to departments with nobody passing it on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from prometheus_client import REGISTRY

from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore, RecordedEvent
from commands.handling import CommandContext
from commands.inspection.case import report_case
from commands.inspection.processes.routing import CaseRouting
from commands.processes.parked import (
    Retried,
    measure,
    parked_commands,
    process_status,
    retry_parked,
)
from commands.processes.runner import ProcessRunner, context_of
from commands.services import Services
from tests.given.read_models import append
from tests.given.services import CAMERA, context, report, services_over
from tests.given.waiting import PATIENCE_SECONDS, eventually


@asynccontextmanager
async def running(services: Services, *managers: CaseRouting) -> AsyncIterator[None]:
    runner = ProcessRunner(services.store, managers, services)
    task = asyncio.create_task(runner.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until_head(store: EventStore, position: int) -> None:
    assert await store.wait_for(position, PATIENCE_SECONDS), f"the head is {await store.head()}"


async def test_a_report_is_filed_and_dispatched_by_routing(store: EventStore) -> None:
    services = services_over(store)
    async with running(services, CaseRouting()):
        case = await report_case(report("piled_rubbish"), context(CAMERA), services)
        await until_head(store, 3)
    events = await store.read(case.stream_id)
    assert [event.topic for event in events] == ["case.reported", "case.filed", "case.dispatched"]
    assert events[2].data["departments"] == ["sanitation", "urban-management"]
    assert events[1].metadata["actor"] == "system:case-routing"
    assert events[1].metadata["causation_id"] == events[0].metadata["command_id"]
    assert {event.metadata["correlation_id"] for event in events} == {
        events[0].metadata["correlation_id"]
    }


async def test_a_replay_from_the_start_and_two_runners_send_nothing_twice(
    store: EventStore,
) -> None:
    services = services_over(store)
    async with running(services, CaseRouting()), running(services, CaseRouting()):
        for _ in range(30):
            await report_case(report(), context(CAMERA), services)
        await until_head(store, 90)
    await store.pool.execute("DELETE FROM process_checkpoints")
    async with running(services, CaseRouting()):
        await eventually(lambda: all_looked_at(store, 90))
    assert await store.head() == 90


async def all_looked_at(store: EventStore, head: int) -> bool:
    """Whether the process has come to the last report, and to all before it."""
    last = await store.pool.fetchval(
        "SELECT max(notification_id) FROM stored_events WHERE topic = ANY($1)",
        list(CaseRouting().topics),
    )
    at = await store.pool.fetchval("SELECT max(position) FROM process_checkpoints")
    return at == last and await store.head() == head


class FailsOnRubbish(CaseRouting):
    name = "fails-on-rubbish"

    async def react(self, event: RecordedEvent, services: Services, context_for: Any) -> None:
        if event.data.get("class_code") == "piled_rubbish":
            raise ValueError("a defect")
        await super().react(event, services, context_for)


async def test_what_cannot_be_sent_is_parked_visibly_and_the_rest_goes_on(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.processes.runner.RETRY_SECONDS", 0.01)
    services = services_over(store)
    bad = await report_case(report("piled_rubbish"), context(CAMERA), services)
    await report_case(report(), context(CAMERA), services)
    async with running(services, FailsOnRubbish()):
        await until_head(store, 4)
        parked = await eventually(lambda: parked_commands(store))
    assert [(row["stream_id"], row["error"]) for row in parked] == [(bad.stream_id, "ValueError")]
    (status,) = await process_status(store)
    assert (status["process"], status["parked"]) == ("fails-on-rubbish", 1)


async def test_it_is_at_the_end_of_the_log_also_where_that_is_nothing_to_it(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.processes.runner.PASSED_SECONDS", 0.02)
    services = services_over(store)
    await report_case(report(), context(CAMERA), services)

    async def at_the_end() -> bool:
        (status,) = await process_status(store)
        return bool(status["position"] == await store.head())

    async with running(services, CaseRouting()):
        await until_head(store, 3)
        for _ in range(3):
            await append(store, "test-1")
        await eventually(at_the_end)


async def test_how_far_it_is_is_what_the_database_says_whoever_leads(store: EventStore) -> None:
    async def said() -> float | None:
        await measure(store.pool)
        return REGISTRY.get_sample_value("citybrain_process_position", {"process": "case-routing"})

    services = services_over(store)
    await report_case(report(), context(CAMERA), services)
    async with running(services, CaseRouting()):
        await until_head(store, 3)
        await eventually(said)
    await store.pool.execute("UPDATE process_checkpoints SET position = 70")  # by another process
    assert await said() == 70
    await store.pool.execute("DELETE FROM process_checkpoints")
    assert await said() is None


async def test_parked_commands_are_sent_again_once_the_defect_is_mended(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.processes.runner.RETRY_SECONDS", 0.01)
    services = services_over(store)
    bad = await report_case(report("piled_rubbish"), context(CAMERA), services)
    async with running(services, FailsOnRubbish()):
        await eventually(lambda: parked_commands(store))
    assert await retry_parked(services, FailsOnRubbish()) == Retried(sent=0, still_parked=1)
    assert (await parked_commands(store))[0]["attempts"] == 2

    monkeypatch.setattr(FailsOnRubbish, "react", CaseRouting.react)
    assert await retry_parked(services, FailsOnRubbish()) == Retried(sent=1, still_parked=0)
    events = await store.read(bad.stream_id)
    assert [event.topic for event in events] == ["case.reported", "case.filed"]
    assert await parked_commands(store) == []


class Broken(CaseRouting):
    name = "broken"


def defect(_: Broken) -> tuple[str, ...]:
    raise ValueError("a defect of the process itself")


async def test_a_broken_process_does_not_stop_the_others(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Broken, "topics", property(defect))
    services = services_over(store)
    async with running(services, Broken(), CaseRouting()):
        await report_case(report(), context(CAMERA), services)
        await until_head(store, 3)


async def test_the_id_of_a_command_follows_from_its_cause(store: EventStore) -> None:
    await report_case(report(), context(CAMERA), services_over(store))
    (event,) = await store.read_all()
    first: CommandContext = context_of(CaseRouting(), event, "file")
    assert first == context_of(CaseRouting(), event, "file")
    assert first.command_id != context_of(CaseRouting(), event, "dispatch").command_id
    assert not issubclass(CitybrainError, ValueError)
