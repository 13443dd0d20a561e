"""Deadlines of cases: warned of before, escalated after, once each, whoever was restarted.

After each event of a case the time of its next alarm is noted; when that has come the case itself
says what is to be done. Cases that an import brought in are another city's and are left alone.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4

import structlog

from citybrain.domain.actor import system_actor
from citybrain.domain.inspection.alarms import alarm_at
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.times import moment
from citybrain.errors import Refused
from citybrain.eventstore import RecordedEvent
from commands.handling import CommandContext
from commands.inspection.alarms import RaiseAlarms, raise_alarms
from commands.inspection.merging import recheck_case
from commands.services import Services

log = structlog.get_logger(__name__)

AT_ONCE = 32
BATCH = 500
NOT_NOTED = frozenset(
    {"case.detection_merged", "case.detection_separated", "case.absorbed", "case.released"}
)
DUE = "SELECT case_id FROM case_alarms WHERE alarm_at <= $1 ORDER BY alarm_at LIMIT $2"
NOTE = """
INSERT INTO case_alarms (case_id, alarm_at) SELECT * FROM unnest($1::text[], $2::timestamptz[])
ON CONFLICT (case_id) DO UPDATE SET alarm_at = excluded.alarm_at
WHERE case_alarms.alarm_at <> excluded.alarm_at
"""
IMPORTED = """
SELECT originator_id FROM stored_events
WHERE originator_id = ANY($1) AND originator_version = 1 AND metadata ->> 'channel' = 'import'
"""
FORGET = "DELETE FROM case_alarms WHERE case_id = ANY($1)"
LATER = """
UPDATE case_alarms SET alarm_at = clock_timestamp() + interval '1 minute' WHERE case_id = $1
"""


class CaseDeadlines:
    """The process manager of deadlines, deferrals and rechecks."""

    name: ClassVar[str] = "case-deadlines"
    tick_seconds: ClassVar[float | None] = 1.0

    topics: ClassVar[tuple[str, ...]] = tuple(
        event.TOPIC for event in InspectionCase.EVENTS if event.TOPIC not in NOT_NOTED
    )

    def __init__(self) -> None:
        self._noting = asyncio.Lock()  # what was loaded first is written first

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Note when the case has to be looked at."""
        await self.react_all([event], services)

    async def react_all(self, events: Sequence[RecordedEvent], services: Services) -> None:
        """Note when these cases have to be looked at."""
        await self._note({event.stream_id for event in events}, services)

    async def tick(self, services: Services) -> None:
        """Look at the cases whose time has come."""
        while True:
            rows = await services.store.pool.fetch(DUE, services.clock(), BATCH)
            due = [row["case_id"] for row in rows]
            limit = asyncio.Semaphore(AT_ONCE)
            looked = await asyncio.gather(*(self._look(each, services, limit) for each in due))
            await self._note((each for each in looked if each is not None), services)
            if len(due) < BATCH:
                return

    async def _note(self, case_ids: Iterable[str], services: Services) -> None:
        async with self._noting:
            await _note(case_ids, services)

    async def _look(self, case_id: str, services: Services, limit: asyncio.Semaphore) -> str | None:
        """Do what it is time for in one case; its id, or none where that failed."""
        async with limit:
            context = _context()
            try:
                case = await services.store.load(InspectionCase, case_id)
                if case.recheck_at is not None and moment(case.recheck_at) <= services.clock():
                    await recheck_case(case_id, context, services)
                await raise_alarms(case_id, RaiseAlarms(), context, services)
            except Refused as refusal:  # the case has moved on
                log.debug("process_refused", process=self.name, code=refusal.code)
            except Exception as error:  # one case must not hold up the others
                log.error("case_alarm_failed", case_id=case_id, error=type(error).__name__)
                await services.store.pool.execute(LATER, case_id)
                return None
            return case_id


async def _note(case_ids: Iterable[str], services: Services) -> None:
    """Keep the time of the next alarm of each, or none."""
    limit, found = asyncio.Semaphore(AT_ONCE), {}

    async def look(case_id: str) -> None:
        async with limit:
            case = await services.store.load(InspectionCase, case_id)
            found[case_id] = alarm_at(case)

    await asyncio.gather(*(look(case_id) for case_id in case_ids))
    pool: Any = services.store.pool
    for row in await pool.fetch(IMPORTED, [each for each, at in found.items() if at is not None]):
        found[row["originator_id"]] = None
    alarms: dict[str, datetime] = {each: at for each, at in found.items() if at is not None}
    if alarms:
        await pool.execute(NOTE, list(alarms), list(alarms.values()))
    if gone := [each for each, at in found.items() if at is None]:
        await pool.execute(FORGET, gone)


def _context() -> CommandContext:
    command_id = uuid4()
    return CommandContext(system_actor(CaseDeadlines.name), "process", command_id, command_id)
