"""Detections become cases, merge, are separated again, and reopen what was closed."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from citybrain.definitions.inspection.cases import cases_at
from citybrain.domain.actor import Actor, Role, system_actor
from citybrain.domain.inspection import merging
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.detection import Detection
from citybrain.domain.inspection.refusals import CannotMerge
from citybrain.domain.inspection.statuses import CaseStatus
from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore
from commands.inspection.case import (
    AcceptCase,
    CloseCase,
    HandleCase,
    ReportCase,
    VerifyCase,
    accept_case,
    close_case,
    handle_case,
    report_case,
    verify_case,
)
from commands.inspection.detection import (
    ConfirmDetection,
    DetectionRefReused,
    RecordDetection,
    Recorded,
    ReportCamera,
    confirm_detection,
    record_detection,
    record_detections,
    report_camera,
)
from commands.inspection.merging import (
    MergeCase,
    SeparateDetection,
    UnmergeCase,
    as_evidence,
    merge_case,
    separate_detection,
    unmerge_case,
)
from commands.inspection.processes import detections
from commands.inspection.processes.merging import CaseMerging
from commands.processes.parked import parked_commands, retry_parked
from commands.processes.runner import context_of
from commands.services import Services
from tests.given.cases import POLICE, WORKS
from tests.given.processes import settled, working
from tests.given.services import CAMERA, DIGEST, OPERATOR, context, services_over
from tests.given.waiting import eventually

NORTH, EAST = 34.7466, 113.6254
METRE_NORTH = 1 / 111_195


def detection(ref: str, metres: float = 0, hours: float = 0, **fields: Any) -> RecordDetection:
    at = datetime(2026, 3, 2, 8, tzinfo=UTC) + timedelta(hours=hours)
    return RecordDetection(
        **{
            "camera_id": "c-1",
            "ref": ref,
            "class_code": "displaced_manhole_cover",
            "confidence": 90,
            "latitude": NORTH + metres * METRE_NORTH,
            "longitude": EAST,
            "occurred_at": at,
            "evidence_sha256": [DIGEST],
            "simulated": True,
            **fields,
        }
    )


async def record(services: Services, *seen: RecordDetection) -> list[str]:
    found = await record_detections(list(seen), context(CAMERA), services)
    ids = []
    for each in found:
        assert isinstance(each, Recorded), each
        ids.append(each.detection_id)
    return ids


async def cases(store: EventStore) -> dict[str, InspectionCase]:
    rows = await store.pool.fetch(
        "SELECT originator_id FROM stored_events WHERE topic = 'case.reported'"
    )
    return {row[0]: await store.load(InspectionCase, row[0]) for row in rows}


def groups(found: dict[str, InspectionCase]) -> set[frozenset[str]]:
    return {
        frozenset(case.detections) for case in found.values() if case.status != CaseStatus.MERGED
    }


async def test_five_detections_are_one_case_and_go_to_the_departments(store: EventStore) -> None:
    services = services_over(store)
    async with working(services):
        ids = await record(
            services, *(detection(f"d{number}", metres=number * 3) for number in range(5))
        )
        await settled(store)
    (case,) = (await cases(store)).values()
    assert set(case.detections) == set(ids)
    assert (case.status, case.lead) == ("dispatched", "municipal-works")
    assert {each["code"] for each in case.deadlines} == {
        "acceptance",
        "made-safe",
        "handling",
        "closing",
    }


async def test_what_is_sent_again_is_known_and_another_under_its_name_is_refused(
    store: EventStore,
) -> None:
    services = services_over(store)
    first = await record_detection(detection("d1"), context(CAMERA), services)
    again = await record_detection(detection("d1"), context(CAMERA), services)
    assert (first.known, again.known) == (False, True)
    assert first.detection_id == again.detection_id
    with pytest.raises(DetectionRefReused):
        await record_detection(detection("d1", confidence=91), context(CAMERA), services)
    found = await record_detections(
        [detection("d2"), detection("d3", class_code="nothing"), detection("d1")],
        context(CAMERA),
        services,
    )
    assert [isinstance(each, CitybrainError) for each in found] == [False, True, False]
    assert await store.head() == 2


async def test_below_its_confidence_a_detection_waits_for_a_person(store: EventStore) -> None:
    services = services_over(store)
    async with working(services):
        (unsure,) = await record(services, detection("d1", confidence=50))
        await settled(store)
        assert await cases(store) == {}
        await confirm_detection(unsure, ConfirmDetection(), context(OPERATOR), services)
        await settled(store)
    (case,) = (await cases(store)).values()
    assert list(case.detections) == [unsure]


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


@pytest.mark.parametrize("seed", range(3))
async def test_the_tables_find_what_looking_at_everything_finds(
    store: EventStore, seed: int
) -> None:
    """Detections at random, one by one and in batches, end in the cases of their neighbourhoods."""
    chance = random.Random(seed)
    drawn = [
        detection(
            f"d{number}",
            metres=chance.randrange(0, 400, 7),
            hours=chance.randrange(0, 400, 30),
            class_code=chance.choice(["displaced_manhole_cover", "piled_rubbish"]),
        )
        for number in range(60)
    ]
    services = services_over(store)
    ids: dict[str, RecordDetection] = {}
    async with working(services):
        for begin in range(0, 60, 12):
            batch = drawn[begin : begin + 12]
            ids |= dict(zip(await record(services, *batch), batch, strict=True))
            if begin % 24:
                await settled(store)
        await settled(store)
    assert groups(await cases(store)) == expected_groups(ids, services)


def expected_groups(ids: dict[str, RecordDetection], services: Services) -> set[frozenset[str]]:
    classes = cases_at(services.definitions, datetime.now(UTC)).classes
    parents = {each: each for each in ids}

    def find(each: str) -> str:
        while parents[each] != each:
            each = parents[each]
        return each

    for a, one in ids.items():
        for b, other in ids.items():
            rule = classes[one.class_code].merge
            near = abs(one.latitude - other.latitude) / METRE_NORTH <= rule.radius_m
            soon = abs(one.occurred_at - other.occurred_at) <= rule.window
            if one.class_code == other.class_code and near and soon:
                parents[find(a)] = find(b)
    members: dict[str, set[str]] = defaultdict(set)
    for each in ids:
        members[find(each)].add(each)
    return {frozenset(each) for each in members.values()}


def plain(case: InspectionCase) -> dict[str, Any]:
    return {name: value for name, value in vars(case).items() if not name.startswith("_")}


async def test_a_merge_undone_restores_both_cases_and_stays_undone(store: EventStore) -> None:
    services = services_over(store)
    async with working(services):
        await record(services, detection("west"), detection("east", metres=25))
        await settled(store)
        before = {case_id: plain(case) for case_id, case in (await cases(store)).items()}
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
        after = {case_id: plain(case) for case_id, case in (await cases(store)).items()}
        assert after == before
        await record(services, detection("between", metres=12, hours=1))
        await settled(store)
    assert len(groups(await cases(store))) == 2


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


async def closed(services: Services, case_id: str) -> None:
    handled = HandleCase(department="municipal-works", evidence_sha256=[DIGEST])
    life: tuple[tuple[Actor, Any, Any], ...] = (
        (WORKS, accept_case, AcceptCase(department="municipal-works")),
        (POLICE, accept_case, AcceptCase(department="traffic-police")),
        (WORKS, handle_case, handled),
        (OPERATOR, verify_case, VerifyCase()),
        (OPERATOR, close_case, CloseCase()),
    )
    for actor, handler, command in life:
        await handler(case_id, command, context(actor), services)


async def test_seen_again_after_closing_is_rework_and_long_after_a_new_case(
    store: EventStore,
) -> None:
    services = services_over(store)
    now = datetime.now(UTC)
    async with working(services):
        await record(services, detection("a", occurred_at=now - timedelta(hours=1)))
        await settled(store)
        (case_id,) = await cases(store)
        await closed(services, case_id)
        await settled(store)
        services.clock = lambda: now + timedelta(days=6)
        await record(services, detection("b", occurred_at=now + timedelta(days=6)))
        await settled(store)
        case = (await cases(store))[case_id]
        assert (case.status, case.times_reopened, len(case.detections)) == ("reopened", 1, 2)
        assert {each["code"] for each in case.deadlines} >= {"handling", "closing"}
        services.clock = lambda: now + timedelta(days=40)
        await record(services, detection("c", occurred_at=now + timedelta(days=40)))
        await settled(store)
    assert len(await cases(store)) == 2


@pytest.mark.parametrize(
    ("camera", "status"),
    [("watching", "closed"), ("was off", "handled"), ("silent", "handled"), ("unknown", "handled")],
)
async def test_cameras_verify_only_what_they_have_watched(
    store: EventStore, camera: str, status: str
) -> None:
    services = services_over(store)
    now = datetime.now(UTC)
    operator = context(OPERATOR)
    if camera != "unknown":
        await report_camera("c-1", known(online=True), operator, services)
    async with working(services):
        rubbish = detection("a", class_code="piled_rubbish", occurred_at=now)
        await record(services, rubbish)
        await settled(store)
        (case_id,) = await cases(store)
        case = (await cases(store))[case_id]
        lead = case.lead or ""
        official = Actor("official-9", frozenset({Role.OFFICIAL}), lead)
        await accept_case(case_id, AcceptCase(department=lead), context(official), services)
        await handle_case(
            case_id,
            HandleCase(department=lead, evidence_sha256=[DIGEST]),
            context(official),
            services,
        )
        if camera == "was off":
            await report_camera("c-1", known(online=False), operator, services)
            await report_camera("c-1", known(online=True), operator, services)
        services.clock = lambda: now + timedelta(minutes=45)
        if camera not in ("unknown", "silent"):
            await report_camera("c-1", known(online=True), operator, services)

        async def looked() -> InspectionCase | None:
            found = await store.load(InspectionCase, case_id)
            return found if found.recheck_at is None else None

        case = await eventually(looked)
    assert case.status == status


def known(*, online: bool) -> ReportCamera:
    return ReportCamera(online=online, latitude=NORTH, longitude=EAST, simulated=True)


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


async def test_a_detection_that_cannot_be_given_to_a_case_is_parked_and_holds_up_nothing(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = services_over(store)
    give = detections._give

    async def fails(case_id: str, planned: list[Any], *more: Any) -> None:
        if any("bad-camera" in row["detection"] for row in planned):
            raise ValueError("a defect")
        await give(case_id, planned, *more)

    monkeypatch.setattr(detections, "_give", fails)
    async with working(services):
        await record(services, detection("d1", camera_id="bad-camera"))
        await record(services, detection("d2", metres=500))
        await settled(store)
    assert len(await cases(store)) == 1
    (parked,) = await parked_commands(store)
    assert (parked["process"], parked["error"]) == ("detection-merging", "ValueError")
    monkeypatch.setattr(detections, "_give", give)
    retried = await retry_parked(services, detections.DetectionMerging())
    assert (retried.sent, retried.still_parked) == (1, 0)
    assert len(await cases(store)) == 2


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
