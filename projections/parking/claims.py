"""Claims of parking, one row each: what is owed, paid and open, and what a desk has to see to.

A claim is folded here as its stream folds it (`citybrain.domain.parking.claim`), so what is paid
and what is open is said once. What was open from when to when is kept beside it: a question as of
a moment has the same answer whenever it is asked.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel

from citybrain.columns import columns as columns_of
from citybrain.domain.parking.claim import Claim, ClaimStatus
from citybrain.domain.parking.claim_events import ClaimRaised
from citybrain.domain.parking.receipts import receipts
from citybrain.eventstore import RecordedEvent
from projections.parking.claim_folding import TOPICS, claim_from, empty_claim, fold
from projections.reading import Pool, Row, columns, fetch, fetch_planned

TABLES = """
CREATE TABLE subjects (
    subject   text COLLATE "C" PRIMARY KEY,
    area_id   text COLLATE "C",
    simulated boolean NOT NULL
);
CREATE TABLE claims (
    claim_id        text COLLATE "C" PRIMARY KEY,
    subject         text COLLATE "C" NOT NULL,
    area_id         text COLLATE "C",
    citizen_id      text COLLATE "C",
    plate_id        text COLLATE "C",
    status          text COLLATE "C" NOT NULL,
    amount_fen      bigint NOT NULL,
    paid_fen        bigint NOT NULL,
    open_fen        bigint NOT NULL,
    due_at          timestamptz NOT NULL,
    raised_at       timestamptz NOT NULL,
    suspended_for   text COLLATE "C",
    mismatched      boolean NOT NULL,
    charged_back    boolean NOT NULL,
    loss_fen        bigint NOT NULL,
    undelivered_fen bigint NOT NULL,
    proposals       jsonb NOT NULL,
    payments        jsonb NOT NULL,
    receipts        jsonb NOT NULL,
    simulated       boolean NOT NULL,
    state           json NOT NULL
);
CREATE INDEX ON claims (due_at, claim_id);
CREATE INDEX ON claims (due_at, claim_id) WHERE open_fen > 0;
CREATE INDEX ON claims (citizen_id, due_at, claim_id) WHERE citizen_id IS NOT NULL;
CREATE INDEX ON claims (plate_id, due_at, claim_id) WHERE plate_id IS NOT NULL;
CREATE INDEX ON claims (due_at, claim_id) WHERE loss_fen > 0;
CREATE INDEX ON claims (due_at, claim_id) WHERE mismatched;
CREATE INDEX ON claims (due_at, claim_id) WHERE undelivered_fen > 0;
CREATE INDEX ON claims (due_at, claim_id) WHERE proposals <> '[]';
CREATE TABLE debts (
    claim_id  text COLLATE "C" NOT NULL,
    from_at   timestamptz NOT NULL,
    until_at  timestamptz,
    area_id   text COLLATE "C",
    debtor    text COLLATE "C" NOT NULL,
    due_at    timestamptz NOT NULL,
    open_fen  bigint NOT NULL,
    suspended boolean NOT NULL,
    PRIMARY KEY (claim_id, from_at)
);
CREATE INDEX ON debts (until_at);
"""

OPENED = "parking.opened"
COLUMNS = (
    "claim_id",
    "subject",
    "area_id",
    "citizen_id",
    "plate_id",
    "status",
    "amount_fen",
    "paid_fen",
    "open_fen",
    "due_at",
    "raised_at",
    "suspended_for",
    "mismatched",
    "charged_back",
    "loss_fen",
    "undelivered_fen",
    "proposals",
    "payments",
    "receipts",
    "simulated",
    "state",
)
SPAN_COLUMNS = (
    "claim_id",
    "from_at",
    "until_at",
    "area_id",
    "debtor",
    "due_at",
    "open_fen",
    "suspended",
)
OPEN = """
INSERT INTO subjects (subject, area_id, simulated)
SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[]) ON CONFLICT DO NOTHING
"""
NAMED = "SELECT * FROM subjects WHERE subject = ANY($1)"
KNOWN = "SELECT claim_id, state FROM claims WHERE claim_id = ANY($1)"
DROP = "DELETE FROM claims WHERE claim_id = ANY($1)"
DROP_SPANS = "DELETE FROM debts WHERE claim_id = ANY($1)"


class ClaimPayment(BaseModel):
    """A payment of a claim."""

    payment_id: str
    channel: str
    amount_fen: int
    state: str
    settled_at: AwareDatetime | None
    charged_back_fen: int
    until: AwareDatetime | None
    lapsed: bool


class ReceiptRow(BaseModel):
    """A receipt, or a note of what goes back; its number is the payment's or refund's own."""

    kind: str
    number: str
    amount_fen: int
    at: AwareDatetime | None
    of: str | None
    why: str | None
    state: str


class ProposalRow(BaseModel):
    """A refund or write-off that waits for a second person."""

    proposal_id: str
    kind: str
    by_fen: int
    reason: str
    proposed_by: str


class ClaimRow(BaseModel):
    """What is owed for one decision, and where its money is."""

    claim_id: str
    subject: str
    area_id: str | None
    status: ClaimStatus
    amount_fen: int
    paid_fen: int
    open_fen: int
    due_at: AwareDatetime
    raised_at: AwareDatetime
    suspended_for: str | None
    mismatched: bool
    charged_back: bool
    loss_fen: int
    undelivered_fen: int
    proposals: list[ProposalRow]
    payments: list[ClaimPayment]
    receipts: list[ReceiptRow]
    simulated: bool


class _Folding:
    """A claim as far as its events went, and what was open of it from when on."""

    def __init__(self, claim_id: str, state: dict[str, Any] | None = None) -> None:
        self.claim_id = claim_id
        self.claim: Claim = empty_claim() if state is None else claim_from(state["claim"])
        self.spans: list[list[Any]] = []
        self.raised_at: datetime | None = None
        if state is not None:
            self.spans = state["spans"]
            self.raised_at = datetime.fromisoformat(state["raised_at"])

    def take(self, event: RecordedEvent) -> None:
        """Fold one more event."""
        claim, data = self.claim, event.data
        fold(claim, event)
        if event.topic == ClaimRaised.TOPIC:
            self.raised_at = data["timestamp"]
        now = [_iso(claim.due_at), claim.open_fen, claim.suspended_for is not None]
        if not self.spans or self.spans[-1][1:] != now:
            self.spans.append([_iso(data["timestamp"]), *now])

    def row(self, named: dict[str, Any]) -> tuple[Any, ...]:
        """The row that it comes to."""
        claim = self.claim
        area_id, simulated = named.get(claim.subject, (None, False))
        return (
            self.claim_id,
            claim.subject,
            area_id,
            claim.citizen_id,
            claim.plate_id,
            claim.status.value,
            claim.amount_fen,
            claim.paid_fen,
            claim.open_fen,
            claim.due_at,
            self.raised_at,
            claim.suspended_for,
            claim.held,
            claim.charged_back,
            claim.loss_fen,
            claim.undelivered_fen,
            _json(list(claim.proposals.values())),
            _json(list(claim.payments.values())),
            _json(receipts(claim)),
            simulated,
            _json({"claim": vars(claim), "spans": self.spans, "raised_at": self.raised_at}),
        )

    def debts(self, named: dict[str, Any]) -> list[tuple[Any, ...]]:
        """What was open from when to when."""
        claim = self.claim
        area_id, _ = named.get(claim.subject, (None, False))
        debtor = claim.citizen_id or claim.plate_id or claim.subject
        ends = [datetime.fromisoformat(span[0]) for span in self.spans]
        found = []
        for place, (_, due_at, open_fen, suspended) in enumerate(self.spans):
            begins = ends[place]
            until = ends[place + 1] if place + 1 < len(ends) else None
            if open_fen and begins != until:
                due = datetime.fromisoformat(due_at)
                found.append(
                    (self.claim_id, begins, until, area_id, debtor, due, open_fen, suspended)
                )
        return found


class ParkingClaims:
    """The read model `parking_claims`."""

    name = "parking_claims"
    version = 3
    topics = frozenset({OPENED, *TOPICS})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the events of each claim onto what is known of it; its session came before."""
        opened = [
            (event.stream_id, event.data["area_id"], event.data["simulated"])
            for event in events
            if event.topic == OPENED
        ]
        if opened:
            await connection.execute(OPEN, *columns_of(opened))
        of_claims = [event for event in events if event.topic != OPENED]
        if not of_claims:
            return
        ids = list({event.stream_id for event in of_claims})
        rows = await connection.fetch(KNOWN, ids)
        known = {
            row["claim_id"]: _Folding(row["claim_id"], orjson.loads(row["state"])) for row in rows
        }
        for event in of_claims:
            known.setdefault(event.stream_id, _Folding(event.stream_id)).take(event)
        if rows:
            await connection.execute(DROP, list(known))
            await connection.execute(DROP_SPANS, list(known))
        subjects = await connection.fetch(NAMED, [each.claim.subject for each in known.values()])
        named = {row["subject"]: (row["area_id"], row["simulated"]) for row in subjects}
        records = [each.row(named) for each in known.values()]
        await connection.copy_records_to_table("claims", records=records, columns=COLUMNS)
        spans = [span for each in known.values() for span in each.debts(named)]
        await connection.copy_records_to_table("debts", records=spans, columns=SPAN_COLUMNS)


def _iso(at: datetime) -> str:
    return at.isoformat()


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


Desk = Literal["collections", "losses", "mismatches", "refunds", "second-person"]
"""What an officer looks through: what may be collected, what was lost, messages that do not fit,
refunds that could not be made, what waits for a second person."""
Order = Literal["newest", "oldest"]
After = tuple[datetime, str] | None

SHOWN = f"{columns(ClaimRow)}, citizen_id, plate_id"
DESKS = {
    "collections": "open_fen > 0 AND suspended_for IS NULL AND NOT mismatched",
    "losses": "loss_fen > 0",
    "mismatches": "mismatched",
    "refunds": "undelivered_fen > 0",
    "second-person": "proposals <> '[]'",
    None: "true",
}
DIRECTIONS: dict[Order, tuple[str, str]] = {"newest": ("<", "DESC"), "oldest": (">", "ASC")}


def _page(wanted: str, order: Order) -> str:
    """One of the statements of the lists: the parts are constants of this module."""
    beyond, direction = DIRECTIONS[order]
    return f"""
SELECT {SHOWN} FROM parking_claims.claims
WHERE {wanted}
  AND ($1::text IS NULL OR status = $1)
  AND ($2::text IS NULL OR subject = $2)
  AND ($3::text IS NULL OR citizen_id = $3)
  AND ($4::timestamptz IS NULL OR (due_at, claim_id) {beyond} ($4, $5::text))
ORDER BY due_at {direction}, claim_id {direction} LIMIT $6
"""  # noqa: S608


PAGES = {
    (desk, order): _page(wanted, order) for desk, wanted in DESKS.items() for order in DIRECTIONS
}
ONE = f"SELECT {SHOWN} FROM parking_claims.claims WHERE claim_id = $1"  # noqa: S608


def _debts(whose: str) -> str:
    """What is open of somebody or something, and what was asked to be paid under an id."""
    return f"""
SELECT {SHOWN} FROM parking_claims.claims
WHERE {whose} = $1
  AND (open_fen > 0 OR payments @> jsonb_build_array(jsonb_build_object('request_id', $2::text)))
ORDER BY due_at, claim_id LIMIT $3
"""  # noqa: S608


OF_PLATE, OF_CITIZEN = _debts("plate_id"), _debts("citizen_id")


async def page(
    pool: Pool,
    *,
    desk: Desk | None = None,
    status: str | None = None,
    subject: str | None = None,
    citizen_id: str | None = None,
    order: Order = "newest",
    after: After = None,
    limit: int,
) -> list[Row]:
    """Claims that fit, by when they are due."""
    at, claim_id = after or (None, None)
    rows = await fetch_planned(
        pool, PAGES[desk, order], status, subject, citizen_id, at, claim_id, limit
    )
    return [_read_row(row) for row in rows]


async def one(pool: Pool, claim_id: str) -> Row | None:
    """One claim."""
    rows = await fetch(pool, ONE, claim_id)
    return _read_row(rows[0]) if rows else None


async def debts_of_plate(
    pool: Pool, plate_id: str, request_id: str | None, limit: int
) -> list[Row]:
    """What is open of a vehicle, the earliest due first; and what `request_id` asked to pay."""
    return [_read_row(row) for row in await fetch(pool, OF_PLATE, plate_id, request_id, limit)]


async def debts_of_citizen(
    pool: Pool, citizen_id: str, request_id: str | None, limit: int
) -> list[Row]:
    """What is open of a citizen, the earliest due first; and what `request_id` asked to pay."""
    return [_read_row(row) for row in await fetch(pool, OF_CITIZEN, citizen_id, request_id, limit)]


def _read_row(row: Row) -> Row:
    for name in ("proposals", "payments", "receipts"):
        row[name] = orjson.loads(row[name])
    return row
