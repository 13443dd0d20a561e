"""A claim as its stream folds it, for read models: from recorded events, kept as plain values."""

from datetime import datetime
from typing import Any

from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import EVENTS, ClaimRaised
from citybrain.eventstore import RecordedEvent

CLASSES = {event.TOPIC: event for event in EVENTS}
TOPICS = frozenset(CLASSES)
RAISED = (
    "subject",
    "citizen_id",
    "amount_fen",
    "due_at",
    "to_account",
    "decision_sha256",
    "plate_id",
)


def empty_claim() -> Claim:
    """A claim before its first event."""
    return object.__new__(Claim)


def claim_from(said: dict[str, Any]) -> Claim:
    """A claim from the plain values of its members (`vars`)."""
    claim = empty_claim()
    vars(claim).update(said)
    claim.due_at = datetime.fromisoformat(said["due_at"])
    return claim


def fold(claim: Claim, event: RecordedEvent) -> None:
    """Take one more event."""
    data = event.data
    if event.topic == ClaimRaised.TOPIC:
        said: dict[str, Any] = {name: data[name] for name in RAISED if name in data}
        Claim.__init__(claim, **said)
        return
    fields = {"originator_id": event.stream_id, "originator_version": event.version}
    happened = object.__new__(CLASSES[event.topic])
    vars(happened).update(data | fields)
    happened.apply(claim)
