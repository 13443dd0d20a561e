"""From detections to cases: near and soon ones of a class are evidence of one case.

What becomes of a detection is written down before it is done, and what was not finished is done
again after a crash. Only confirmed detections come here: by the camera's confidence, or a person.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import groupby
from typing import Any, ClassVar
from uuid import uuid4

import orjson
import structlog

from citybrain.columns import columns
from citybrain.definitions.inspection.cases import MergeRule, cases_at
from citybrain.domain.actor import system_actor
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.detection import Detection
from citybrain.domain.times import moment
from citybrain.errors import Refused
from citybrain.eventstore import RecordedEvent, WrongExpectedVersion
from citybrain.eventstore.locks import LOCK_TRANSACTION
from commands.handling import CommandContext
from commands.inspection.grouping import Sighting, candidates, plan, remember
from commands.inspection.merging import (
    MergeCase,
    TakeDetections,
    as_evidence,
    merge_case,
    merged_cases,
    new_case_of,
    open_from_detections,
    take_detections,
)
from commands.processes.batches import AWAY
from commands.processes.runner import park
from commands.services import Services

log = structlog.get_logger(__name__)

RECORDED, CONFIRMED = "detection.recorded", "detection.confirmed"
AT_ONCE = 64
PENDING_AT_ONCE = 1000
LOCK = "detection-merging"
KNOWN = "SELECT detection_id FROM detection_plans WHERE detection_id = ANY($1)"
WRITE_DOWN = """
INSERT INTO detection_plans (detection_id, case_id, opens, detection)
SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::jsonb[])
"""
PLAN_MERGES = """
INSERT INTO merge_plans (source_case_id, target_case_id)
SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING
"""
PENDING = """
SELECT detection_id, case_id, opens, detection FROM detection_plans
WHERE NOT applied AND NOT parked ORDER BY planned_at, detection_id LIMIT $1
"""
PENDING_MERGES = "SELECT source_case_id, target_case_id FROM merge_plans LIMIT $1"
SET_ASIDE = "UPDATE detection_plans SET parked = $2 WHERE detection_id = ANY($1)"
APPLIED = "UPDATE detection_plans SET applied = true WHERE detection_id = ANY($1)"
MERGED = "DELETE FROM merge_plans WHERE source_case_id = $1 AND target_case_id = $2"
FORGET = (
    "DELETE FROM detection_plans WHERE applied AND planned_at < clock_timestamp() - $1::interval"
)

LEAVE = "DELETE FROM sighting_places WHERE case_id = $1 AND latitude = $2 AND longitude = $3"

# How the places follow what happens to the cases.
FOLLOW = {
    "case.absorbed": """
        UPDATE sighting_places SET case_id = $1 WHERE case_id = $2
    """,
    "case.released": """
        UPDATE sighting_places SET case_id = $2 WHERE case_id = $1 AND origin_case_id = ANY($3)
    """,
}
SIGHTED = """
INSERT INTO sighted_cases (case_id, first_at)
SELECT case_id, min(first_at) FROM sighting_places WHERE case_id = $1 GROUP BY case_id
ON CONFLICT DO NOTHING
"""
# The same of what is marked in cases, many at a time.
MARK = {
    "case.closed": """
        UPDATE sighted_cases c SET closed_at = n.closed_at
        FROM unnest($1::text[], $2::timestamptz[]) AS n(case_id, closed_at)
        WHERE c.case_id = n.case_id
    """,
    "case.reopened": "UPDATE sighted_cases SET closed_at = NULL WHERE case_id = ANY($1)",
    "case.voided": "UPDATE sighted_cases SET gone = true WHERE case_id = ANY($1)",
    "case.unmerged": "UPDATE sighted_cases SET apart = true WHERE case_id = ANY($1)",
}


class DetectionMerging:
    """The process manager of detections."""

    name: ClassVar[str] = "detection-merging"
    topics: ClassVar[tuple[str, ...]] = (
        RECORDED,
        CONFIRMED,
        "case.detection_separated",
        *FOLLOW,
        *MARK,
    )
    tick_seconds: ClassVar[float | None] = 3600.0

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Take one event; what was set aside for it is tried again."""
        await services.store.pool.execute(SET_ASIDE, [event.stream_id], False)
        await self.react_all([event], services)

    async def react_all(self, events: Sequence[RecordedEvent], services: Services) -> None:
        """Plan for the detections of the batch, in step with the cases; then do what is planned."""
        for kind, some in groupby(events, key=_kind):
            if kind == RECORDED:
                found = [await _sighting(event, services) for event in some]
                await _write_plan([each for each in found if each is not None], services)
            elif kind in MARK:
                await _mark(kind, list(some), services)
            else:
                for event in some:
                    await _follow(event, services)
        await _do_what_is_planned(services)

    async def tick(self, services: Services) -> None:
        """Forget the plans that no crash will ask for."""
        await services.store.pool.execute(FORGET, timedelta(days=1))


def _kind(event: RecordedEvent) -> str:
    """What is done at once with consecutive events of one kind."""
    return RECORDED if event.topic == CONFIRMED else event.topic


async def _sighting(
    event: RecordedEvent, services: Services
) -> tuple[Sighting, dict[str, Any]] | None:
    """A detection that finds its case now; none where it waits for a person."""
    if event.topic == RECORDED:
        if not event.data["sure"]:
            return None
        detection = services.store.to_domain_event(event).mutate(None)
    else:
        detection = await services.store.load(Detection, event.stream_id)
    assert isinstance(detection, Detection)
    case_id = new_case_of(detection.id)
    definitions = cases_at(services.definitions, event.recorded_at)
    sighting = Sighting(
        detection.id,
        detection.class_code,
        detection.latitude,
        detection.longitude,
        detection.occurred_at,
        definitions.merge_rule(detection.class_code),
    )
    return sighting, {
        "evidence": as_evidence(detection, case_id),
        "class_code": detection.class_code,
        "simulated": detection.simulated,
    }


async def _write_plan(
    detections: list[tuple[Sighting, dict[str, Any]]], services: Services
) -> None:
    if not detections:
        return
    async with services.store.pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_TRANSACTION, LOCK)
        ids = [sighting.detection_id for sighting, _ in detections]
        known = {row["detection_id"] for row in await connection.fetch(KNOWN, ids)}
        new = {
            sighting.detection_id: (sighting, details)
            for sighting, details in detections
            if sighting.detection_id not in known
        }
        if not new:
            return
        sightings = [sighting for sighting, _ in new.values()]
        result = plan(sightings, await candidates(connection, sightings), new_case_of)
        await remember(connection, sightings, result)
        cases = [result.case_of[each] for each in new]
        await connection.execute(
            WRITE_DOWN,
            list(new),
            cases,
            [case_id in result.opened for case_id in cases],
            [orjson.dumps(details).decode() for _, details in new.values()],
        )
        if result.merges:
            await connection.execute(PLAN_MERGES, *columns(result.merges))


async def _mark(topic: str, events: Sequence[RecordedEvent], services: Services) -> None:
    """Keep the cases' marks in step with them."""
    arguments: list[Any] = [[event.stream_id for event in events]]
    if topic == "case.closed":
        arguments.append([event.data["occurred_at"] for event in events])
    await services.store.pool.execute(MARK[topic], *arguments)


async def _follow(event: RecordedEvent, services: Services) -> None:
    """Keep the places in step with the cases."""
    pool: Any = services.store.pool
    if event.topic == "case.detection_separated":
        await _move_apart(event, services)
        return
    arguments: list[Any] = [event.stream_id, event.data["case_id"]]
    if event.topic == "case.released":
        left = await services.store.load(InspectionCase, event.data["case_id"])
        arguments.append([left.id, *left.absorbed])
    await pool.execute(FOLLOW[event.topic], *arguments)
    if event.topic == "case.absorbed":  # it may be one that people reported
        await pool.execute(SIGHTED, event.stream_id)


async def _move_apart(event: RecordedEvent, services: Services) -> None:
    """A separated detection's place is of its new case, which stays apart; others stay there."""
    gone, new_case_id = event.data["detection"]["detection_id"], event.data["new_case_id"]
    case = await services.store.load(InspectionCase, event.stream_id)
    ids = [gone, *case.detections]
    moved, *others = await asyncio.gather(
        *(_seen(detection_id, event, services) for detection_id in ids)
    )
    place = moved.latitude, moved.longitude
    there = [seen for seen in others if (seen.latitude, seen.longitude) == place]
    async with services.store.pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_TRANSACTION, LOCK)
        await connection.execute(LEAVE, case.id, *place)
        for case_id, seen in ((case.id, there), (new_case_id, [moved])):
            if seen:
                await remember(connection, seen, plan(seen, {}, lambda _, to=case_id: to))
        await connection.execute(MARK["case.unmerged"], [new_case_id])


async def _seen(detection_id: str, event: RecordedEvent, services: Services) -> Sighting:
    found = await services.store.load(Detection, detection_id)
    rule = cases_at(services.definitions, event.recorded_at).merge_rule(found.class_code)
    return Sighting(
        found.id, found.class_code, found.latitude, found.longitude, found.occurred_at, rule
    )


async def _do_what_is_planned(services: Services) -> None:
    """All that is written down and not done. What cannot be done is parked and holds up nothing."""
    pool: Any = services.store.pool
    while rows := await pool.fetch(PENDING, PENDING_AT_ONCE):
        by_case: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            by_case[row["case_id"]].append(row)
        limit = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(
            *(
                _give_or_park(case_id, planned, services, limit)
                for case_id, planned in by_case.items()
            )
        )
    for source, target in await pool.fetch(PENDING_MERGES, PENDING_AT_ONCE):
        await _merge(source, target, services)
        await pool.execute(MERGED, source, target)


async def _give_or_park(
    case_id: str, planned: list[Any], services: Services, limit: asyncio.Semaphore
) -> None:
    ids, pool = [row["detection_id"] for row in planned], services.store.pool
    try:
        await _give(case_id, planned, services, limit)
    except AWAY:
        raise
    except Exception as error:
        for detection_id in ids:
            (event,) = await services.store.read(detection_id, limit=1)
            await park(services.store, DetectionMerging.name, event, error)
        await pool.execute(SET_ASIDE, ids, True)
    else:
        await pool.execute(APPLIED, ids)


async def _merge(source: str, target: str, services: Services) -> None:
    command = MergeCase(into_case_id=target, reason="detections of both belong together")
    try:
        await merge_case(source, command, _context(), services)
    except AWAY:
        raise
    except Exception as error:  # one of them has gone too far, or is too large: they stay two
        log.info("cases_not_merged", source=source, target=target, error=type(error).__name__)


async def _give(
    case_id: str, planned: list[Any], services: Services, limit: asyncio.Semaphore
) -> None:
    """Give detections to their case: a new one, or one that takes them, or where that one went."""
    details = [orjson.loads(row["detection"]) for row in planned]
    for each in details:
        each["evidence"]["case_id"] = case_id
    details.sort(
        key=lambda each: (each["evidence"]["occurred_at"], each["evidence"]["detection_id"])
    )
    command = TakeDetections(
        detections=[each["evidence"] for each in details],
        class_code=details[0]["class_code"],
        simulated=all(each["simulated"] for each in details),
    )
    async with limit:
        if any(row["opens"] for row in planned):
            try:
                await open_from_detections(case_id, command, _context(), services)
            except WrongExpectedVersion:  # it was opened before a crash
                await _add(case_id, command, services)
        else:
            await _add(case_id, command, services)


async def _add(case_id: str, command: TakeDetections, services: Services) -> None:
    """Give them to this case, or to where it went, or, where it was voided, to a new one."""
    for wanted in [case_id, *await merged_cases(case_id, services)]:
        with suppress(Refused):
            await take_detections(wanted, command, _context(), services)
            return
    opened = new_case_of(command.detections[0]["detection_id"])
    with suppress(WrongExpectedVersion):  # it was opened before a crash
        await open_from_detections(opened, command, _context(), services)
    rule = cases_at(services.definitions, services.clock()).merge_rule(command.class_code)
    seen = [_as_seen(evidence, command.class_code, rule) for evidence in command.detections]
    async with services.store.pool.acquire() as connection, connection.transaction():
        await remember(connection, seen, plan(seen, {}, lambda _: opened))


def _as_seen(evidence: dict[str, Any], class_code: str, rule: MergeRule) -> Sighting:
    at = moment(evidence["occurred_at"])
    place = evidence["latitude"], evidence["longitude"]
    return Sighting(evidence["detection_id"], class_code, *place, at, rule)


def _context() -> CommandContext:
    command_id = uuid4()
    return CommandContext(system_actor(DetectionMerging.name), "process", command_id, command_id)
