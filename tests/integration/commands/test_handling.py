"""Commands: once a key, again on conflict, and never on a stale state."""

import asyncio

import pytest

from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.domain.inspection.refusals import WrongCaseStatus
from citybrain.eventstore import EventStore, StreamNotFound, open_event_store
from citybrain.settings import Settings
from commands.handling import KeyInFlight, KeyReused, StaleVersion
from commands.inspection.case import FileCase, ReportCase, file_case, report_case
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


async def test_a_key_in_flight_says_so(store: EventStore) -> None:
    services = services_over(store)
    answers = await asyncio.gather(
        *(report_case(report(), context(CAMERA, "k"), services) for _ in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, KeyInFlight) for answer in answers) == 4
    assert await store.head() == 1


async def test_if_match_is_held_to(store: EventStore) -> None:
    services = services_over(store)
    case = await report_case(report(), context(CAMERA), services)
    with pytest.raises(StaleVersion):
        await file_case(case.stream_id, FileCase(), context(OPERATOR, version=2), services)
    done = await file_case(case.stream_id, FileCase(), context(OPERATOR, version=1), services)
    assert done.version == 2


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


async def test_what_does_not_exist_is_not_found(store: EventStore) -> None:
    with pytest.raises(StreamNotFound):
        await file_case("case-none", FileCase(), context(OPERATOR), services_over(store))
