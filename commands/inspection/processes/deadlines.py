"""Deadlines of cases: warned of before, escalated after, once each, whoever was restarted.

When the alarm of a case rings the case itself says what is to be done. Cases that an import brought
in are another city's and are left alone.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import ClassVar

from citybrain.domain.inspection import alarms
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.times import moment
from commands.handling import CommandContext
from commands.inspection.alarms import RaiseAlarms, raise_alarms
from commands.inspection.merging import recheck_case
from commands.processes.alarms import StreamAlarms
from commands.services import Services

NOT_NOTED = frozenset(
    {"case.detection_merged", "case.detection_separated", "case.absorbed", "case.released"}
)
IMPORTED = """
SELECT originator_id FROM stored_events
WHERE originator_id = ANY($1) AND originator_version = 1 AND metadata ->> 'channel' = 'import'
"""


class CaseDeadlines(StreamAlarms[InspectionCase]):
    """The process manager of deadlines, deferrals and rechecks."""

    name: ClassVar[str] = "case-deadlines"
    stream = InspectionCase

    topics: ClassVar[tuple[str, ...]] = tuple(
        event.TOPIC for event in InspectionCase.EVENTS if event.TOPIC not in NOT_NOTED
    )

    def alarm_at(self, case: InspectionCase) -> datetime | None:
        """A warning, an escalation, the end of a deferral, or a recheck."""
        return alarms.alarm_at(case)

    async def ring(self, case: InspectionCase, context: CommandContext, services: Services) -> None:
        """Recheck, resume, warn and escalate: whatever it is time for."""
        if case.recheck_at is not None and moment(case.recheck_at) <= services.clock():
            await recheck_case(case.id, context, services)
        await raise_alarms(case.id, RaiseAlarms(), context, services)

    async def left_out(self, case_ids: Sequence[str], services: Services) -> Collection[str]:
        """The imported ones."""
        rows = await services.store.pool.fetch(IMPORTED, case_ids)
        return {row["originator_id"] for row in rows}
