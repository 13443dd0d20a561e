"""The events of a plate's binding. The topics are the storage format: never rename one.

The plate is sealed with its own key, the registry's answer with the citizen's. Times within are
RFC 3339 in UTC.
"""

from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.parking.registration import Registration
from citybrain.domain.stream import StreamCreated, StreamEvent
from citybrain.domain.times import moment


class BindingStatus(StrEnum):
    """How a binding stands."""

    ASKED = "asked"
    """The registry is being asked."""

    UNKNOWN = "unknown"
    """The registry is silent; it is asked again."""

    PROVED = "proved"
    """It is theirs, and somebody else is bound to it; the registry is asked about them."""

    ACTIVE = "active"
    REFUSED = "refused"
    ENDED = "ended"


OPEN = (BindingStatus.ASKED, BindingStatus.UNKNOWN, BindingStatus.PROVED, BindingStatus.ACTIVE)


class PlateBindingAsked(StreamCreated):
    """A citizen wants a plate to pay by itself, and has agreed to that."""

    TOPIC: ClassVar[str] = "parking.plate_binding_asked"
    citizen_id: str
    consent_id: str
    plate: dict[str, Any]
    per_debit_fen: int
    per_day_fen: int
    terms_version: str
    waits_until: str


class PlateProofRequested(StreamEvent):
    """The registry is asked whether the plate is theirs, before it is asked."""

    TOPIC: ClassVar[str] = "parking.plate_proof_requested"
    request_id: str
    department: str
    record: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.question = {
            "request_id": self.request_id,
            "department": self.department,
            "record": self.record,
        }
        aggregate.ask_again_at = None


class PlateRegistryAnswered(StreamEvent):
    """What the registry said. `again_at`: when it is asked next; `good_until`: how long it counts.

    The signed answer is sealed with the citizen's key; `sha256` is that of the answer.
    """

    TOPIC: ClassVar[str] = "parking.plate_registry_answered"
    request_id: str
    registered: bool
    since: str | None
    until: str | None
    use: str
    again_at: str
    good_until: str
    evidence: dict[str, Any]

    def apply(self, aggregate: Any) -> None:
        aggregate.question = None
        aggregate.answered_at = self.timestamp
        aggregate.signed_sealed = self.evidence["signed_sealed"]
        aggregate.ask_again_at = moment(self.again_at)
        said = {"registered": self.registered, "since": self.since, "until": self.until}
        aggregate.registration = said | {"use": self.use}
        if Registration.of(aggregate.registration).holds_at(self.timestamp):
            aggregate.held_at = self.timestamp
            aggregate.owned = {"since": self.since, "use": self.use}
            aggregate.good_until = moment(self.good_until)


class PlateRegistrySilent(StreamEvent):
    """The registry did not answer, or not so that it can be used. Nothing follows but waiting."""

    TOPIC: ClassVar[str] = "parking.plate_registry_silent"
    leads_to: ClassVar[BindingStatus] = BindingStatus.UNKNOWN
    request_id: str
    reason: str
    again_at: str
    milliseconds: int
    attempts: int

    def apply(self, aggregate: Any) -> None:
        aggregate.question = None
        aggregate.ask_again_at = moment(self.again_at)
        if aggregate.status == BindingStatus.ASKED:
            aggregate.status = self.leads_to.value


class PlateBindingProved(StreamEvent):
    """By the registry it is theirs."""

    TOPIC: ClassVar[str] = "parking.plate_binding_proved"
    leads_to: ClassVar[BindingStatus] = BindingStatus.PROVED
    since: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = self.leads_to.value


class PlateBindingActivated(StreamEvent):
    """From now on the plate pays by itself."""

    TOPIC: ClassVar[str] = "parking.plate_binding_activated"
    leads_to: ClassVar[BindingStatus] = BindingStatus.ACTIVE

    def apply(self, aggregate: Any) -> None:
        aggregate.status = self.leads_to.value


class PlateBindingRefused(StreamEvent):
    """It is not theirs, by the registry; `since` and `until` where it was once."""

    TOPIC: ClassVar[str] = "parking.plate_binding_refused"
    leads_to: ClassVar[BindingStatus] = BindingStatus.REFUSED
    reason: str
    since: str | None
    until: str | None

    def apply(self, aggregate: Any) -> None:
        aggregate.status = self.leads_to.value
        aggregate.ended = {"reason": self.reason, "at": self.timestamp}
        aggregate.ask_again_at = None


class PlateBindingEnded(StreamEvent):
    """It pays no more, from this moment on. `held_until`: until when it was theirs, where known."""

    TOPIC: ClassVar[str] = "parking.plate_binding_ended"
    leads_to: ClassVar[BindingStatus] = BindingStatus.ENDED
    reason: str
    held_until: str
    proved: bool

    def apply(self, aggregate: Any) -> None:
        aggregate.status = self.leads_to.value
        aggregate.question = None
        aggregate.ended = {"reason": self.reason, "at": self.timestamp}
        aggregate.held_until = [self.held_until, self.proved]
        aggregate.ask_again_at = None


class PlateLimitsChanged(StreamEvent):
    """What is debited by itself at most, for one stay and in one day."""

    TOPIC: ClassVar[str] = "parking.plate_limits_changed"
    per_debit_fen: int
    per_day_fen: int
    terms_version: str

    def apply(self, aggregate: Any) -> None:
        aggregate.per_debit_fen = self.per_debit_fen
        aggregate.per_day_fen = self.per_day_fen


class PlateTransferShown(StreamEvent):
    """The citizen says that the vehicle was sold, and on which day; the registry is asked."""

    TOPIC: ClassVar[str] = "parking.plate_transfer_shown"
    transfer_id: str
    transferred_on: str
    document_sha256: str | None

    def apply(self, aggregate: Any) -> None:
        aggregate.transfer = {
            "transfer_id": self.transfer_id,
            "transferred_on": self.transferred_on,
            "outcome": "shown",
        }


class PlateTransferConfirmed(StreamEvent):
    """The registry says until when it was theirs; that counts, whatever day was shown."""

    TOPIC: ClassVar[str] = "parking.plate_transfer_confirmed"
    transfer_id: str
    transferred_on: str
    held_until: str

    def apply(self, aggregate: Any) -> None:
        aggregate.transfer |= {"outcome": "confirmed"}
        aggregate.held_until = [self.held_until, True]
        aggregate.ask_again_at = None


class PlateTransferRefused(StreamEvent):
    """The registry says that it is theirs still, or does not say until when it was."""

    TOPIC: ClassVar[str] = "parking.plate_transfer_refused"
    transfer_id: str
    transferred_on: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.transfer |= {"outcome": "refused"}
        aggregate.question = None
        aggregate.ask_again_at = None


class PlateDebitTaken(StreamEvent):
    """So much of the limits is used, for one stay, on a day of the city."""

    TOPIC: ClassVar[str] = "parking.plate_debit_taken"
    session_id: str
    amount_fen: int
    day: str

    def apply(self, aggregate: Any) -> None:
        if aggregate.debits["day"] != self.day:
            aggregate.debits = {"day": self.day, "fen": {}}
        aggregate.debits["fen"][self.session_id] = self.amount_fen


class PlateDebitGivenBack(StreamEvent):
    """Nothing was debited after all: the limits have it again."""

    TOPIC: ClassVar[str] = "parking.plate_debit_given_back"
    session_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.debits["fen"].pop(self.session_id, None)


EVENTS: tuple[type[StreamEvent], ...] = (
    PlateBindingAsked,
    PlateProofRequested,
    PlateRegistryAnswered,
    PlateRegistrySilent,
    PlateBindingProved,
    PlateBindingActivated,
    PlateBindingRefused,
    PlateBindingEnded,
    PlateLimitsChanged,
    PlateTransferShown,
    PlateTransferConfirmed,
    PlateTransferRefused,
    PlateDebitTaken,
    PlateDebitGivenBack,
)

LEADS_TO: dict[str, BindingStatus] = {
    event.TOPIC: event.leads_to
    for event in (
        PlateRegistrySilent,  # of one that was only asked for
        PlateBindingProved,
        PlateBindingActivated,
        PlateBindingRefused,
        PlateBindingEnded,
    )
}
"""How a binding stands after an event, by topic."""
