"""What parking brings in, by the city's day and by line of the tariff.

What is owed counts on the day on which the stay began, money on the day on which the bank booked
it (`citybrain.domain.parking.earning`). A day is the sum of what its stays come to: whatever
changes one takes its old share away and adds the new one.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import asyncpg
import orjson
from pydantic import BaseModel, Field

from citybrain.city_day import city_day
from citybrain.columns import columns as columns_of
from citybrain.domain.parking.claim_events import ClaimRaised
from citybrain.domain.parking.earning import Earning, EarningClaim, Lines, Measure, Sums, TariffLine
from citybrain.domain.parking.prepaying_events import SessionPrepaymentAsked
from citybrain.domain.parking.session_events import PRICED, SessionDisputeDecided, SessionVoided
from citybrain.eventstore import RecordedEvent
from projections.parking.claim_folding import TOPICS, claim_from, empty_claim, fold
from projections.reading import Pool, fetch

TABLES = """
CREATE TABLE subjects (
    subject text COLLATE "C" PRIMARY KEY,
    state   json NOT NULL
);
CREATE TABLE claims (
    claim_id text COLLATE "C" PRIMARY KEY,
    subject  text COLLATE "C" NOT NULL
);
CREATE TABLE days (
    day              date NOT NULL,
    version          text COLLATE "C" NOT NULL,
    tariff_zone      text COLLATE "C" NOT NULL,
    rule             text COLLATE "C" NOT NULL,
    kind             text COLLATE "C" NOT NULL,
    stays            bigint NOT NULL,
    priced_fen       bigint NOT NULL,
    charged_fen      bigint NOT NULL,
    open_fen         bigint NOT NULL,
    captured_fen     bigint NOT NULL,
    refunded_fen     bigint NOT NULL,
    charged_back_fen bigint NOT NULL,
    PRIMARY KEY (day, version, tariff_zone, rule, kind)
);
"""

OF_SESSIONS = frozenset(
    {*PRICED, SessionPrepaymentAsked.TOPIC, SessionDisputeDecided.TOPIC, SessionVoided.TOPIC}
)
OF_CLAIMS = "SELECT claim_id, subject FROM claims WHERE claim_id = ANY($1)"
KNOWN = "SELECT subject, state FROM subjects WHERE subject = ANY($1)"
NAME = """
INSERT INTO claims (claim_id, subject) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT DO NOTHING
"""
KEEP = """
INSERT INTO subjects (subject, state) SELECT * FROM unnest($1::text[], $2::json[])
ON CONFLICT (subject) DO UPDATE SET state = excluded.state
"""
ADD = """
INSERT INTO days AS d
SELECT * FROM unnest($1::date[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
ON CONFLICT (day, version, tariff_zone, rule, kind) DO UPDATE SET
    stays = d.stays + excluded.stays,
    priced_fen = d.priced_fen + excluded.priced_fen,
    charged_fen = d.charged_fen + excluded.charged_fen,
    open_fen = d.open_fen + excluded.open_fen,
    captured_fen = d.captured_fen + excluded.captured_fen,
    refunded_fen = d.refunded_fen + excluded.refunded_fen,
    charged_back_fen = d.charged_back_fen + excluded.charged_back_fen
"""
CLEAR = """
DELETE FROM days WHERE day = ANY($1) AND stays = 0
    AND (priced_fen, charged_fen, open_fen) = (0, 0, 0)
    AND (captured_fen, refunded_fen, charged_back_fen) = (0, 0, 0)
"""


class RevenueSums(BaseModel):
    """What stays came to, and what was paid. All in fen."""

    priced_fen: int = Field(description="what the stays cost by their prices, held ones as well")
    charged_fen: int = Field(description="what is owed for them now, paid or not")
    open_fen: int = Field(description="what of it is not paid now")
    captured_fen: int = Field(description="what came in on this day, whatever it was for")
    refunded_fen: int = Field(description="what went back on this day")
    charged_back_fen: int = Field(description="what payers' banks took back on this day")


class RevenueRow(RevenueSums):
    """A line of the tariff on a day of the city."""

    day: date
    version: str | None = Field(description="of the tariff; null where none decided")
    tariff_zone: str | None
    rule: str | None
    kind: str = Field(description="`parking`, `idle`, `reservation`, or `stray`: paid for no stay")
    stays: int = Field(description="stays that began on this day and have this line")


class ParkingRevenue:
    """The read model `parking_revenue`."""

    name = "parking_revenue"
    version = 5
    topics = OF_SESSIONS | TOPICS
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Take each event in the order of the log; days get what has changed."""
        subjects = await _subjects(connection, events)
        rows = await connection.fetch(KNOWN, list(set(subjects.values())))
        earnings = {
            row["subject"]: _earning(row["subject"], orjson.loads(row["state"])) for row in rows
        }
        changed: Sums = Sums()
        for earning in earnings.values():
            changed.subtract(earning.standing())
        for event in events:
            subject = subjects[event.stream_id]
            earning = earnings.setdefault(subject, Earning(subject))
            changed.update(_take(earning, event))
        for earning in earnings.values():
            changed.update(earning.standing())
        kept = [(subject, _state(earning)) for subject, earning in earnings.items()]
        await connection.execute(KEEP, *columns_of(kept))
        await _add(connection, changed)


async def _subjects(
    connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
) -> dict[str, str]:
    """What each stream of a batch is about: a claim its subject, a session itself."""
    raised = {
        event.stream_id: event.data["subject"]
        for event in events
        if event.topic == ClaimRaised.TOPIC
    }
    if raised:
        await connection.execute(NAME, list(raised), list(raised.values()))
    of_claims = {event.stream_id for event in events if event.topic in TOPICS} - set(raised)
    rows = await connection.fetch(OF_CLAIMS, list(of_claims)) if of_claims else []
    known = {row["claim_id"]: row["subject"] for row in rows}
    return {event.stream_id: event.stream_id for event in events} | known | raised


def _take(earning: Earning, event: RecordedEvent) -> Sums:
    """What moved by an event, once it is folded."""
    if event.topic in OF_SESSIONS:
        earning.note(event.topic, event.data)
        return Sums()
    if event.topic == ClaimRaised.TOPIC:
        on = city_day(event.data["timestamp"])
        earning.claims[event.stream_id] = EarningClaim(empty_claim(), on)
    fold(earning.claims[event.stream_id].claim, event)
    return earning.money(event.stream_id, event.topic, event.data)


async def _add(connection: "asyncpg.Connection[Any]", changed: Sums) -> None:
    """Add what has changed to its days; a line of which nothing is left goes."""
    lines: dict[tuple[Any, ...], dict[Measure, int]] = {}
    for (day, line, measure), amount in changed.items():
        if amount:
            lines.setdefault((day, *line), {})[measure] = amount
    if lines:
        rows = [
            (*key, *(amounts.get(each, 0) for each in Measure)) for key, amounts in lines.items()
        ]
        await connection.execute(ADD, *columns_of(rows))
        await connection.execute(CLEAR, list({key[0] for key in lines}))


def _state(earning: Earning) -> str:
    """An earning as plain values."""
    state = {
        "day": earning.day,
        "stays": earning.stays,
        "lines": _plain(earning.lines),
        "claims": {
            claim_id: {
                "claim": vars(each.claim),
                "raised_on": each.raised_on,
                "kept": _plain(each.kept),
            }
            for claim_id, each in earning.claims.items()
        },
    }
    return orjson.dumps(state).decode()


def _earning(subject: str, state: dict[str, Any]) -> Earning:
    """The earning that `_state` wrote."""
    claims = {
        claim_id: EarningClaim(
            claim_from(each["claim"]), date.fromisoformat(each["raised_on"]), _lines(each["kept"])
        )
        for claim_id, each in state["claims"].items()
    }
    day = None if state["day"] is None else date.fromisoformat(state["day"])
    return Earning(subject, day, state["stays"], _lines(state["lines"]), claims)


def _plain(lines: Lines) -> list[list[Any]]:
    return [[*line, fen] for line, fen in lines.items()]


def _lines(plain: list[list[Any]]) -> Lines:
    return {TariffLine(*line): fen for *line, fen in plain}


ROWS = """
SELECT day, nullif(version, '') AS version, nullif(tariff_zone, '') AS tariff_zone,
       nullif(rule, '') AS rule, kind, stays, priced_fen, charged_fen, open_fen, captured_fen,
       refunded_fen, charged_back_fen
FROM parking_revenue.days WHERE day >= $1 AND day <= $2
ORDER BY day, version, tariff_zone, rule, kind
"""


async def rows(pool: Pool, since: date, until: date) -> list[RevenueRow]:
    """The lines of these days, both included."""
    return [RevenueRow.model_validate(row) for row in await fetch(pool, ROWS, since, until)]


def summed(rows: Sequence[RevenueSums]) -> RevenueSums:
    """What lines come to."""
    names = RevenueSums.model_fields
    return RevenueSums(**{name: sum(getattr(row, name) for row in rows) for name in names})
