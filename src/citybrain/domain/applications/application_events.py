"""The events of an application: what is stored of it.

The topics below are the storage format: never rename one. What the form, the records and the
officers' notes say is sealed with the applicant's own key; in clear are pseudonyms, digests, codes,
times and amounts.
"""

from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.applications.statuses import Status
from citybrain.domain.stream import StreamCreated, StreamEvent


class ApplicationSubmitted(StreamCreated):
    """A citizen applies for a service item; `baseline` is what it took before."""

    TOPIC: ClassVar[str] = "application.submitted"
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


class ApplicationIdentityVerified(StreamEvent):
    """The applicant was identified for this service: by event `citizen_version` of their stream."""

    TOPIC: ClassVar[str] = "application.identity_verified"
    method: str
    citizen_version: int
    identified_at: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate.status = Status.IDENTIFIED.value


class ApplicationEvidenceRequested(StreamEvent):
    """All departments are asked at once; each request has its id."""

    TOPIC: ClassVar[str] = "application.evidence_requested"
    requests: list[dict[str, str]]
    due_at: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate.status = (Status.COLLECTING if self.requests else Status.COLLECTED).value
        aggregate.requests = {request["material"]: request for request in self.requests}
        aggregate.requested_at = self.timestamp
        aggregate.evidence_due_at = self.due_at
        aggregate.evidence = {}
        aggregate.rounds += 1


class EvidenceEvent(StreamEvent):
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

    def apply(self, aggregate: Any) -> None:
        aggregate.note_evidence(self.material, self.sha256)


class ApplicationEvidenceFailed(EvidenceEvent):
    """A department did not answer, or not as it must."""

    TOPIC: ClassVar[str] = "application.evidence_failed"
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.note_evidence(self.material, None)


class ApplicationDecided(StreamEvent):
    """The rules decided on the records at hand. `findings` are by rule; values are sealed.

    `claim_id` is the entitlement that a payout would be drawn on.
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

    def apply(self, aggregate: Any) -> None:
        aggregate.settle_outcome(self.outcome, self.reasons, self.amount_fen)
        aggregate.claim_id = self.claim_id
        aggregate.decided_at = self.timestamp


class ApplicationReviewed(StreamEvent):
    """An officer decided."""

    TOPIC: ClassVar[str] = "application.reviewed"
    outcome: str
    reasons: list[str]
    amount_fen: int | None
    reviewer: str
    note_sealed: str

    def apply(self, aggregate: Any) -> None:
        aggregate.settle_outcome(self.outcome, self.reasons, self.amount_fen)
        aggregate.decided_at = self.timestamp
        aggregate.reviewers.append(self.reviewer)


class ApplicationClaimLost(StreamEvent):
    """What the money is drawn on was drawn on by another application first."""

    TOPIC: ClassVar[str] = "application.claim_lost"
    reason: str
    claim_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.settle_outcome("refused", [self.reason], None)


class ApplicationPayoutInstructed(StreamEvent):
    """The bank is told to pay; `payment_id` makes the instruction safe to repeat."""

    TOPIC: ClassVar[str] = "application.payout_instructed"
    payment_id: str
    claim_id: str
    amount_fen: int
    from_account: str
    due_at: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate.status = Status.PAYING.value
        aggregate.payment_id = self.payment_id
        aggregate.from_account = self.from_account
        aggregate.payout_due_at = self.due_at
        aggregate.payout_delayed = False
        aggregate.payments += 1


class ApplicationPayoutConfirmed(StreamEvent):
    """The bank paid and said so, signed."""

    TOPIC: ClassVar[str] = "application.payout_confirmed"
    payment_id: str
    bank_reference: str
    amount_fen: int
    receipt_sha256: str
    receipt_sealed: str
    settled_at: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate.status = Status.PAID.value


class ApplicationPayoutDelayed(StreamEvent):
    """The bank has not answered in time. It may have paid: it is asked on, never paid again."""

    TOPIC: ClassVar[str] = "application.payout_delayed"
    payment_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.payout_delayed = True


class ApplicationPayoutFailed(StreamEvent):
    """The bank refused, and said so, signed: no money moved."""

    TOPIC: ClassVar[str] = "application.payout_failed"
    payment_id: str
    reason: str
    receipt_sha256: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = Status.PAYOUT_FAILED.value
        aggregate.compensated = False


class ApplicationCompensated(StreamEvent):
    """What the approval had claimed is free again; an officer sees to the rest."""

    TOPIC: ClassVar[str] = "application.compensated"
    payment_id: str
    claim_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.compensated = True


class ApplicationWithdrawn(StreamEvent):
    """The citizen does not want it any more."""

    TOPIC: ClassVar[str] = "application.withdrawn"

    def apply(self, aggregate: Any) -> None:
        aggregate.status = Status.WITHDRAWN.value


class ApplicationExpired(StreamEvent):
    """Nobody was identified in time."""

    TOPIC: ClassVar[str] = "application.expired"

    def apply(self, aggregate: Any) -> None:
        aggregate.status = Status.EXPIRED.value


class ApplicationAppealed(StreamEvent):
    """The citizen wants a person to look at a refusal."""

    TOPIC: ClassVar[str] = "application.appealed"
    grounds_sealed: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = Status.REFERRED.value
        aggregate.appealed = True


class ApplicationTakenOver(StreamEvent):
    """The citizen goes on elsewhere; the stream is the same."""

    TOPIC: ClassVar[str] = "application.taken_over"
    left: str
    channel: str
    held_by: str

    def apply(self, aggregate: Any) -> None:
        aggregate.channel = self.channel
        aggregate.held_by = self.held_by
        aggregate.channels.append(self.channel)


class ApplicationOpened(StreamEvent):
    """Somebody other than the applicant opened what is sealed: `what` they saw, and why."""

    TOPIC: ClassVar[str] = "application.opened"
    what: str
    reader: str
    purpose: str
