"""Commands: once a key, again on conflict, and never on a stale state."""

import asyncio
from typing import Any

import pytest

from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.domain.inspection.daily_events import Priority
from citybrain.domain.inspection.refusals import WrongCaseStatus
from citybrain.eventstore import EventStore, StreamNotFound, open_event_store
from citybrain.settings import Settings
from commands.handling import (
    Command,
    CommandContext,
    CommandResult,
    KeyInFlight,
    KeyReused,
    StaleVersion,
    change,
    once_a_key,
)
from commands.inspection.case import (
    DispatchCase,
    FileCase,
    ReportCase,
    dispatch_case,
    file_case,
    report_case,
)
from commands.inspection.daily import PrioritiseCase, prioritise_case
from commands.services import Services
from tests.given.services import CAMERA, OPERATOR, context, report, services_over, take_to_the_end


async def test_a_case_goes_from_report_to_closed(store: EventStore) -> None:
    services = services_over(store)
    result = await take_to_the_end(services)
    assert result.answer == {"case_id": result.stream_id, "status": "closed", "version": 7}
    roles = [event.metadata["role"] for event in await store.read(result.stream_id)]
    assert roles == [
        "gateway",
        "operator",
        "operator",
        "official",
        "official",
        "operator",
        "operator",
    ]


async def test_the_same_key_and_command_get_the_same_answer(store: EventStore) -> None:
    services = services_over(store)
    first = await report_case(report(), context(CAMERA, "k1"), services)
    again = await report_case(report(), context(CAMERA, "k1"), services)
    assert (again.answer, again.position, again.replayed) == (first.answer, first.position, True)
    filed = await file_case(first.stream_id, FileCase(), context(OPERATOR, "k2"), services)
    refiled = await file_case(first.stream_id, FileCase(), context(OPERATOR, "k2"), services)
    assert (refiled.version, refiled.replayed) == (filed.version, True)
    assert await store.head() == 2


async def test_a_key_belongs_to_its_caller_and_its_command(store: EventStore) -> None:
    services = services_over(store)
    await report_case(report(), context(CAMERA, "k"), services)
    other: ReportCase = report("piled_rubbish")
    with pytest.raises(KeyReused):
        await report_case(other, context(CAMERA, "k"), services)
    other.source = CaseSource.OFFICIAL
    await report_case(other, context(OPERATOR, "k"), services)
    assert await store.head() == 2


async def test_a_key_belongs_to_its_command_also_where_there_is_nothing_to_do(
    store: EventStore,
) -> None:
    services = services_over(store)
    case_id = (await report_case(report(), context(CAMERA), services)).stream_id
    high = PrioritiseCase(priority=Priority.HIGH, reason="school")
    first = await prioritise_case(case_id, high, context(OPERATOR, "k1"), services)
    other = PrioritiseCase(priority=Priority.HIGH, reason="market")
    with pytest.raises(KeyReused):
        await prioritise_case(case_id, other, context(OPERATOR, "k1"), services)
    again = await prioritise_case(case_id, high, context(OPERATOR, "k1"), services)
    assert (again.position, again.replayed) == (first.position, True)
    so_already = await prioritise_case(case_id, other, context(OPERATOR, "k2"), services)
    assert (so_already.version, so_already.replayed) == (first.version, False)


async def test_a_key_in_flight_says_so(store: EventStore) -> None:
    services = services_over(store)
    answers = await asyncio.gather(
        *(report_case(report(), context(CAMERA, "k"), services) for _ in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, KeyInFlight) for answer in answers) == 4
    assert await store.head() == 1


async def test_a_key_in_flight_in_another_process_says_so(
    store: EventStore, settings: Settings
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    @once_a_key
    async def handle(
        stream_id: str, command: Command, by: CommandContext, services: Services
    ) -> CommandResult:
        begun.set()
        await may_end.wait()
        return CommandResult(stream_id, 1, 1, {})

    async with open_event_store(settings) as other:
        here, there = services_over(store), services_over(other)
        first = asyncio.ensure_future(handle("case-1", Command(), context(CAMERA, "k"), here))
        await begun.wait()
        with pytest.raises(KeyInFlight):
            await handle("case-1", Command(), context(CAMERA, "k"), there)
        may_end.set()
        await first
        assert (await handle("case-1", Command(), context(CAMERA, "k"), there)).version == 1


async def test_if_match_is_held_to(store: EventStore) -> None:
    services = services_over(store)
    case = await report_case(report(), context(CAMERA), services)
    with pytest.raises(StaleVersion):
        await file_case(case.stream_id, FileCase(), context(OPERATOR, version=2), services)
    done = await file_case(case.stream_id, FileCase(), context(OPERATOR, version=1), services)
    assert done.version == 2


async def test_if_match_is_of_what_is_stored_and_not_of_what_is_cached_here(
    store: EventStore, settings: Settings
) -> None:
    services = services_over(store)
    case = await report_case(report(), context(CAMERA), services)
    async with open_event_store(settings) as other:
        await file_case(case.stream_id, FileCase(), context(OPERATOR), services_over(other))
    with pytest.raises(StaleVersion):
        await file_case(case.stream_id, FileCase(), context(OPERATOR, version=1), services)
    seen = context(OPERATOR, version=2)
    done = await dispatch_case(case.stream_id, DispatchCase(), seen, services)
    assert done.version == 3


async def test_of_many_who_file_one_wins_and_the_others_are_told_why(store: EventStore) -> None:
    services = services_over(store)
    case = await report_case(report(), context(CAMERA), services)
    answers = await asyncio.gather(
        *(file_case(case.stream_id, FileCase(), context(OPERATOR), services) for _ in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, WrongCaseStatus) for answer in answers) == 19
    assert await store.head() == 2


async def test_a_state_cached_here_and_changed_elsewhere_is_not_believed(
    store: EventStore, settings: Settings
) -> None:
    """Two processes, each with its own cache, take turns on one case."""
    async with open_event_store(settings) as other:
        here, there = services_over(store), services_over(other)
        case = await report_case(report(), context(CAMERA), here)
        await file_case(case.stream_id, FileCase(), context(OPERATOR), there)
        with pytest.raises(WrongCaseStatus) as refusal:
            await file_case(case.stream_id, FileCase(), context(OPERATOR), here)
        assert refusal.value.details["case_status"] == "filed"
        assert (await store.load(InspectionCase, case.stream_id)).status == "filed"


async def test_that_there_is_nothing_to_do_is_not_believed_either(
    store: EventStore, settings: Settings
) -> None:
    here = services_over(store)
    case = (await report_case(report(), context(CAMERA), here)).stream_id

    seen: list[str] = []
    async with open_event_store(settings) as elsewhere:
        await file_case(case, FileCase(), context(OPERATOR), services_over(elsewhere))
    done = await change(
        InspectionCase,
        case,
        Command(),
        context(OPERATOR),
        here,
        lambda state: seen.append(state.status),
        lambda state: {"status": state.status},
    )
    assert seen == ["reported", "filed"]
    assert done.answer == {"status": "filed"}


async def test_who_hears_of_an_event_sees_the_state_behind_it(
    store: EventStore, settings: Settings
) -> None:
    here = services_over(store)
    case = (await report_case(report(), context(CAMERA), here)).stream_id
    following: Any = store.follow(1)  # a generator, to be closed
    hearing = asyncio.ensure_future(anext(following))
    async with open_event_store(settings) as elsewhere:
        await file_case(case, FileCase(), context(OPERATOR), services_over(elsewhere))
    assert [event.version for event in await hearing] == [2]
    assert (await store.load(InspectionCase, case, fresh=False)).status == "filed"
    await following.aclose()


async def test_what_does_not_exist_is_not_found(store: EventStore) -> None:
    with pytest.raises(StreamNotFound):
        await file_case("case-none", FileCase(), context(OPERATOR), services_over(store))
