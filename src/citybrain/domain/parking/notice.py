"""A debt whose debtor nobody knows is made public: a legal notice, by two officers, with an end.

Stream `parking_notice-<id>`, one for each claim. It says what it says and nothing else: never where
or when the vehicle stood. It is shown as long as it lasts and the debt is open. The topics below
are the storage format: never rename one. The plate is sealed with a key of its own.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.actor import Actor, RoleNotAllowed
from citybrain.domain.parking.claim import CATEGORY as CLAIM
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.looking import DECIDERS, Part
from citybrain.domain.parking.refusals import NotApartInParking
from citybrain.domain.parking.rules import ParkingRules
from citybrain.domain.separation import check_apart
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.errors import InvalidInput, Refused

CATEGORY = "parking_notice"


class NoticeStatus(StrEnum):
    """Where a notice is: folded here and imported by whatever shows it."""

    PROPOSED = "proposed"
    PUBLISHED = "published"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class NoticeReason(StrEnum):
    """Why it is made public."""

    DEBTOR_UNKNOWN = "debtor-unknown"
    COURT_ORDER = "court-order"


class NoticeSays(StrEnum):
    """What a notice may say."""

    PLATE = "plate"
    AMOUNT = "amount"
    DUE_DAY = "due-day"


class NoticeEnd(StrEnum):
    """Why an officer takes one back, or does not agree."""

    PAID = "paid"
    DEBTOR_FOUND = "debtor-found"
    MISTAKE = "mistake"
    NOT_NEEDED = "not-needed"


# --- events -------------------------------------------------------------------------------


class NoticeOpened(StreamCreated):
    """Somebody thinks of making a debt public."""

    TOPIC: ClassVar[str] = "parking.notice_opened"
    claim_id: str


class NoticeProposed(StreamEvent):
    """An officer proposes it, until `until`; a second person decides."""

    TOPIC: ClassVar[str] = "parking.notice_proposed"
    reason: str
    says: list[str]
    until: datetime
    amount_fen: int
    due_at: datetime
    plate: dict[str, Any] | None
    proposed_by: str
    rules_version: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = NoticeStatus.PROPOSED
        aggregate.until, aggregate.proposed_by = self.until, self.proposed_by


class NoticePublished(StreamEvent):
    """A second person agrees: it is public from now on."""

    TOPIC: ClassVar[str] = "parking.notice_published"
    published_by: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = NoticeStatus.PUBLISHED


class NoticeDenied(StreamEvent):
    """A second person does not agree."""

    TOPIC: ClassVar[str] = "parking.notice_denied"
    denied_by: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = NoticeStatus.DENIED


class NoticeWithdrawn(StreamEvent):
    """An officer takes it back: it is not public any more."""

    TOPIC: ClassVar[str] = "parking.notice_withdrawn"
    withdrawn_by: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = NoticeStatus.WITHDRAWN


# --- refusals -----------------------------------------------------------------------------


class NoticeNotAllowed(Refused):
    """This debt is not made public; `why` says why not."""

    code = "parking-notice-not-allowed"


class NoticeOutOfStep(Refused):
    """As the notice stands this cannot be done; `status` says how it stands."""

    code = "parking-notice-out-of-step"


class NoticeTooLong(InvalidInput):
    """A notice ends, and not later than the rules allow."""

    code = "parking-notice-too-long"


# --- state and decisions ------------------------------------------------------------------


class ParkingNotice(StreamAggregate):
    """Whether one debt is public, and what is said of it."""

    TOPIC: ClassVar[str] = "parking_notice"
    category: ClassVar[str] = CATEGORY
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (
        NoticeOpened,
        NoticeProposed,
        NoticePublished,
        NoticeDenied,
        NoticeWithdrawn,
    )

    def __init__(self, claim_id: str) -> None:
        self.claim_id = claim_id
        self.status: NoticeStatus | None = None
        self.until: datetime | None = None
        self.proposed_by: str | None = None

    @classmethod
    def open(cls, now: datetime, claim_id: str) -> "ParkingNotice":
        """Nothing is proposed yet."""
        return cls._create(NoticeOpened, id=notice_id(claim_id), timestamp=now, claim_id=claim_id)

    def is_public(self, now: datetime) -> bool:
        """Whether it is shown, as far as it goes by the notice."""
        return self.status == NoticeStatus.PUBLISHED and self.until is not None and now < self.until

    def propose(
        self,
        actor: Actor,
        now: datetime,
        *,
        claim: Claim,
        reason: NoticeReason,
        says: Collection[NoticeSays],
        until: datetime,
        plate: dict[str, Any] | None,
        rules: ParkingRules,
        departments: Collection[str],
    ) -> None:
        """An officer proposes to make it public; `plate` is sealed.

        Raises `RoleNotAllowed`, `NoticeOutOfStep`, `NoticeNotAllowed`, `NoticeTooLong`.
        """
        check_officer(actor, departments)
        if self.status == NoticeStatus.PROPOSED or self.is_public(now):
            raise NoticeOutOfStep("one is proposed or public already", status=self.status)
        check_may_be_public(claim, now, rules)
        if NoticeSays.PLATE in says and plate is None:
            raise NoticeNotAllowed("no whole plate is known of it", why="plate-not-known")
        if not now < until <= now + rules.notice_most:
            days = rules.notice_most // timedelta(days=1)
            raise NoticeTooLong(f"a notice ends within {days} days", most_days=days)
        self.trigger_event(
            NoticeProposed,
            timestamp=now,
            reason=reason.value,
            says=sorted({each.value for each in says}),
            until=until,
            amount_fen=claim.open_fen,
            due_at=claim.due_at,
            plate=plate if NoticeSays.PLATE in says else None,
            proposed_by=actor.subject,
            rules_version=rules.version,
        )

    def publish(
        self,
        actor: Actor,
        now: datetime,
        *,
        claim: Claim,
        rules: ParkingRules,
        departments: Collection[str],
    ) -> None:
        """A second officer agrees; raises as `propose`, and `NotApartInParking`."""
        self._check_second(actor, departments)
        check_may_be_public(claim, now, rules)
        self.trigger_event(NoticePublished, timestamp=now, published_by=actor.subject)

    def deny(
        self, actor: Actor, now: datetime, *, reason: NoticeEnd, departments: Collection[str]
    ) -> None:
        """A second officer does not agree."""
        self._check_second(actor, departments)
        self.trigger_event(
            NoticeDenied, timestamp=now, denied_by=actor.subject, reason=reason.value
        )

    def withdraw(
        self, actor: Actor, now: datetime, *, reason: NoticeEnd, departments: Collection[str]
    ) -> None:
        """Any officer takes it back at once, also their own proposal."""
        check_officer(actor, departments)
        if self.status not in (NoticeStatus.PROPOSED, NoticeStatus.PUBLISHED):
            raise NoticeOutOfStep("nothing is proposed or public", status=self.status)
        self.trigger_event(
            NoticeWithdrawn, timestamp=now, withdrawn_by=actor.subject, reason=reason.value
        )

    def _check_second(self, actor: Actor, departments: Collection[str]) -> None:
        check_officer(actor, departments)
        if self.status != NoticeStatus.PROPOSED:
            raise NoticeOutOfStep("nothing is proposed", status=self.status)
        check_apart(actor, {Part.PROPOSED: [self.proposed_by or ""]}, NotApartInParking)


def check_officer(actor: Actor, departments: Collection[str]) -> None:
    """Raise unless an officer of parking acts."""
    if not actor.has(*DECIDERS) or actor.department not in departments:
        raise RoleNotAllowed("this is decided by officers of the department of parking")


def check_may_be_public(claim: Claim, now: datetime, rules: ParkingRules) -> None:
    """Raise `NoticeNotAllowed` unless it is long due, undisputed, and nobody can be told of it."""
    why = None
    if claim.citizen_id is not None:
        why = "debtor-known"
    elif not claim.may_be_collected:
        why = "nothing-to-collect"
    elif now < claim.due_at + rules.overdue_after:
        why = "not-long-due"
    if why is not None:
        raise NoticeNotAllowed("this debt is not made public", why=why)


def notice_id(claim_id: str) -> str:
    """The stream of the notice of a claim."""
    return f"{CATEGORY}-{claim_id.removeprefix(f'{CLAIM}-')}"
