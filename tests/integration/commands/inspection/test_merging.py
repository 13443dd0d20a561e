"""Cases that are one problem are merged, whoever is faster, and all of it is undone again."""

from datetime import UTC, datetime
from functools import partial

import pytest

from citybrain.domain.actor import Actor, Role, system_actor
from citybrain.domain.inspection import merging
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.detection import Detection
from citybrain.domain.inspection.refusals import CannotMerge
from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore
from commands.inspection.bulk import ManyCases, take_many
from commands.inspection.case import ReportCase, report_case
from commands.inspection.merging import (
    MergeCase,
    SeparateDetection,
    UnmergeCase,
    as_evidence,
    merge_case,
    separate_detection,
    unmerge_case,
)
from commands.inspection.processes.merging import CaseMerging
from commands.processes.parked import parked_commands
from commands.processes.runner import context_of
from commands.services import Services
from tests.given.case_changes import state_of
from tests.given.detections import EAST, NORTH, cases, detection, groups, record
from tests.given.processes import settled, working
from tests.given.services import OPERATOR, context, services_over


async def test_a_detection_between_two_cases_makes_them_one(store: EventStore) -> None:
    services = services_over(store)
    async with working(services):
        await record(services, detection("west"), detection("east", metres=25))
        await settled(store)
        assert len(groups(await cases(store))) == 2
        await record(services, detection("between", metres=12))
        await settled(store)
    found = await cases(store)
    assert sorted(case.status for case in found.values()) == ["dispatched", "merged"]
    (group,) = groups(found)
    assert len(group) == 3


async def test_a_merge_undone_restores_both_cases_and_stays_undone(store: EventStore) -> None:
    services = services_over(store)
    async with working(services):
        await record(services, detection("west"), detection("east", metres=25))
        await settled(store)
        before = {case_id: state_of(case) for case_id, case in (await cases(store)).items()}
        source, target = sorted(before)
        await merge_case(
            source, MergeCase(into_case_id=target, reason="one cover"), context(OPERATOR), services
        )
        await settled(store)
        merged = await cases(store)
        assert (merged[source].status, merged[source].merged_into) == ("merged", target)
        assert len(merged[target].detections) == 2
        await unmerge_case(source, UnmergeCase(reason="two covers"), context(OPERATOR), services)
        await settled(store)
        after = {case_id: state_of(case) for case_id, case in (await cases(store)).items()}
        assert after == before
        await record(services, detection("between", metres=12, hours=1))
        await settled(store)
    assert len(groups(await cases(store))) == 2


async def test_one_command_merges_many_cases(store: EventStore) -> None:
    services = services_over(store)
    async with working(services):
        await record(services, *(detection(f"d{n}", metres=n * 25) for n in range(4)))
        await settled(store)
        into, *others = sorted(await cases(store))
        many = ManyCases(case_ids=others)
        said = MergeCase(into_case_id=into, reason="one cover")
        done = await take_many("merge", many, said, context(OPERATOR), services)
        assert not any(isinstance(each.result, CitybrainError) for each in done)
        await settled(store)
    found = await cases(store)
    assert {each: found[each].merged_into for each in others} == dict.fromkeys(others, into)
    assert await parked_commands(store) == []


async def test_a_separated_detection_has_a_case_of_its_own(store: EventStore) -> None:
    services = services_over(store)
    async with working(services):
        first, second = await record(services, detection("a"), detection("b", metres=10))
        await settled(store)
        (case_id,) = await cases(store)
        command = SeparateDetection(detection_id=second, reason="another cover")
        await separate_detection(case_id, command, context(OPERATOR), services)
        await settled(store)
        assert groups(await cases(store)) == {frozenset([first]), frozenset([second])}
        command = SeparateDetection(detection_id=first, reason="x")
        with pytest.raises(CannotMerge):
            await separate_detection(case_id, command, context(OPERATOR), services)
        (near_second,) = await record(services, detection("c", metres=11, hours=1))
        await settled(store)
    assert frozenset([second, near_second]) in groups(await cases(store))


@pytest.mark.parametrize("count", [2, 3])
async def test_cases_merged_in_a_ring_at_the_same_moment_are_one(
    store: EventStore, count: int
) -> None:
    services = services_over(store)
    async with working(services):
        await record(services, *(detection(f"d{n}", metres=n * 25) for n in range(count)))
        await settled(store)
    before = await cases(store)
    ring = sorted(before)
    for source, target in zip(ring, ring[1:] + ring[:1], strict=True):  # none knew of the others
        case = await store.load(InspectionCase, target)
        merging.absorb(case, OPERATOR, datetime.now(UTC), other=before[source], reason="one cover")
        await store.save(case, metadata=context(OPERATOR).metadata())
    async with working(services):
        await settled(store)
        await record(services, detection("again", metres=-5, hours=1))
        await settled(store)
    found = await cases(store)
    (everything,) = groups(found)
    assert len(everything) == count + 1
    for case_id, case in found.items():
        assert before[case_id].detections.keys() <= case.detections.keys()


async def test_what_comes_in_the_midst_of_a_merge_goes_along_and_leaves_with_its_case(
    store: EventStore,
) -> None:
    services = services_over(store)
    async with working(services):
        await record(services, *(detection(f"d{n}", metres=n * 25) for n in range(3)))
        await settled(store)
    ring = sorted(await cases(store))
    first, second, third = ring
    for source, target in ((second, third), (first, second)):  # nobody has finished the first yet
        command = MergeCase(into_case_id=target, reason="one cover")
        await merge_case(source, command, context(OPERATOR), services)
    (late,) = await record(services, detection("late", metres=5))
    case = await store.load(InspectionCase, first)
    merging.merge_detection(
        case,
        system_actor("test"),
        datetime.now(UTC),
        rework=(),
        reopened=(),
        detection=as_evidence(await store.load(Detection, late), first),
    )
    await store.save(case, metadata=context(OPERATOR).metadata())
    own = {each: frozenset((await cases(store))[each].detections) for each in ring}
    await finish_merging(services)
    assert groups(await cases(store)) == {own[first] | own[second] | own[third]}
    for each in (second, first):
        await unmerge_case(each, UnmergeCase(reason="three"), context(OPERATOR), services)
        await finish_merging(services)
    found = await cases(store)
    assert [found[each].merged_into for each in ring] == [None] * 3
    assert [len(found[each].detections) for each in ring] == [2, 1, 1]


async def finish_merging(services: Services) -> None:
    """What the process manager of merges does with all that has happened, and does again."""
    process = CaseMerging()
    for event in await services.store.read_all(limit=1000):
        if event.topic in process.topics:
            await process.react(event, services, partial(context_of, process, event))


async def test_a_case_does_not_take_in_what_has_taken_it_in(store: EventStore) -> None:
    services = services_over(store)
    async with working(services):
        await record(services, *(detection(f"d{n}", metres=n * 25) for n in range(3)))
        await settled(store)
    first, second, third = sorted(await cases(store))
    for source, target in ((first, second), (second, third)):  # nobody has finished the first yet
        command = MergeCase(into_case_id=target, reason="one cover")
        await merge_case(source, command, context(OPERATOR), services)
    for source in (second, third):
        command = MergeCase(into_case_id=first, reason="one cover")
        with pytest.raises(CannotMerge):
            await merge_case(source, command, context(OPERATOR), services)


async def test_a_merge_is_undone_from_the_last_one_on(store: EventStore) -> None:
    services = services_over(store)
    async with working(services):
        await record(services, *(detection(f"d{n}", metres=n * 25) for n in range(3)))
        await settled(store)
        first, second, third = sorted(await cases(store))
        for source, target in ((first, second), (second, third)):
            command = MergeCase(into_case_id=target, reason="one cover")
            await merge_case(source, command, context(OPERATOR), services)
            await settled(store)
        with pytest.raises(CannotMerge):
            await unmerge_case(first, UnmergeCase(reason="x"), context(OPERATOR), services)
        for each in (second, first):
            await unmerge_case(each, UnmergeCase(reason="x"), context(OPERATOR), services)
            await settled(store)
    assert len(groups(await cases(store))) == 3


async def test_a_merge_that_is_undone_is_not_done_again_by_a_replay(store: EventStore) -> None:
    services = services_over(store)
    async with working(services):
        await record(services, detection("west"), detection("east", metres=25))
        await settled(store)
        source, target = sorted(await cases(store))
        command = MergeCase(into_case_id=target, reason="one cover")
        await merge_case(source, command, context(OPERATOR), services)
        await settled(store)
        await unmerge_case(source, UnmergeCase(reason="two"), context(OPERATOR), services)
        await settled(store)
    (absorbed,) = [e for e in await store.read(target) if e.topic == "case.absorbed"]
    process = CaseMerging()
    await process.react(absorbed, services, partial(context_of, process, absorbed))
    found = await cases(store)
    assert (found[source].merged_into, found[target].absorbed) == (None, [])


async def test_what_came_with_a_merged_case_is_separated_with_it(store: EventStore) -> None:
    services = services_over(store)
    async with working(services):
        west, _ = await record(services, detection("west"), detection("east", metres=25))
        await settled(store)
        found = await cases(store)
        (source,) = [each for each, case in found.items() if case.has_detection(west)]
        (target,) = set(found) - {source}
        command = MergeCase(into_case_id=target, reason="one cover")
        await merge_case(source, command, context(OPERATOR), services)
        await settled(store)
        separate = SeparateDetection(detection_id=west, reason="x")
        with pytest.raises(CannotMerge):
            await separate_detection(target, separate, context(OPERATOR), services)


async def test_a_camera_case_merged_into_a_citizens_is_found_there(store: EventStore) -> None:
    services = services_over(store)
    said = ReportCase(
        source="citizen",
        class_code="displaced_manhole_cover",
        latitude=NORTH,
        longitude=EAST,
        simulated=True,
    )
    citizen = Actor("citizen-1", frozenset({Role.CITIZEN}))
    async with working(services):
        target = (await report_case(said, context(citizen), services)).stream_id
        await record(services, detection("a"))
        await settled(store)
        (source,) = set(await cases(store)) - {target}
        command = MergeCase(into_case_id=target, reason="one cover")
        await merge_case(source, command, context(OPERATOR), services)
        await settled(store)
        await record(services, detection("b", metres=5, hours=1))
        await settled(store)
    found = await cases(store)
    assert set(found) == {source, target}
    assert len(found[target].detections) == 2
