"""Applications by the city's day of submission and service: what became of them, what was saved.

Savings are counted for applications that ended well, against what the item's baseline says it
took before: papers, approvals one after the other, visits to a counter. `automatic` are those that
the rules decided and no officer reviewed, `online` those that finished and never were at a counter;
what follows an appeal can take either back.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import orjson
from pydantic import BaseModel

from citybrain.city_day import city_day
from citybrain.columns import counted
from citybrain.domain.applications.application_events import status_after
from citybrain.domain.applications.statuses import FINAL, Status, ended_well, has_ended
from citybrain.eventstore import RecordedEvent
from projections.buckets import bucket_of, bucket_seconds
from projections.projection import Order
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE counts (
    day     date NOT NULL,
    service text COLLATE "C" NOT NULL,
    what    text COLLATE "C" NOT NULL,
    count   bigint NOT NULL,
    PRIMARY KEY (day, service, what)
);
CREATE TABLE seconds (
    day     date NOT NULL,
    service text COLLATE "C" NOT NULL,
    bucket  integer NOT NULL,
    count   bigint NOT NULL,
    PRIMARY KEY (day, service, bucket)
);
CREATE TABLE under_way (
    application_id text COLLATE "C" PRIMARY KEY,
    state          jsonb NOT NULL
);
"""

ADD = """
INSERT INTO counts AS c (day, service, what, count)
SELECT * FROM unnest($1::text::date[], $2::text::text[], $3::text::text[], $4::text::bigint[])
ON CONFLICT (day, service, what) DO UPDATE SET count = c.count + excluded.count
"""
ADD_SECONDS = """
INSERT INTO seconds AS s (day, service, bucket, count)
SELECT * FROM unnest($1::text::date[], $2::text::text[], $3::text::int[], $4::text::bigint[])
ON CONFLICT (day, service, bucket) DO UPDATE SET count = s.count + excluded.count
"""
READ = "SELECT application_id, state::text FROM under_way WHERE application_id = ANY($1)"
KEEP = """
INSERT INTO under_way (application_id, state)
SELECT * FROM unnest($1::text[], $2::jsonb[])
ON CONFLICT (application_id) DO UPDATE SET state = excluded.state
"""

FORGET = "DELETE FROM under_way WHERE application_id = ANY($1)"

ONCE = {
    "submitted": "submitted",
    "identity_verified": "identified",
    "reviewed": "reviewed",
    "appealed": "appealed",
    "claim_lost": "claim_lost",
    "payout_confirmed": "paid",
    "payout_failed": "payout_failed",
    "withdrawn": "withdrawn",
    "expired": "expired",
}
TOPICS = frozenset(f"application.{step}" for step in (*ONCE, "decided", "taken_over"))
UNDONE_BY = {"reviewed": "automatic", "at_counter": "online"}  # by the first of its kind

State = dict[str, Any]


class ApplicationDays:
    """The read model `application_days`."""

    name = "application_days"
    version = 3
    order = Order.STREAM
    topics = TOPICS
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch to its days."""
        ids = list({event.stream_id for event in events})
        known = await connection.fetch(READ, ids)
        states: dict[str, State] = {
            row["application_id"]: orjson.loads(row["state"]) for row in known
        }
        counts: Counter[tuple[date, str, str]] = Counter()
        seconds: Counter[tuple[date, str, int]] = Counter()
        for event in events:
            if event.topic == "application.submitted":
                states[event.stream_id] = begun(event)
            state = states[event.stream_id]
            key = date.fromisoformat(state["day"]), state["service"]
            found = counts_of(event, state)
            for what, count in found.items():
                counts[*key, what] += count
            if found["paid"]:
                submitted_at = datetime.fromisoformat(state["submitted_at"])
                taken = (event.data["timestamp"] - submitted_at).total_seconds()
                seconds[*key, bucket_of(taken)] += 1
        if counts:
            await connection.execute(ADD, *counted(counts))
        if seconds:
            await connection.execute(ADD_SECONDS, *counted(seconds))
        ended = {
            event.stream_id
            for event in events
            if status_after(event.topic, event.data, ()) in FINAL
        }
        await connection.execute(FORGET, list(ended))
        texts = {
            stream_id: orjson.dumps(state).decode()
            for stream_id, state in states.items()
            if stream_id not in ended
        }
        await connection.execute(KEEP, list(texts), list(texts.values()))


def begun(event: RecordedEvent) -> State:
    """What is known of an application when it is submitted."""
    data = event.data
    return {
        "day": str(city_day(data["timestamp"])),
        "service": data["service"],
        "submitted_at": data["timestamp"].isoformat(),
        "baseline": data["baseline"],
        "pays": data["pays"],
        "trips": 0,
        "reviews": 0,
        "ever": [],
    }


def counts_of(event: RecordedEvent, state: State) -> Counter[str]:
    """What an event adds to its day, or takes back; the state keeps what later ones need."""
    data, topic = event.data, event.topic.partition(".")[2]
    if topic == "reviewed":
        state["reviews"] += 1 if data.get("second_reviewer") is None else 2
    state["trips"] += _at_counter(topic, data)
    found: Counter[str] = Counter()
    for what in _reached(event, state):
        if what not in state["ever"]:
            state["ever"].append(what)
            found[what] += 1
    for what in [undone for cause, undone in UNDONE_BY.items() if cause in found]:
        if what in state["ever"]:
            state["ever"].remove(what)
            found[what] -= 1
    if topic == "payout_confirmed":
        found["amount_fen"] = data["amount_fen"]
    if found["ended_well"]:
        actual = {"materials": 0, "steps": 1 + state["reviews"], "trips": state["trips"]}
        for what, before in state["baseline"].items():
            found[f"{what}_before"], found[f"{what}_now"] = before, actual[what]
    return found


def _reached(event: RecordedEvent, state: State) -> list[str]:
    """What an application has come to by an event, each counted once in its life."""
    topic = event.topic.partition(".")[2]
    status = status_after(event.topic, event.data, ())
    decision = topic in ("decided", "reviewed")
    settled = decision and status in (Status.APPROVED, Status.REFUSED)
    ended = status is not None and has_ended(status, pays=state["pays"])
    whether = {
        "at_counter": _at_counter(topic, event.data),
        "decided": settled,
        "automatic": settled and state["reviews"] == 0,
        "ended_well": status is not None and ended_well(status, pays=state["pays"]),
        "finished": ended,
        "online": ended and "at_counter" not in state["ever"],
    }
    named = [ONCE[topic]] if topic in ONCE else []
    outcome = [status.value] if decision and status is not None else []
    return named + outcome + [what for what, so in whether.items() if so]


def _at_counter(topic: str, data: dict[str, Any]) -> bool:
    return topic in ("submitted", "taken_over") and bool(data["channel"] == "counter")


class ApplicationDay(BaseModel):
    """What became of the applications of a day."""

    day: date
    service: str
    counts: dict[str, int]


DAYS = """
SELECT day, service, jsonb_object_agg(what, count)::text AS counts
FROM application_days.counts
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR service = $3)
GROUP BY day, service ORDER BY day, service
"""
SECONDS = """
SELECT bucket, sum(count)::bigint AS count FROM application_days.seconds
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR service = $3)
GROUP BY bucket ORDER BY bucket
"""


async def days(pool: Pool, *, since: date, until: date, service: str | None = None) -> list[Row]:
    """What became of applications, by the city's day of submission and service."""
    rows = await fetch(pool, DAYS, since, until, service)
    return [row | {"counts": orjson.loads(row["counts"])} for row in rows]


async def seconds_to_money(
    pool: Pool, *, since: date, until: date, service: str | None = None
) -> list[tuple[float, int]]:
    """From submission to the bank's receipt: (seconds at most, how many), ascending."""
    rows = await fetch(pool, SECONDS, since, until, service)
    return [(bucket_seconds(row["bucket"]), row["count"]) for row in rows]
