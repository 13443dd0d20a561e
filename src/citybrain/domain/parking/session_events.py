"""What happens to a parking session, from the first sign of a vehicle to its last fen.

The topics are the storage format: never rename one. A plate is sealed with a key of its own; the
event says its random id, its class and how sure the reading was. Times are UTC, money is fen.
"""

from dataclasses import field
from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.parking.charging_events import SessionChargingNoted
from citybrain.domain.parking.judging import PLATE_MEMBERS
from citybrain.domain.parking.session_event import SessionEvent
from citybrain.domain.stream import StreamCreated, StreamEvent


class SessionOpened(StreamCreated):
    """A vehicle stands there. `place_id` is a berth or a facility, `zone_id` its block face.

    `continues` is the session that this one goes on with, where it was said at once, as it used to
    be: now `SessionContinued` says it. `tariff_version` was in force when it arrived; None in
    events from before it was noted, and where none was.
    """

    TOPIC: ClassVar[str] = "parking.opened"
    place_id: str
    place_kind: str
    zone_id: str | None
    area_id: str | None
    tariff_zone: str
    time_zone: str
    arrived_at: datetime
    beginning: str
    detection_ids: list[str]
    rules_version: str
    continues: str | None
    simulated: bool
    tariff_version: str | None = field(default=None, kw_only=True)


class SessionPlateRead(SessionEvent):
    """A camera read the plate. `doubt` says why nothing is debited by this reading alone.

    `judged_by` is what there was to judge by, `thresholds_version` the definition that judged.
    """

    TOPIC: ClassVar[str] = "parking.plate_read"
    detection_id: str
    read_at: datetime
    plate_id: str
    plate_sealed: str
    plate_class: str
    plate_complete: bool
    plate_mended: bool
    plates_version: str
    confidence: int | None
    characters: list[int] | None
    judged_by: str
    doubt: dict[str, Any] | None
    thresholds_version: str

    def note(self, aggregate: Any) -> None:
        aggregate.readings[self.detection_id] = {
            name: getattr(self, name) for name in (*PLATE_MEMBERS, "doubt")
        }


class SessionReadingMoved(SessionEvent):
    """A sign that came later shows that this was read of another vehicle."""

    TOPIC: ClassVar[str] = "parking.reading_moved"
    detection_id: str

    def note(self, aggregate: Any) -> None:
        del aggregate.readings[self.detection_id]
        aggregate.completed = {
            part: whole
            for part, whole in aggregate.completed.items()
            if self.detection_id not in (part, whole)
        }
        aggregate.facts += 1


class SessionPlateCompleted(SessionEvent):
    """A reading says the province that another left out: `whole` completes `part`."""

    TOPIC: ClassVar[str] = "parking.plate_completed"
    whole: str
    part: str

    def note(self, aggregate: Any) -> None:
        aggregate.completed[self.part] = self.whole


class SessionPlateCorrected(SessionEvent):
    """A person says what the plate is, and why. `note_sealed` with the key of that plate."""

    TOPIC: ClassVar[str] = "parking.plate_corrected"
    plate_id: str
    plate_sealed: str
    plate_class: str
    plate_complete: bool
    plate_mended: bool
    plates_version: str
    corrected_by: str
    reason: str
    note_sealed: str | None

    def note(self, aggregate: Any) -> None:
        aggregate.settled = False
        aggregate.corrected = {name: getattr(self, name) for name in PLATE_MEMBERS}
        aggregate.correctors.append(self.corrected_by)
        aggregate.proposals.pop("plate", None)
        aggregate.facts += 1


class SessionLeft(SessionEvent):
    """It has gone: until when it was seen, and how that is known."""

    TOPIC: ClassVar[str] = "parking.left"
    left_at: datetime
    ending: str
    detection_ids: list[str]

    def note(self, aggregate: Any) -> None:
        aggregate.left_at, aggregate.ending = self.left_at, self.ending
        aggregate.detection_ids.extend(self.detection_ids)
        aggregate.facts += 1


class SessionTimesCorrected(SessionEvent):
    """A sign that came later changed since when or until when it stood there."""

    TOPIC: ClassVar[str] = "parking.times_corrected"
    arrived_at: datetime
    beginning: str
    left_at: datetime | None
    ending: str | None
    detection_ids: list[str]

    def note(self, aggregate: Any) -> None:
        aggregate.arrived_at, aggregate.beginning = self.arrived_at, self.beginning
        aggregate.left_at, aggregate.ending = self.left_at, self.ending
        aggregate.detection_ids.extend(self.detection_ids)
        aggregate.facts += 1


class SessionEvidenceAdded(SessionEvent):
    """A sign that came when all was settled, or of a vehicle that another camera saw, too."""

    TOPIC: ClassVar[str] = "parking.evidence_added"
    detection_id: str
    sign: str
    occurred_at: datetime
    why: str

    def note(self, aggregate: Any) -> None:
        aggregate.late_signs[self.detection_id] = {
            "sign": self.sign,
            "occurred_at": self.occurred_at.isoformat(),
            "why": self.why,
        }


class SessionUnseen(SessionEvent):
    """It should still be there, and nobody has seen it for a long time: somebody goes to look."""

    TOPIC: ClassVar[str] = "parking.unseen"
    last_sign_at: datetime

    def note(self, aggregate: Any) -> None:
        aggregate.unseen_since = self.last_sign_at


class SessionCloneSuspected(SessionEvent):
    """The same plate stands elsewhere, too, or farther than it can have driven."""

    TOPIC: ClassVar[str] = "parking.clone_suspected"
    other_session_id: str
    metres: int
    seconds: int

    def note(self, aggregate: Any) -> None:
        aggregate.clones[self.other_session_id] = None


class SessionCloneWithdrawn(SessionEvent):
    """Signs that came later show that it was one car: in one place first, and then in the other."""

    TOPIC: ClassVar[str] = "parking.clone_withdrawn"
    other_session_id: str

    def note(self, aggregate: Any) -> None:
        del aggregate.clones[self.other_session_id]


class SessionContinued(SessionEvent):
    """It goes on with the stay `before` (its session, since when and until when), or with none:
    the vehicle was moved on a little. Said again where those times change: it is priced anew."""

    TOPIC: ClassVar[str] = "parking.continued"
    before: dict[str, str] | None

    def note(self, aggregate: Any) -> None:
        aggregate.continued = self.before
        aggregate.continues = None if self.before is None else self.before["session_id"]
        aggregate.facts += 1


class SessionCloneDecided(SessionEvent):
    """An officer saw which of the two carries the plate that was issued."""

    TOPIC: ClassVar[str] = "parking.clone_decided"
    other_session_id: str
    genuine: bool
    decided_by: str
    reason: str

    def note(self, aggregate: Any) -> None:
        aggregate.clones[self.other_session_id] = self.genuine


class SessionPriced(SessionEvent):
    """What it comes to, line by line, by the versions named; `already_fen` was asked before, in
    the session that this one continues. `sha256` is of all that, and what a payment is tied to."""

    TOPIC: ClassVar[str] = "parking.priced"
    amount_fen: int
    already_fen: int
    lines: list[dict[str, Any]]
    stay: dict[str, Any]
    tariff_versions: list[str]
    cause: str
    facts: int

    def note(self, aggregate: Any) -> None:
        aggregate.price_fen = self.amount_fen
        aggregate.priced_facts = self.facts
        aggregate.price_event = aggregate.digest_of(self)


class SessionRepriced(SessionPriced):
    """It costs less than was thought, by what `about` (a permit, a batch) has changed.

    `paid`: what it cost before had been paid, and the difference goes back.
    """

    TOPIC: ClassVar[str] = "parking.repriced"
    about: str
    before_fen: int
    paid: bool


class SessionHeld(SessionEvent):
    """Nothing is debited until a person has looked; `reason` says why, `details` on what."""

    TOPIC: ClassVar[str] = "parking.held"
    reason: str
    details: dict[str, Any]

    def note(self, aggregate: Any) -> None:
        aggregate.held = self.reason


class SessionReleased(SessionEvent):
    """What held it is no more: a person has looked, or it has turned out to be nothing."""

    TOPIC: ClassVar[str] = "parking.released"
    released_by: str
    reason: str

    def note(self, aggregate: Any) -> None:
        aggregate.held = None
        aggregate.looked_at |= not self.released_by.startswith("system:")


class SessionClaimed(SessionEvent):
    """It is owed: the claim has the money's way. `payer` is a citizen, None where only a plate is
    known; `debited` by itself, or `why_not`. `terms` are the binding's, where there is one."""

    TOPIC: ClassVar[str] = "parking.claimed"
    claim_id: str
    amount_fen: int
    payer: str | None
    due_at: datetime
    debited: bool
    why_not: str | None
    terms: dict[str, Any] | None

    def note(self, aggregate: Any) -> None:
        aggregate.claims[self.claim_id] = {
            "amount_fen": self.amount_fen,
            "payer": self.payer,
            "plate_id": aggregate.plate_id,
            "debited": self.debited,
            "binding_id": (self.terms or {}).get("binding_id"),
            "settled": False,
        }
        aggregate.due_at, aggregate.settled = self.due_at, False
        aggregate.deferred, aggregate.remind_at, aggregate.overdue_at = None, None, None
        aggregate.reminders, aggregate.overdue = 0, False


class SessionPayerCorrected(SessionEvent):
    """Somebody else had the vehicle when it arrived, or nobody is known who had: what `claim_id`
    asked of `payer` (None: of nobody) is asked of them no more, and what was paid goes back."""

    TOPIC: ClassVar[str] = "parking.payer_corrected"
    claim_id: str
    payer: str | None
    reason: str

    def note(self, aggregate: Any) -> None:
        aggregate.claims[self.claim_id]["dropped"] = self.reason
        aggregate.settled = False


class SessionClaimLowered(SessionEvent):
    """Less is owed than was claimed, or nothing: what was paid beyond goes back by itself."""

    TOPIC: ClassVar[str] = "parking.claim_lowered"
    claim_id: str
    amount_fen: int
    reason: str

    def note(self, aggregate: Any) -> None:
        aggregate.claims[self.claim_id]["amount_fen"] = self.amount_fen


class SessionDisputed(SessionEvent):
    """Somebody says that it is wrong: what is known is frozen, and nothing is asked for.

    `evidence` is what devices had said; `photos` are digests of the pictures that came with it.
    """

    TOPIC: ClassVar[str] = "parking.disputed"
    disputed_by: str
    grounds_sealed: str
    sealed_for: str
    evidence: list[str]
    photos: list[str] = field(default_factory=list, kw_only=True)

    def note(self, aggregate: Any) -> None:
        aggregate.dispute = "open"
        aggregate.disputants.append(self.disputed_by)


class SessionDisputeDecided(SessionEvent):
    """An officer decided; `upheld`: it was wrong, and costs `amount_fen` from now on."""

    TOPIC: ClassVar[str] = "parking.dispute_decided"
    upheld: bool
    amount_fen: int | None
    decided_by: str
    reason: str
    note_sealed: str | None = field(default=None, kw_only=True)

    def note(self, aggregate: Any) -> None:
        aggregate.dispute = "upheld" if self.upheld else "rejected"
        aggregate.deciders.append(self.decided_by)
        aggregate.proposals.pop("dispute", None)
        if self.upheld:
            aggregate.price_fen = self.amount_fen
            aggregate.price_event = aggregate.digest_of(self)


class SessionDecisionProposed(SessionEvent):
    """So much money would move by it that a second person has to decide the same."""

    TOPIC: ClassVar[str] = "parking.decision_proposed"
    what: str
    said: dict[str, Any]
    difference_fen: int
    limit_fen: int
    proposed_by: str

    def note(self, aggregate: Any) -> None:
        aggregate.proposals[self.what] = {"said": self.said, "proposed_by": self.proposed_by}


class SessionVoided(SessionEvent):
    """There was no such session: its signs belong to another, or a person says why."""

    TOPIC: ClassVar[str] = "parking.voided"
    reason: str
    voided_by: str | None

    def note(self, aggregate: Any) -> None:
        aggregate.voided = True


EVENTS: tuple[type[StreamEvent], ...] = (
    SessionOpened,
    SessionPlateRead,
    SessionReadingMoved,
    SessionPlateCompleted,
    SessionPlateCorrected,
    SessionLeft,
    SessionTimesCorrected,
    SessionChargingNoted,
    SessionEvidenceAdded,
    SessionUnseen,
    SessionCloneSuspected,
    SessionCloneDecided,
    SessionCloneWithdrawn,
    SessionContinued,
    SessionPriced,
    SessionRepriced,
    SessionHeld,
    SessionReleased,
    SessionClaimed,
    SessionPayerCorrected,
    SessionClaimLowered,
    SessionDisputed,
    SessionDisputeDecided,
    SessionDecisionProposed,
    SessionVoided,
)

PRICED = (SessionPriced.TOPIC, SessionRepriced.TOPIC)
"""What says what a session costs, with its lines."""
PRICE_MEMBERS = ("amount_fen", "already_fen", "lines", "stay", "tariff_versions")
