"""Who takes steps in cases for which department: whom a case may be given to.

The city keeps no register of its people here: tokens say who somebody is. What is known is who has
acted as an official, in which department's name, how often, and when last.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.columns import recordset
from citybrain.domain.actor import Role
from citybrain.domain.inspection.case_events import (
    CaseAccepted,
    CaseDecided,
    CaseDeclined,
    CaseHandled,
    CaseMilestoneReached,
    CaseTaskFinished,
)
from citybrain.domain.inspection.daily_events import CaseAssigned
from citybrain.eventstore import RecordedEvent
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE officials (
    department text COLLATE "C" NOT NULL,
    subject    text COLLATE "C" NOT NULL,
    steps      bigint NOT NULL,
    last_at    timestamptz NOT NULL,
    PRIMARY KEY (department, subject)
);
CREATE INDEX ON officials (department, last_at DESC);
"""

STEPS = (
    CaseAccepted,
    CaseDeclined,
    CaseDecided,
    CaseTaskFinished,
    CaseMilestoneReached,
    CaseHandled,
    CaseAssigned,
)
"""What only an official does, in the name of the department that the event says."""


class OfficialRow(BaseModel):
    """Somebody who has acted for the department."""

    subject: str = Field(description="the subject of their token")
    steps: int = Field(description="how many steps they have taken in cases, ever")
    last_at: AwareDatetime = Field(description="when they took the last of them")


ADD = """
INSERT INTO officials SELECT * FROM json_populate_recordset(NULL::officials, $1)
ON CONFLICT (department, subject) DO UPDATE SET
    steps = officials.steps + excluded.steps,
    last_at = greatest(officials.last_at, excluded.last_at)
"""


class CaseOfficials:
    """The read model `case_officials`."""

    name = "case_officials"
    version = 1
    topics = frozenset(step.TOPIC for step in STEPS)
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Count the steps of each official."""
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for event in events:
            actor, roles = event.metadata.get("actor"), event.metadata.get("role") or ""
            if actor is None or Role.OFFICIAL.value not in roles.split(","):
                continue  # a process manager, or an import
            department, at = event.data["department"], event.recorded_at
            row = rows.setdefault(
                (department, actor),
                {"department": department, "subject": actor, "steps": 0, "last_at": at},
            )
            row["steps"] += 1
            row["last_at"] = max(row["last_at"], at)
        await connection.execute(ADD, recordset(list(rows.values())))


OF_DEPARTMENT = """
SELECT subject, steps, last_at FROM case_officials.officials
WHERE department = $1 AND last_at >= $2 ORDER BY last_at DESC, subject LIMIT $3
"""


async def of_department(pool: Pool, department: str, since: datetime, *, limit: int) -> list[Row]:
    """Who has acted for a department since then, whoever did so last first."""
    return await fetch(pool, OF_DEPARTMENT, department, since, limit)
