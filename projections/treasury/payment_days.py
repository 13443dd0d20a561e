"""Payments by the city's day: told, made, refused, open; and how the bank's statement compares.

What was told and what is open count on the day of the instruction, what was made or refused on the
day on which the bank did it, by its receipt, or else on which we heard of it. What was refused and
made after all counts as both: a bank may try again.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import orjson
from pydantic import BaseModel, Field

from citybrain.city_day import city_day
from citybrain.columns import columns as in_columns
from citybrain.domain.payment_steps import Stage, booked_at
from citybrain.domain.treasury.payment_steps import PAYMENT_STEPS
from citybrain.domain.treasury.reconciliation import ReconciliationCompared
from citybrain.eventstore import RecordedEvent
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE payments (
    payment_id text COLLATE "C" PRIMARY KEY,
    day        date NOT NULL,
    amount_fen bigint NOT NULL
);
CREATE TABLE counts (
    day      date NOT NULL,
    what     text COLLATE "C" NOT NULL,
    payments bigint NOT NULL,
    fen      numeric NOT NULL,
    PRIMARY KEY (day, what)
);
CREATE TABLE compared (
    day            date PRIMARY KEY,
    compared_at    timestamptz NOT NULL,
    payments       bigint NOT NULL,
    fen            bigint NOT NULL,
    bank_payments  bigint NOT NULL,
    bank_fen       bigint NOT NULL,
    difference_fen bigint NOT NULL,
    differences    bigint NOT NULL,
    differing      jsonb NOT NULL
);
"""

TAKE = """
DELETE FROM payments WHERE payment_id = ANY($1) RETURNING payment_id, day, amount_fen
"""
KEEP = """
INSERT INTO payments (payment_id, day, amount_fen)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[])
"""
ADD = """
INSERT INTO counts AS c (day, what, payments, fen)
SELECT * FROM unnest($1::date[], $2::text[], $3::bigint[], $4::numeric[])
ON CONFLICT (day, what)
DO UPDATE SET payments = c.payments + excluded.payments, fen = c.fen + excluded.fen
"""
COMPARE = """
INSERT INTO compared VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (day) DO UPDATE SET compared_at = excluded.compared_at, payments = excluded.payments,
    fen = excluded.fen, bank_payments = excluded.bank_payments, bank_fen = excluded.bank_fen,
    difference_fen = excluded.difference_fen, differences = excluded.differences,
    differing = excluded.differing
"""

COMPARED = ReconciliationCompared.TOPIC
OPEN = "open"

Open = dict[str, tuple[date, int]]
"""Payments that the bank has not ended: their day, and what they come to."""


class PaymentDays:
    """The read model `payment_days`. It keeps what is open; what has ended is counted only."""

    name = "payment_days"
    version = 1
    topics = frozenset(PAYMENT_STEPS) | {COMPARED}
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch to its days."""
        steps = [event for event in events if event.topic in PAYMENT_STEPS]
        under_way = await _ending(connection, steps)
        payments: Counter[tuple[date, str]] = Counter()
        fen: Counter[tuple[date, str]] = Counter()
        for event in steps:
            for day, what, count, amount_fen in _counted(event, under_way):
                payments[day, what] += count
                fen[day, what] += amount_fen
        if payments:
            counts = [(*key, count, fen[key]) for key, count in payments.items()]
            await connection.execute(ADD, *in_columns(counts))
        if under_way:
            rows = ((payment_id, *open_) for payment_id, open_ in under_way.items())
            await connection.execute(KEEP, *in_columns(rows))
        compared = {event.stream_id: event for event in events if event.topic == COMPARED}
        if compared:
            await connection.executemany(COMPARE, [_compared(each) for each in compared.values()])


async def _ending(connection: "asyncpg.Connection[Any]", steps: Sequence[RecordedEvent]) -> Open:
    """Those that were open before the batch and end in it; they are kept no longer."""
    begun = {each.data["payment_id"] for each in steps if _stage(each) is Stage.INSTRUCTED}
    ids = [
        each.data["payment_id"]
        for each in steps
        if _stage(each) is not Stage.INSTRUCTED and each.data["payment_id"] not in begun
    ]
    rows = await connection.fetch(TAKE, ids) if ids else []
    return {row["payment_id"]: (row["day"], row["amount_fen"]) for row in rows}


def _stage(event: RecordedEvent) -> Stage:
    return PAYMENT_STEPS[event.topic].stage


def _counted(event: RecordedEvent, under_way: Open) -> list[tuple[date, str, int, int]]:
    """What an event adds to its days; `under_way` is kept with it."""
    stage, data = _stage(event), event.data
    payment_id, heard_on = data["payment_id"], city_day(data["timestamp"])
    if stage is Stage.INSTRUCTED:
        amount_fen = _fen(data["amount_fen"])
        under_way[payment_id] = heard_on, amount_fen
        return [(heard_on, stage.value, 1, amount_fen), (heard_on, OPEN, 1, amount_fen)]
    open_ = under_way.pop(payment_id, None)  # none where the bank did it by itself, or again
    at = booked_at(data)
    ended_on = heard_on if at is None else city_day(at)
    if stage is Stage.FAILED:
        moved_fen = open_[1] if open_ else 0
    else:
        stage, moved_fen = Stage.CONFIRMED, _fen(data["amount_fen"])
    ended = (ended_on, stage.value, 1, moved_fen)
    return [ended] if open_ is None else [(open_[0], OPEN, -1, -open_[1]), ended]


def _fen(amount: Any) -> int:
    """An amount; none of what was instructed before amounts were checked, and was none."""
    return amount if type(amount) is int else 0


def _compared(event: RecordedEvent) -> tuple[Any, ...]:
    data = event.data
    return (
        date.fromisoformat(data["day"]),
        data["timestamp"],
        data["payments"],
        data["fen"],
        data["bank_payments"],
        data["bank_fen"],
        data["difference_fen"],
        data["differences"],
        orjson.dumps(data["differing"]).decode(),
    )


# --- row and questions --------------------------------------------------------------------


class Moved(BaseModel):
    """Payments, and what they come to."""

    payments: int
    fen: int


class DifferingPayment(BaseModel):
    """A payment that differs: what each side says was moved."""

    payment_id: str
    reference: str | None = Field(description="the stream that told the bank")
    finding: str
    ours_fen: int
    bank_fen: int


class ComparedDay(BaseModel):
    """How the bank's statement of a day compared with our payments of that day."""

    compared_at: datetime
    ours: Moved = Field(description="made on that day, by the bank's receipts")
    bank: Moved = Field(description="made on that day, by its statement")
    difference_fen: int = Field(description="what the bank moved beyond what we know of")
    differences: int = Field(description="payments that differ")
    differing: list[DifferingPayment] = Field(description="those, at most 200 of them")


class PaymentDay(BaseModel):
    """A day's payments."""

    day: date
    instructed: Moved = Field(description="the bank was told on this day")
    confirmed: Moved = Field(description="the bank made them on this day")
    failed: Moved = Field(description="the bank refused them on this day")
    open: Moved = Field(description="told on this day, and not ended yet")
    compared: ComparedDay | None = Field(description="the last comparison; none where absent")


DAYS = """
SELECT coalesce(n.day, c.day) AS day, n.counts::text AS counts, c.day IS NOT NULL AS is_compared,
       c.compared_at, c.payments, c.fen, c.bank_payments, c.bank_fen, c.difference_fen,
       c.differences, c.differing::text AS differing
FROM (
    SELECT day, jsonb_object_agg(what, jsonb_build_array(payments, fen)) AS counts
    FROM payment_days.counts WHERE day BETWEEN $1 AND $2 GROUP BY day
) n FULL JOIN (
    SELECT * FROM payment_days.compared WHERE day BETWEEN $1 AND $2
) c USING (day) ORDER BY 1
"""


async def days(pool: Pool, *, since: date, until: date) -> list[PaymentDay]:
    """Payments by the city's day, those days that have any or were compared."""
    return [_day(row) for row in await fetch(pool, DAYS, since, until)]


def _day(row: Row) -> PaymentDay:
    counts = orjson.loads(row["counts"] or "{}")
    moved = {
        what: Moved(payments=number, fen=fen)
        for what in ("instructed", "confirmed", "failed", OPEN)
        for number, fen in [counts.get(what, (0, 0))]
    }
    compared = None
    if row["is_compared"]:
        compared = ComparedDay(
            compared_at=row["compared_at"],
            ours=Moved(payments=row["payments"], fen=row["fen"]),
            bank=Moved(payments=row["bank_payments"], fen=row["bank_fen"]),
            difference_fen=row["difference_fen"],
            differences=row["differences"],
            differing=orjson.loads(row["differing"]),
        )
    return PaymentDay(day=row["day"], compared=compared, **moved)
