"""The events of an application: what is stored of it.

The topics below are the storage format: never rename one. What the form, the records and the
officers' notes say is sealed with the applicant's own key; in clear are pseudonyms, digests, codes,
times and amounts.

Which status an event leads to, what it decides and what departments still owe after it is folded
here alone, for the aggregate and for every read model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.applications import (
    certificate_events,
    correction_events,
    document_events,
    message_events,
    review_events,
    task_events,
)
from citybrain.domain.applications.event import ApplicationEvent
from citybrain.domain.applications.review_events import ApplicationReviewed, stands_paid
from citybrain.domain.applications.statuses import Status
from citybrain.domain.payment_steps import PaymentStep, Stage
from citybrain.domain.stream import StreamCreated

NOT_CORRECTED = "not-corrected"


class ApplicationSubmitted(StreamCreated):
    """A citizen applies for a service item; `baseline` is what it took before.

    `guardian` is who applies for a child.
    """

    TOPIC: ClassVar[str] = "application.submitted"
    LEADS_TO: ClassVar[Status | None] = Status.SUBMITTED
    service: str
    item_version: str
    department: str
    citizen_id: str
    channel: str
    held_by: str
    form_sealed: str
    baseline: dict[str, int]
    pays: bool
    identity_due_at: datetime
    promised_at: datetime | None
    legal_due_on: str | None
    simulated: bool
    guardian: str | None = None

    def apply(self, aggregate: Any) -> None:
        aggregate.begin(self)


class ApplicationIdentityVerified(ApplicationEvent):
    """The applicant was identified for this service: by event `citizen_version` of their stream.

    `level` is how surely; blank in events of before levels.
    """

    TOPIC: ClassVar[str] = "application.identity_verified"
    LEADS_TO = Status.IDENTIFIED
    method: str
    citizen_version: int
    identified_at: datetime
    level: str = field(default="", kw_only=True)

    def note(self, aggregate: Any) -> None:
        aggregate.identified_by = self.citizen_version


class ApplicationEvidenceRequested(ApplicationEvent):
    """All departments are asked at once; each request has its id.

    `for_claim`: an officer has approved, and only what the money is drawn on has to be known.
    """

    TOPIC: ClassVar[str] = "application.evidence_requested"
    requests: list[dict[str, str]]
    due_at: datetime
    for_claim: bool = field(default=False, kw_only=True)

    def note(self, aggregate: Any) -> None:
        aggregate.requests = {request["material"]: request for request in self.requests}
        aggregate.requested_at = self.timestamp
        if aggregate.status == Status.APPROVED and aggregate.by_officer and not self.for_claim:
            aggregate.appeal_open = aggregate.appealed  # what a person has answered does not stand
        aggregate.evidence_due_at = self.due_at
        aggregate.evidence = {}
        aggregate.rounds += 1


class EvidenceEvent(ApplicationEvent):
    """What became of one request."""

    material: str
    department: str
    record: str
    request_id: str
    milliseconds: int
    attempts: int


class ApplicationEvidenceCollected(EvidenceEvent):
    """A department answered. `sha256` is the digest of its signed answer, which is sealed here."""

    TOPIC: ClassVar[str] = "application.evidence_collected"
    sha256: str
    key_id: str
    issued_at: datetime
    hedged: bool
    signed_sealed: str

    def note(self, aggregate: Any) -> None:
        aggregate.note_evidence(self.material, self.sha256)


class ApplicationEvidenceFailed(EvidenceEvent):
    """A department did not answer, or not as it must."""

    TOPIC: ClassVar[str] = "application.evidence_failed"
    reason: str

    def note(self, aggregate: Any) -> None:
        aggregate.note_evidence(self.material, None)


class ApplicationDecided(ApplicationEvent):
    """The rules decided on the records at hand. `findings` are by rule; values are sealed.

    `claim_id` was the one entitlement that a payout would be drawn on, before there were several;
    `computed_fen` is the amount that was found, even where the rules did not approve. `ruled_out`:
    they refused, and because an appeal was open an officer decides.
    """

    TOPIC: ClassVar[str] = "application.decided"
    outcome: str
    item_version: str
    decided_on: str
    parameters: dict[str, int]
    inputs: list[dict[str, str]]
    findings: dict[str, str]
    reasons: list[str]
    amount_fen: int | None
    claim_id: str | None
    steps_sealed: str
    computed_fen: int | None = None
    ruled_out: bool = field(default=False, kw_only=True)

    def note(self, aggregate: Any) -> None:
        found = self.amount_fen if self.computed_fen is None else self.computed_fen
        aggregate.computed_fen = found
        aggregate.claim_id = self.claim_id
        aggregate.ruled_out = aggregate.ruled_out or self.ruled_out
        aggregate.note_decision(self.timestamp, by_officer=False)


class ApplicationReferred(ApplicationEvent):
    """It could not go on by itself, for a reason that is none of the rules: an officer decides."""

    TOPIC: ClassVar[str] = "application.referred"
    reason: str


class ApplicationResumed(ApplicationEvent):
    """It had not moved within its time, and is taken up again where it stands."""

    TOPIC: ClassVar[str] = "application.resumed"
    status: str

    def note(self, aggregate: Any) -> None:
        aggregate.resumed_in = self.status


class ApplicationClaimLost(ApplicationEvent):
    """What the money is drawn on cannot be drawn on, `reason` says why: an officer sees to it.

    It used to refuse, where another application was first. `claim_id` is blank where what the
    money would be drawn on is not known.
    """

    TOPIC: ClassVar[str] = "application.claim_lost"
    reason: str
    claim_id: str
    outcome: str = field(default="refused", kw_only=True)


class ApplicationPayoutInstructed(ApplicationEvent):
    """The bank is told to pay; `payment_id` makes the instruction safe to repeat.

    `decision_sha256` is the digest of the event `decision_version`, which allows it; there is none
    in events of before.
    `claims` are all entitlements that it is drawn on, `claim_id` is the first of them.
    `payee_sealed` is the number that is paid, whatever is corrected while the bank is asked.
    """

    TOPIC: ClassVar[str] = "application.payout_instructed"
    LEADS_TO = Status.PAYING
    payment_id: str
    claim_id: str
    amount_fen: int
    from_account: str
    due_at: datetime
    decision_version: int | None = field(default=None, kw_only=True)
    decision_sha256: str | None = field(default=None, kw_only=True)
    claims: list[str] = field(default_factory=list, kw_only=True)
    payee_sealed: str | None = field(default=None, kw_only=True)

    def note(self, aggregate: Any) -> None:
        aggregate.claims = self.claims or [self.claim_id]
        aggregate.instructed_sha256 = self.decision_sha256
        aggregate.payment_id = self.payment_id
        aggregate.from_account = self.from_account
        aggregate.payee_sealed = self.payee_sealed
        aggregate.payout_due_at = self.due_at
        aggregate.payout_delayed = False
        aggregate.payments += 1


class ApplicationPayoutConfirmed(ApplicationEvent):
    """The bank paid and said so, signed. Its own words are in the receipt, sealed.

    `bank_reference` is in events of before only.
    """

    TOPIC: ClassVar[str] = "application.payout_confirmed"
    LEADS_TO = Status.PAID
    payment_id: str
    bank_reference: str | None = field(default=None, kw_only=True)
    amount_fen: int
    receipt_sha256: str
    receipt_sealed: str
    settled_at: datetime
    booked_at: datetime | None = field(default=None, kw_only=True)

    def note(self, aggregate: Any) -> None:
        aggregate.paid_fen += self.amount_fen


class ApplicationPayoutDelayed(ApplicationEvent):
    """The bank has not answered in time. It may have paid: it is asked on, never paid again.

    `reason` is why it could not even be asked.
    """

    TOPIC: ClassVar[str] = "application.payout_delayed"
    payment_id: str
    reason: str | None = field(default=None, kw_only=True)

    def note(self, aggregate: Any) -> None:
        aggregate.payout_delayed = True


class ApplicationPayoutFailed(ApplicationEvent):
    """The bank refused, and said so, signed: no money moved. `reason` is one of our codes."""

    TOPIC: ClassVar[str] = "application.payout_failed"
    LEADS_TO = Status.PAYOUT_FAILED
    payment_id: str
    reason: str
    receipt_sha256: str
    receipt_sealed: str | None = field(default=None, kw_only=True)
    booked_at: datetime | None = field(default=None, kw_only=True)

    def note(self, aggregate: Any) -> None:
        aggregate.compensated = False
        aggregate.appealable_since = self.timestamp


class ApplicationCompensated(ApplicationEvent):
    """What the approval had claimed is free again; an officer sees to the rest."""

    TOPIC: ClassVar[str] = "application.compensated"
    payment_id: str
    claim_id: str

    def note(self, aggregate: Any) -> None:
        aggregate.compensated = True


class ApplicationWithdrawn(ApplicationEvent):
    """The citizen does not want it any more."""

    TOPIC: ClassVar[str] = "application.withdrawn"
    LEADS_TO = Status.WITHDRAWN


class ApplicationExpired(ApplicationEvent):
    """Nobody was identified in time; or `reason`: why nobody can go on with it.

    What had been paid (`paid_fen`, in an appeal) stays paid.
    """

    TOPIC: ClassVar[str] = "application.expired"
    LEADS_TO = Status.EXPIRED
    reason: str | None = field(default=None, kw_only=True)
    paid_fen: int = field(default=0, kw_only=True)

    def note(self, aggregate: Any) -> None:
        if self.paid_fen:
            aggregate.amount_fen = self.paid_fen


class ApplicationAppealed(ApplicationEvent):
    """The citizen wants a person to look at a decision."""

    TOPIC: ClassVar[str] = "application.appealed"
    LEADS_TO = Status.REFERRED
    grounds_sealed: str
    appealed_by: str | None = None

    def note(self, aggregate: Any) -> None:
        aggregate.appealed = aggregate.appeal_open = True
        aggregate.appealable_since = None
        aggregate.appealed_from = aggregate.deciders or aggregate.appealed_from
        aggregate.appellants.extend(filter(None, [self.appealed_by]))


class ApplicationTakenOver(ApplicationEvent):
    """The citizen goes on elsewhere; the stream is the same."""

    TOPIC: ClassVar[str] = "application.taken_over"
    left: str
    channel: str
    held_by: str

    def note(self, aggregate: Any) -> None:
        aggregate.channel = self.channel
        aggregate.held_by = self.held_by
        aggregate.takers_over.append(self.held_by)
        aggregate.channels.append(self.channel)


class ApplicationOpened(ApplicationEvent):
    """Somebody other than the applicant opened what is sealed: `what` they saw, and why."""

    TOPIC: ClassVar[str] = "application.opened"
    what: str
    reader: str
    purpose: str


EVENTS: tuple[type[ApplicationSubmitted | ApplicationEvent], ...] = (
    ApplicationSubmitted,
    ApplicationIdentityVerified,
    ApplicationEvidenceRequested,
    ApplicationEvidenceCollected,
    ApplicationEvidenceFailed,
    ApplicationDecided,
    ApplicationReferred,
    ApplicationResumed,
    ApplicationClaimLost,
    ApplicationPayoutInstructed,
    ApplicationPayoutConfirmed,
    ApplicationPayoutDelayed,
    ApplicationPayoutFailed,
    ApplicationCompensated,
    ApplicationWithdrawn,
    ApplicationExpired,
    ApplicationAppealed,
    ApplicationTakenOver,
    ApplicationOpened,
    *certificate_events.EVENTS,
    *correction_events.EVENTS,
    *document_events.EVENTS,
    *message_events.EVENTS,
    *task_events.EVENTS,
    *review_events.EVENTS,
)
TOPICS = frozenset(event.TOPIC for event in EVENTS)
LEADS_TO = {event.TOPIC: event.LEADS_TO for event in EVENTS if event.LEADS_TO is not None}

PAYMENT_STEPS = {
    ApplicationPayoutInstructed.TOPIC: PaymentStep(Stage.INSTRUCTED, "payout"),
    ApplicationPayoutConfirmed.TOPIC: PaymentStep(Stage.CONFIRMED, "payout"),
    ApplicationPayoutFailed.TOPIC: PaymentStep(Stage.FAILED, "payout"),
}

# --- folds: an event's topic, and its fields by name ---------------------------------------

RULES, OFFICER, CLAIM, PROCESS = "rules", "officer", "claim", "process"
DECIDED_BY = {
    ApplicationDecided.TOPIC: RULES,
    ApplicationReviewed.TOPIC: OFFICER,
    ApplicationClaimLost.TOPIC: CLAIM,
    ApplicationReferred.TOPIC: PROCESS,
}
ANSWERED = {ApplicationEvidenceCollected.TOPIC, ApplicationEvidenceFailed.TOPIC}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, and by whom: by the rules, an officer, or a claim that cannot be had.

    By the process where it could not go on, and left it to an officer.
    """

    by: str
    outcome: Status
    reasons: list[str]
    amount_fen: int | None


def verdict_of(topic: str, fields: Mapping[str, Any]) -> Verdict | None:
    """What an event decides; None for one that decides nothing."""
    by = DECIDED_BY.get(topic)
    if by is None:
        return None
    if by == CLAIM:
        return Verdict(by, Status(fields.get("outcome", "refused")), [fields["reason"]], None)
    if by == PROCESS:
        return Verdict(by, Status.REFERRED, [fields["reason"]], None)
    outcome = Status(fields["outcome"])
    return Verdict(by, outcome, list(fields["reasons"]), fields["amount_fen"])


def outcome_by_rules(decided: Mapping[str, Any]) -> str:
    """What the rules said in a decision of theirs, whoever was to decide then."""
    said: str = Status.REFUSED.value if decided.get("ruled_out") else decided["outcome"]
    return said


def awaited_after(topic: str, fields: Mapping[str, Any], awaited: Sequence[str]) -> list[str]:
    """The materials that departments still owe after an event."""
    if topic == ApplicationEvidenceRequested.TOPIC:
        return [request["material"] for request in fields["requests"]]
    if topic in ANSWERED:
        return [material for material in awaited if material != fields["material"]]
    return list(awaited)


def status_after(
    topic: str, fields: Mapping[str, Any], awaited: Sequence[str], status: str | None = None
) -> Status | None:
    """The status that an event leads to, with `awaited` after it; None where it stays.

    `status` is the one before: what is asked for an approval's claim changes nothing of it.
    """
    if topic == ApplicationEvidenceRequested.TOPIC or topic in ANSWERED:
        if fields.get("for_claim") or (topic in ANSWERED and status == Status.APPROVED):
            return None
        return Status.COLLECTING if awaited else Status.COLLECTED
    if stands_paid(topic, fields) or (topic == ApplicationExpired.TOPIC and fields.get("paid_fen")):
        return Status.PAID
    verdict = verdict_of(topic, fields)
    return LEADS_TO.get(topic) if verdict is None else verdict.outcome
