"""Detections are taken in once and become cases with what was seen near them."""

import random
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest

from citybrain.definitions.inspection.cases import cases_at
from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore
from commands.inspection.detection import (
    ConfirmDetection,
    DetectionRefReused,
    RecordDetection,
    confirm_detection,
    record_detection,
    record_detections,
)
from commands.inspection.processes import detections
from commands.processes.parked import parked_commands, retry_parked
from commands.services import Services
from tests.given.detections import METRE_NORTH, cases, detection, groups, record
from tests.given.processes import settled, working
from tests.given.services import CAMERA, OPERATOR, context, services_over


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
