"""The events of reviews: what officers decide, one alone or two together, and who was refused.

The topics below are the storage format: never rename one.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, TypedDict

from citybrain.city_day import city_day
from citybrain.domain.applications.event import ApplicationEvent
from citybrain.domain.applications.statuses import Status


class Proposal(TypedDict):
    """What a first reviewer wants, until a second has looked."""

    reviewer: str
    outcome: str
    reasons: list[str]
    amount_fen: int | None


class ApplicationReviewed(ApplicationEvent):
    """An officer decided; with a second where it takes two. The note is of the last of them.

    `amount_fen` is what is paid in all, `paid_fen` what had been paid of it before.
    """

    TOPIC: ClassVar[str] = "application.reviewed"
    outcome: str
    reasons: list[str]
    amount_fen: int | None
    reviewer: str
    note_sealed: str
    second_reviewer: str | None = None
    paid_fen: int = 0

    def note(self, aggregate: Any) -> None:
        aggregate.note_decision(self.timestamp, by_officer=True)
        aggregate.deciders = [self.reviewer, *filter(None, [self.second_reviewer])]
        aggregate.proposal = None


def stands_paid(topic: str, fields: Mapping[str, Any]) -> bool:
    """Whether what was paid is all that is paid: an appeal that was looked at moves no money."""
    paid_fen = fields.get("paid_fen") if topic == ApplicationReviewed.TOPIC else None
    return bool(paid_fen) and bool(paid_fen == fields["amount_fen"])


class ApplicationReviewProposed(ApplicationEvent):
    """A first reviewer's decision, which takes a second: `because` says why."""

    TOPIC: ClassVar[str] = "application.review_proposed"
    LEADS_TO = Status.AWAITING_SECOND
    outcome: str
    reasons: list[str]
    amount_fen: int | None
    reviewer: str
    because: list[str]
    note_sealed: str

    def note(self, aggregate: Any) -> None:
        aggregate.proposal = {
            "reviewer": self.reviewer,
            "outcome": self.outcome,
            "reasons": self.reasons,
            "amount_fen": self.amount_fen,
        }


class ApplicationProposalTurnedBack(ApplicationEvent):
    """The second reviewer does not agree: an officer decides anew."""

    TOPIC: ClassVar[str] = "application.proposal_turned_back"
    LEADS_TO = Status.REFERRED
    reviewer: str
    note_sealed: str

    def note(self, aggregate: Any) -> None:
        aggregate.proposal = None


class ApplicationReviewRefused(ApplicationEvent):
    """Somebody tried to decide who may not, or more than anybody may: for auditors. No step."""

    TOPIC: ClassVar[str] = "application.review_refused"
    who: str
    rule: str

    def note(self, aggregate: Any) -> None:
        day = str(city_day(self.timestamp))
        if aggregate.attempts_on != day:
            aggregate.attempts_on, aggregate.attempts = day, []
        aggregate.attempts.append([self.who, self.rule])


EVENTS: tuple[type[ApplicationEvent], ...] = (
    ApplicationReviewed,
    ApplicationReviewProposed,
    ApplicationProposalTurnedBack,
    ApplicationReviewRefused,
)
