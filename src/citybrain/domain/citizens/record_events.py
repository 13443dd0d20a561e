"""The events of what is kept about a person: corrected, and the passcode that they chose.

What is sealed is sealed with the person's own key, in base64.
"""

from typing import Any, ClassVar

from citybrain.domain.stream import StreamEvent

IDENTITY, DEATH, NO_DEATH = "identity", "death", "no-death"
CONFIRMED, REJECTED = "confirmed", "rejected"


class NameChanged(StreamEvent):
    """The person has another name, or it was written wrongly."""

    TOPIC: ClassVar[str] = "citizen.name_changed"
    name_sealed: str

    def apply(self, aggregate: Any) -> None:
        aggregate.name_sealed = self.name_sealed


class PhoneChanged(StreamEvent):
    """Codes and messages go to another number, or to none; the one before is told."""

    TOPIC: ClassVar[str] = "citizen.phone_changed"
    phone_sealed: str | None
    previous_sealed: str | None

    def apply(self, aggregate: Any) -> None:
        aggregate.phone_sealed = self.phone_sealed


class PasscodeSet(StreamEvent):
    """The person chose a passcode. A keyed digest of it is sealed."""

    TOPIC: ClassVar[str] = "citizen.passcode_set"
    passcode_sealed: str

    def apply(self, aggregate: Any) -> None:
        aggregate.passcode_sealed = self.passcode_sealed
        aggregate.proofs_failed_at = []


class ProofFailed(StreamEvent):
    """A code that was sent to the phone was right, and what should have been known was not."""

    TOPIC: ClassVar[str] = "citizen.proof_failed"
    purpose: str
    method: str
    code_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.proofs_failed_at = [*aggregate.proofs_failed_at, self.timestamp]


class CorrectionProposed(StreamEvent):
    """A clerk asks for a correction that money depends on; somebody else settles it.

    `fields` are what the correction sets; those with `_sealed` are sealed.
    """

    TOPIC: ClassVar[str] = "citizen.correction_proposed"
    correction_id: str
    what: str
    fields: dict[str, str | bool]
    grounds_sealed: str
    proposed_by: str

    def apply(self, aggregate: Any) -> None:
        aggregate.corrections[self.correction_id] = {
            "what": self.what,
            "fields": self.fields,
            "grounds_sealed": self.grounds_sealed,
            "proposed_by": self.proposed_by,
            "proposed_at": self.timestamp,
        }


class CorrectionSettled(StreamEvent):
    """Somebody else looked at it: confirmed, or rejected."""

    TOPIC: ClassVar[str] = "citizen.correction_settled"
    correction_id: str
    what: str
    outcome: str
    settled_by: str

    def apply(self, aggregate: Any) -> None:
        del aggregate.corrections[self.correction_id]


class IdentityCorrected(StreamEvent):
    """The document that the person is registered by, its number and the day of birth.

    `key_sealed` is what they are found by now, where the number is another. Where it was `mistaken`
    before, they are no longer found by what was written then: it may be somebody else's.
    """

    TOPIC: ClassVar[str] = "citizen.identity_corrected"
    document: str
    id_number_sealed: str
    key_sealed: str | None
    birth_date_sealed: str
    mistaken: bool

    def apply(self, aggregate: Any) -> None:
        aggregate.document = self.document
        aggregate.former_numbers_sealed.append(aggregate.id_number_sealed)
        aggregate.id_number_sealed = self.id_number_sealed
        aggregate.key_sealed = self.key_sealed or aggregate.key_sealed
        aggregate.birth_date_sealed = self.birth_date_sealed
        aggregate.identity_corrected_at = self.timestamp


class DeathNoted(StreamEvent):
    """The person has died: nobody is identified as them, and nothing is paid to them any more."""

    TOPIC: ClassVar[str] = "citizen.death_noted"
    died_on_sealed: str

    def apply(self, aggregate: Any) -> None:
        aggregate.died_on_sealed = self.died_on_sealed


class DeathRetracted(StreamEvent):
    """The death was noted wrongly. What ended with it stays ended."""

    TOPIC: ClassVar[str] = "citizen.death_retracted"

    def apply(self, aggregate: Any) -> None:
        aggregate.died_on_sealed = None


EVENTS: tuple[type[StreamEvent], ...] = (
    NameChanged,
    PhoneChanged,
    PasscodeSet,
    ProofFailed,
    CorrectionProposed,
    CorrectionSettled,
    IdentityCorrected,
    DeathNoted,
    DeathRetracted,
)
