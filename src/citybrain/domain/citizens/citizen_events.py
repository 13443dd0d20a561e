"""The events of a citizen: what is stored of a person.

The topics below are the storage format: never rename one. Names, numbers and dates of birth are
sealed with the person's own key; pictures and embeddings are never here, only their digests and
the ids under which the vault keeps them.
"""

from typing import Any, ClassVar

from citybrain.domain.citizens.assurance import Assurance, level_of
from citybrain.domain.stream import StreamCreated, StreamEvent

BY_FACE = "face"
RESIDENT_CARD = "resident-identity-card"
SUSPECTED, DIFFERENT_PEOPLE, SAME_PERSON = "suspected", "different-people", "same-person"


class CitizenRegistered(StreamCreated):
    """An official registered a person. The sealed fields are in base64.

    Without `document` the event is of a time when numbers were not checked.
    """

    TOPIC: ClassVar[str] = "citizen.registered"
    name_sealed: str
    id_number_sealed: str
    birth_date_sealed: str
    phone_sealed: str | None
    simulated: bool
    document: str = RESIDENT_CARD


class DocumentAdded(StreamEvent):
    """Another document of the person, by which they are found as well. The number is sealed."""

    TOPIC: ClassVar[str] = "citizen.document_added"
    document: str
    number_sealed: str

    def apply(self, aggregate: Any) -> None:
        aggregate.documents.append([self.document, self.number_sealed])


class IdentityConfirmed(StreamEvent):
    """Who somebody is was confirmed without a face: at a counter, or by phone and what they know.

    `level` is what the method gave then (`assurance`); blank in events of before levels.
    """

    TOPIC: ClassVar[str] = "citizen.identity_confirmed"
    method: str
    purpose: str
    document: str
    code_id: str | None
    level: str = ""
    confirmed_by: str | None = None  # a clerk; not kept at first
    started_by: str | None = None  # whoever sent the proof of a person; not kept at first

    def apply(self, aggregate: Any) -> None:
        aggregate.note_identification(self, self.method, self.confirmed_by or self.started_by)
        if level_of(self.method).meets(Assurance.SUBSTANTIAL):  # a copied number clears nothing
            aggregate.proofs_failed_at = []


class FaceConsentGiven(StreamEvent):
    """The person, or their guardian, agreed to face recognition, separately and informed."""

    TOPIC: ClassVar[str] = "citizen.face_consent_given"
    consent_id: str
    notice_sha256: str
    guardian: str | None

    def apply(self, aggregate: Any) -> None:
        aggregate.consent_id = self.consent_id


class FaceConsentWithdrawn(StreamEvent):
    """The agreement ended; with it every template."""

    TOPIC: ClassVar[str] = "citizen.face_consent_withdrawn"

    def apply(self, aggregate: Any) -> None:
        aggregate.consent_id = None


class FaceEvent(StreamEvent):
    """A use of a face: which models, on what runtime, from which picture of what quality."""

    pack_id: str
    models: dict[str, str]
    template_version: str
    runtime: dict[str, str]
    quality: dict[str, float]
    challenge_id: str | None
    sample_sha256: str
    attack_detector: str | None


class ConsentGiven(StreamEvent):
    """The person agreed to something else than their face: to one agreement, for one thing.

    `about` is the stream of that thing: what the consent allows ends with either of them.
    """

    TOPIC: ClassVar[str] = "citizen.consent_given"
    consent_id: str
    agreement: str
    notice_sha256: str
    about: str

    def apply(self, aggregate: Any) -> None:
        aggregate.consents[self.consent_id] = [self.agreement, self.about]


class ConsentWithdrawn(StreamEvent):
    """Such a consent ended: withdrawn, or what it was given for is over."""

    TOPIC: ClassVar[str] = "citizen.consent_withdrawn"
    consent_id: str
    agreement: str
    about: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        del aggregate.consents[self.consent_id]


class FaceEnrolmentApproved(StreamEvent):
    """A second person let a clerk enrol the face of who stood there."""

    TOPIC: ClassVar[str] = "citizen.face_enrolment_approved"
    clerk: str
    approved_by: str

    def apply(self, aggregate: Any) -> None:
        aggregate.enrolment_approval = [self.clerk, self.approved_by, self.timestamp]


class FaceEnrolled(FaceEvent):
    """A template was made; the vault keeps it, sealed, as `template_id`, and no longer the one
    it replaces. At a counter two people had a part in it."""

    TOPIC: ClassVar[str] = "citizen.face_enrolled"
    template_id: str
    replaced_template_id: str | None
    consent_id: str
    enrolled_by: str | None = None
    approved_by: str | None = None

    def apply(self, aggregate: Any) -> None:
        aggregate.templates[self.template_version] = self.template_id
        aggregate.enrolment_approval = None
        aggregate.face_removed = False


class DuplicateSuspected(StreamEvent):
    """The enrolled face is very like another citizen's: an officer has to look.

    `false_match_rate` is that of one comparison; `enrolled` faces were compared.
    """

    TOPIC: ClassVar[str] = "citizen.duplicate_suspected"
    template_id: str
    other: str
    score: float
    threshold: float
    false_match_rate: float
    enrolled: int

    def apply(self, aggregate: Any) -> None:
        aggregate.duplicates[self.other] = SUSPECTED


class DuplicateResolved(StreamEvent):
    """An officer looked: two people who look alike, or one person registered twice."""

    TOPIC: ClassVar[str] = "citizen.duplicate_resolved"
    other: str
    verdict: str

    def apply(self, aggregate: Any) -> None:
        aggregate.duplicates[self.other] = self.verdict


class FaceVerified(FaceEvent):
    """A live face was compared with the template: the decision, and all that it rests on."""

    TOPIC: ClassVar[str] = "citizen.face_verified"
    purpose: str
    matched: bool
    score: float
    threshold: float
    false_match_rate: float
    false_match_rate_upper_95: float
    impostor_pairs: int
    template_id: str
    sample_id: str
    level: str = ""
    started_by: str | None = None

    def apply(self, aggregate: Any) -> None:
        aggregate.note_attempt(self.timestamp, self.started_by, failed=not self.matched)
        if self.matched:
            aggregate.note_identification(self, BY_FACE, self.started_by)


class FaceAttemptFailed(StreamEvent):
    """An attempt ended before a comparison: the challenge was not answered."""

    TOPIC: ClassVar[str] = "citizen.face_attempt_failed"
    purpose: str
    reason: str
    challenge_id: str
    started_by: str | None = None

    def apply(self, aggregate: Any) -> None:
        aggregate.note_attempt(self.timestamp, self.started_by, failed=True)


class FaceIdentified(FaceEvent):
    """A kiosk's 1:N search put this citizen first; it authorises nothing."""

    TOPIC: ClassVar[str] = "citizen.face_identified"
    score: float
    threshold: float
    false_match_rate: float
    enrolled: int
    template_id: str


class FaceRevoked(StreamEvent):
    """All templates were destroyed."""

    TOPIC: ClassVar[str] = "citizen.face_revoked"
    reason: str
    template_ids: list[str]

    def apply(self, aggregate: Any) -> None:
        aggregate.templates = {}
        aggregate.face_removed = True
