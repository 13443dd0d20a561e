"""What the centre is judged by: cases by city day, district, leading department and class.

A step counts on the day it happened, for the department that led the case then. "In time" is what
the events say of the deadlines that they ended: the one of the handling that ends with it, and the
one of the whole case. Rates are made of these counts where they are read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import orjson

from citybrain.city_day import city_day
from citybrain.columns import array, counted, recordset
from citybrain.domain.inspection import daily_events, publication_events
from citybrain.domain.inspection.approval_events import (
    CaseChangeDenied,
    CaseChangeRequested,
    CaseResumed,
)
from citybrain.domain.inspection.case import EVENT_OF
from citybrain.domain.inspection.case_events import (
    CaseAccepted,
    CaseClosed,
    CaseCommented,
    CaseDecided,
    CaseDeclined,
    CaseHandled,
    CaseMilestoneReached,
    CaseRecheckFailed,
    CaseReported,
    CaseTaskFinished,
)
from citybrain.domain.inspection.daily_events import CaseRated, CaseReclassified, CaseRelocated
from citybrain.domain.inspection.deadlines import Stage
from citybrain.domain.inspection.merging_events import CaseReleased
from citybrain.domain.inspection.standing import Folded, Standing
from citybrain.eventstore import RecordedEvent
from projections.inspection.case_days import MILLISECOND
from projections.projection import Order
from projections.reading import Pool, fetch_planned

TABLES = """
CREATE TABLE counts (
    day        date NOT NULL,
    district   text COLLATE "C" NOT NULL,
    department text COLLATE "C" NOT NULL,
    class_code text COLLATE "C" NOT NULL,
    what       text COLLATE "C" NOT NULL,
    count      bigint NOT NULL,
    PRIMARY KEY (day, district, department, class_code, what)
);
CREATE TABLE cases (
    case_id text COLLATE "C" PRIMARY KEY,
    state   jsonb NOT NULL
);
"""

READ = "SELECT case_id, state FROM cases WHERE case_id = ANY($1::text::text[])"
KEEP = """
INSERT INTO cases (case_id, state)
SELECT * FROM json_to_recordset($1) AS n(case_id text, state jsonb)
ON CONFLICT (case_id) DO UPDATE SET state = excluded.state
"""
ADD = """
INSERT INTO counts AS c (day, district, department, class_code, what, count)
SELECT * FROM unnest($1::text::date[], $2::text::text[], $3::text::text[], $4::text::text[],
                     $5::text::text[], $6::text::bigint[])
ON CONFLICT (day, district, department, class_code, what)
DO UPDATE SET count = c.count + excluded.count
"""

NOT_COUNTED = {
    CaseMilestoneReached,
    CaseRecheckFailed,
    CaseResumed,
    CaseChangeRequested,
    CaseChangeDenied,
    CaseTaskFinished,
    CaseAccepted,
    CaseDeclined,
    CaseDecided,
    CaseReleased,
    CaseCommented,
    *publication_events.EVENTS,
    *daily_events.EVENTS,
} - {CaseReclassified, CaseRelocated, CaseRated}
NAMES = {
    "deadline_warned": "warned",
    "deadline_missed": "overdue",
    "detection_merged": "detections",
    "detection_separated": "separated",
}
JUDGED_BY: dict[type[Folded], Stage] = {CaseHandled: Stage.HANDLING, CaseClosed: Stage.CLOSING}
"""The deadline that says whether a step was in time: the one named as its stage."""


class EvaluationDays:
    """The read model `evaluation_days`."""

    name = "evaluation_days"
    version = 1
    order = Order.STREAM
    tables = TABLES

    @property
    def topics(self) -> frozenset[str]:
        """All that count."""
        return frozenset(topic for topic, event in EVENT_OF.items() if event not in NOT_COUNTED)

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch's counts to their days."""
        ids = array({event.stream_id for event in events})
        states: dict[str, dict[str, Any]] = {
            row["case_id"]: orjson.loads(row["state"]) for row in await connection.fetch(READ, ids)
        }
        standings = {case_id: Standing(lead=kept["department"]) for case_id, kept in states.items()}
        counts: Counter[tuple[date, str, str, str, str]] = Counter()
        changed: set[str] = set()
        for event in events:
            if event.topic == CaseReported.TOPIC:
                states[event.stream_id], standings[event.stream_id] = begun(event), Standing()
                changed.add(event.stream_id)
            state = states[event.stream_id]
            standing = standings[event.stream_id]
            meaning = EVENT_OF[event.topic]
            meaning.fold(standing, event.data)
            if corrected := _corrected(meaning, event.data):
                state.update(corrected)
                changed.add(event.stream_id)
            day, department = city_day(event.data["occurred_at"]), state["department"]
            key = day, state["district"], standing.lead or department, state["class_code"]
            handled = state["handled"]
            for what, count in counts_of(event, state).items():
                counts[*key, what] += count
            if state["handled"] != handled or department != (standing.lead or ""):
                state["department"] = standing.lead or ""
                changed.add(event.stream_id)
        if counts:
            await connection.execute(ADD, *counted(counts))
        if changed:
            kept = [{"case_id": case_id, "state": states[case_id]} for case_id in changed]
            await connection.execute(KEEP, recordset(kept))


def begun(event: RecordedEvent) -> dict[str, Any]:
    """What is known of a case when it is reported."""
    place = event.data.get("place") or {}
    return {
        "district": place.get("district") or "",
        "department": "",
        "class_code": event.data["class_code"],
        "reported_at": event.data["occurred_at"].isoformat(),
        "handled": False,
    }


def _corrected(meaning: type[Folded], data: Mapping[str, Any]) -> dict[str, str]:
    """What a correction makes of where the case counts from now on."""
    if meaning is CaseReclassified:
        return {"class_code": data["class_code"]}
    if meaning is CaseRelocated:
        return {"district": (data["place"] or {}).get("district") or ""}
    return {}


def counts_of(event: RecordedEvent, state: dict[str, Any]) -> dict[str, int]:
    """What an event adds to its day; the state keeps whether the case was handled before."""
    topic = event.topic.removeprefix("case.")
    found = {NAMES.get(topic, topic): 1}
    if topic == "rated":
        found["stars"] = event.data["stars"]
    stage = JUDGED_BY.get(EVENT_OF[event.topic])
    if stage is None:
        return found
    for ended in event.data.get("ended") or ():
        if ended["stage"] == stage and ended["code"] == stage:
            found[f"{topic}_in_time" if ended["in_time"] else f"{topic}_late"] = 1
    if topic == "closed" or not state["handled"]:
        begun = datetime.fromisoformat(state["reported_at"])
        found[f"ms_to_{topic}"] = (event.data["occurred_at"] - begun) // MILLISECOND
        found[f"first_{topic}"] = 1
    state["handled"] = True
    return found


COUNTS = """
SELECT CASE $1 WHEN 'area' THEN district WHEN 'department' THEN department
               WHEN 'class' THEN class_code WHEN 'month' THEN to_char(day, 'YYYY-MM')
               ELSE day::text END AS key,
       what, sum(count)::bigint AS count
FROM evaluation_days.counts
WHERE day BETWEEN $2 AND $3 AND ($4::text IS NULL OR department = $4)
  AND ($5::text IS NULL OR class_code = $5) AND ($6::text IS NULL OR district = $6)
GROUP BY 1, 2 ORDER BY 1, 2
"""


async def counts(
    pool: Pool,
    *,
    by: str,
    since: date,
    until: date,
    department: str | None = None,
    class_code: str | None = None,
    district: str | None = None,
) -> dict[str, dict[str, int]]:
    """What happened in these days, by area, department, class, day or month."""
    found: dict[str, dict[str, int]] = {}
    rows = await fetch_planned(pool, COUNTS, by, since, until, department, class_code, district)
    for row in rows:
        found.setdefault(row["key"], {})[row["what"]] = row["count"]
    return found
