"""Reconciliations: what a comparison of our payments with the bank's statement of a day found.

Stream `reconciliation-<day>`, one for each of the bank's days; compared again, it has another
event. Nobody is named: payments and streams by their ids. The topics below are the storage format.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, ClassVar, TypedDict

from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent

MOST_SHOWN = 200
"""Differences that an event lists; all of them are counted."""


class Differing(TypedDict):
    """One payment that differs: how, and what each side says was moved."""

    payment_id: str
    reference: str | None
    finding: str
    ours_fen: int
    bank_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a comparison found."""

    payments: int
    fen: int
    bank_payments: int
    bank_fen: int
    difference_fen: int
    differences: int
    differing: list[Differing]
    statement_sha256: str


# --- events -------------------------------------------------------------------------------


class ReconciliationBegun(StreamCreated):
    """A day's payments are compared for the first time."""

    TOPIC: ClassVar[str] = "reconciliation.begun"
    day: str


class ReconciliationCompared(StreamEvent):
    """Our payments, the bank's receipts and its statement of the day, compared to the fen.

    `difference_fen` is what the bank moved beyond what we know of; `statement_sha256` the digest
    of the signed pages.
    """

    TOPIC: ClassVar[str] = "reconciliation.compared"
    day: str
    payments: int
    fen: int
    bank_payments: int
    bank_fen: int
    difference_fen: int
    differences: int
    differing: list[Differing]
    statement_sha256: str

    def apply(self, aggregate: Any) -> None:
        aggregate.differences = self.differences


# --- state and decisions ------------------------------------------------------------------


class Reconciliation(StreamAggregate):
    """One day with the bank."""

    TOPIC: ClassVar[str] = "reconciliation"
    category: ClassVar[str] = "reconciliation"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (ReconciliationBegun, ReconciliationCompared)

    def __init__(self, day: str) -> None:
        self.day = day
        self.differences: int | None = None

    @classmethod
    def id_of(cls, day: date) -> str:
        """The stream of a day."""
        return f"{cls.category}-{day}"

    @classmethod
    def begin(cls, now: datetime, *, day: date) -> "Reconciliation":
        """Nothing has been compared yet."""
        return cls._create(ReconciliationBegun, id=cls.id_of(day), timestamp=now, day=str(day))

    @property
    def balanced(self) -> bool:
        """Whether the last comparison found no difference."""
        return self.differences == 0

    def compare(self, now: datetime, found: Compared) -> None:
        """Keep what was found, each time."""
        fields = asdict(found) | {"differing": shown(found.differing)}
        at = max(now, self.modified_on)
        self.trigger_event(ReconciliationCompared, timestamp=at, day=self.day, **fields)


def shown(differing: Sequence[Differing]) -> list[Differing]:
    """The differences that an event lists."""
    return list(differing[:MOST_SHOWN])
