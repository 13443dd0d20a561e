"""Citizens: who they are (sealed), what they consented to, and each match of their face.

Stream `citizen-<id>`; its events are in `citizen_events`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from citybrain.domain.actor import Actor, Role
from citybrain.domain.ages import CHILD_UNDER_YEARS
from citybrain.domain.citizens import record_events
from citybrain.domain.citizens.assurance import RECORD_PURPOSE, Assurance, Method, level_of
from citybrain.domain.citizens.citizen_events import (
    DIFFERENT_PEOPLE,
    RESIDENT_CARD,
    SAME_PERSON,
    SUSPECTED,
    CitizenRegistered,
    ConsentGiven,
    ConsentWithdrawn,
    DocumentAdded,
    DuplicateResolved,
    DuplicateSuspected,
    FaceAttemptFailed,
    FaceConsentGiven,
    FaceConsentWithdrawn,
    FaceEnrolled,
    FaceEnrolmentApproved,
    FaceIdentified,
    FaceRevoked,
    FaceVerified,
    IdentityConfirmed,
)
from citybrain.domain.citizens.refusals import (
    ConsentMissing,
    FaceRemovedBefore,
    FaceUnderReview,
    GuardianRequired,
    NoSuchDuplicate,
    NotEnrolled,
    NotYourOwn,
    PersonDeceased,
    TemplateReplaced,
    TooManyAttempts,
)
from citybrain.domain.citizens.serving import FACE_PURPOSE, approver_of, check_served, is_own
from citybrain.domain.stream import StreamAggregate, StreamEvent

FAILURES_ALLOWED = 5
FAILURES_WINDOW = timedelta(minutes=15)
UNKNOWN = ""  # who began an attempt, of before that was kept

COUNTER = (Role.CLERK, Role.SYSTEM)

KEPT_BY_EACH = timedelta(hours=1)
"""How long it is kept whom each clerk, kiosk or person identified; it counts for less."""


@dataclass(frozen=True, slots=True)
class SealedPerson:
    """Who somebody is, each member sealed with their own key, in base64."""

    name_sealed: str
    id_number_sealed: str
    birth_date_sealed: str
    phone_sealed: str | None


@dataclass(frozen=True, slots=True)
class Identification:
    """That this person was there: how, how surely, when, and by which event of their stream."""

    method: str
    identified_at: datetime
    citizen_version: int
    level: str


class Citizen(StreamAggregate):
    """One person, as far as the city's services need to know."""

    TOPIC: ClassVar[str] = "citizen"
    category: ClassVar[str] = "citizen"
    personal: ClassVar[bool] = True
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (
        CitizenRegistered,
        IdentityConfirmed,
        FaceConsentGiven,
        FaceConsentWithdrawn,
        ConsentGiven,
        ConsentWithdrawn,
        FaceEnrolmentApproved,
        FaceEnrolled,
        DuplicateSuspected,
        DuplicateResolved,
        FaceVerified,
        FaceAttemptFailed,
        FaceIdentified,
        FaceRevoked,
        DocumentAdded,
        *record_events.EVENTS,
    )
    class_version = 8  # of snapshots

    def __init__(
        self,
        name_sealed: str,
        id_number_sealed: str,
        birth_date_sealed: str,
        phone_sealed: str | None,
        simulated: bool,
        document: str = RESIDENT_CARD,
    ) -> None:
        self.name_sealed = name_sealed
        self.id_number_sealed = id_number_sealed
        self.birth_date_sealed = birth_date_sealed
        self.phone_sealed = phone_sealed
        self.simulated = simulated
        self.document = document
        self.documents: list[list[str]] = []
        self.consent_id: str | None = None
        self.consents: dict[str, list[str]] = {}
        self.templates: dict[str, str] = {}
        self.duplicates: dict[str, str] = {}
        self.failures: dict[str, list[datetime]] = {}
        self.enrolment_approval: list[Any] | None = None
        self.identified: dict[str, dict[str, list[Any]]] = {}
        self.identified_by: dict[str, dict[str, dict[str, list[Any]]]] = {}
        self.face_removed = False
        self.passcode_sealed: str | None = None
        self.proofs_failed_at: list[datetime] = []
        self.corrections: dict[str, dict[str, Any]] = {}
        self.died_on_sealed: str | None = None
        self.key_sealed: str | None = None
        self.former_numbers_sealed: list[str] = []
        self.identity_corrected_at: datetime | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Older snapshots do not know who was identified for what; that counts for minutes."""
        state["identified"] = {}

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """Before that, a person had one document, of a kind that was taken for granted."""
        state["document"], state["documents"] = RESIDENT_CARD, []

    @staticmethod
    def upcast_v3_v4(state: dict[str, Any]) -> None:
        """Before that, an identification had no level, and a record was never corrected."""
        state["identified"] = {
            purpose: {level_of(found[0]).value: found}
            for purpose, found in state["identified"].items()
        }
        state["passcode_sealed"] = state["died_on_sealed"] = state["key_sealed"] = None
        state["proofs_failed_at"], state["corrections"] = [], {}

    @staticmethod
    def upcast_v4_v5(state: dict[str, Any]) -> None:
        """Before that, nobody kept who had tried, identified or approved; it counts for minutes."""
        state["failures"] = {UNKNOWN: state.pop("failed_at", [])}
        state["confirmed"], state["enrolment_approval"] = {}, None

    @staticmethod
    def upcast_v5_v6(state: dict[str, Any]) -> None:
        """Before that, nobody kept what the number was before a correction."""
        state["former_numbers_sealed"] = []

    @staticmethod
    def upcast_v6_v7(state: dict[str, Any]) -> None:
        """Before that, nobody kept by whom a face or a phone had identified, or removed faces.

        Nor when it was corrected: not after this.
        """
        del state["confirmed"]
        state["identified_by"], state["face_removed"] = {}, False
        corrected = bool(state["former_numbers_sealed"])
        state["identity_corrected_at"] = state["_modified_on"] if corrected else None

    @staticmethod
    def upcast_v7_v8(state: dict[str, Any]) -> None:
        """Before that, people agreed to nothing but face recognition."""
        state["consents"] = {}

    @classmethod
    def register(
        cls,
        actor: Actor,
        now: datetime,
        *,
        citizen_id: str,
        sealed: SealedPerson,
        simulated: bool,
        document: str = RESIDENT_CARD,
    ) -> "Citizen":
        """A clerk registers a person at a counter."""
        check_counter(actor)
        return cls._create(
            CitizenRegistered,
            id=citizen_id,
            timestamp=now,
            simulated=simulated,
            document=document,
            **asdict(sealed),
        )

    def add_document(
        self, actor: Actor, now: datetime, *, document: str, number_sealed: str
    ) -> None:
        """A clerk has seen another document of this person."""
        check_counter_of(self.id, actor)
        check_served(self, actor, now, RECORD_PURPOSE)
        self._trigger(DocumentAdded, now, document=document, number_sealed=number_sealed)

    def confirm_identity(
        self,
        actor: Actor,
        now: datetime,
        *,
        method: str,
        purpose: str,
        document: str,
        code_id: str | None,
    ) -> None:
        """A clerk says who stands before them; a face is never the only way."""
        check_counter_of(self.id, actor)
        self.check_alive()
        self._trigger(
            IdentityConfirmed,
            now,
            method=method,
            purpose=purpose,
            document=document,
            code_id=code_id,
            level=level_of(method).value,
            confirmed_by=actor.subject,
        )

    def give_face_consent(
        self,
        actor: Actor,
        now: datetime,
        *,
        consent_id: str,
        notice_sha256: str,
        age_years: int,
        guardian: str | None,
    ) -> None:
        """Agree to face recognition; a child under 14 through a guardian at the counter."""
        self.check_may_act(actor)
        check_served(self, actor, now, FACE_PURPOSE)
        self.check_alive()
        if age_years < CHILD_UNDER_YEARS and (guardian is None or not actor.has(*COUNTER)):
            raise GuardianRequired(f"under {CHILD_UNDER_YEARS}, a guardian agrees, at a counter")
        self._trigger(
            FaceConsentGiven,
            now,
            consent_id=consent_id,
            notice_sha256=notice_sha256,
            guardian=guardian,
        )

    def withdraw_face_consent(self, actor: Actor, now: datetime) -> None:
        """End the agreement; the templates end with it."""
        self.check_may_act(actor)
        check_served(self, actor, now, FACE_PURPOSE)
        if self.consent_id is None:
            raise ConsentMissing("there is no consent to withdraw")
        self.end_face(now, "consent withdrawn")
        self._trigger(FaceConsentWithdrawn, now)

    def check_may_enrol(self, actor: Actor, now: datetime) -> str | None:
        """Who approved it, at a counter; raises where no template may be made."""
        self.check_may_act(actor)
        check_served(self, actor, now, FACE_PURPOSE)
        self.check_alive()
        if self.consent_id is None:
            raise ConsentMissing("face recognition needs a separate consent first")
        if self.face_removed and is_own(self, actor):  # else a removal would replace it by any
            raise FaceRemovedBefore("a face was removed before; a counter enrols one again")
        return approver_of(self, actor, now)

    def enrol_face(
        self,
        actor: Actor,
        now: datetime,
        *,
        template_id: str,
        duplicates: Sequence[dict[str, Any]],
        **use: Any,
    ) -> None:
        """Record a new template, and suspected duplicates for an officer."""
        approved_by = self.check_may_enrol(actor, now)
        by = {} if approved_by is None else {"enrolled_by": actor.subject}
        self._enrol(now, template_id, use | by | {"approved_by": approved_by})
        for duplicate in duplicates:
            self.suspect_duplicate(now, template_id=template_id, **duplicate)

    def suspect_duplicate(self, now: datetime, **duplicate: Any) -> None:
        """Record a face that is somebody else's, too, unless an officer has told them apart."""
        if self.is_new_suspicion(duplicate["other"]):
            self._trigger(DuplicateSuspected, now, **duplicate)

    def is_new_suspicion(self, other: str) -> bool:
        """Whether an officer does not have this pair before them, and has not told them apart."""
        return self.duplicates.get(other) not in (SUSPECTED, DIFFERENT_PEOPLE)

    def enrol_next_template(self, now: datetime, *, template_id: str, **use: Any) -> None:
        """Record a template of the next model pack, made from a sample that was just accepted."""
        if use["template_version"] not in self.templates:
            self._enrol(now, template_id, use)

    def resolve_duplicate(self, actor: Actor, now: datetime, *, other: str, verdict: str) -> None:
        """A supervisor looked at both; one person twice loses the template."""
        if not actor.has(Role.SUPERVISOR):
            raise NotYourOwn("only a supervisor says whether two people are one")
        if actor.subject in (self.id, other):
            raise NotYourOwn("nobody says so of their own face")
        if self.duplicates.get(other) != SUSPECTED:
            raise NoSuchDuplicate("this duplicate is not suspected, or was resolved")
        self._trigger(DuplicateResolved, now, other=other, verdict=verdict)
        if verdict == SAME_PERSON:
            self.end_face(now, "registered twice")

    def check_may_attempt(self, actor: Actor, now: datetime, template_version: str) -> str:
        """The id of the template to compare with; raises where no attempt is allowed."""
        self.check_may_act(actor, Role.KIOSK)
        self.check_alive()
        if self.consent_id is None:
            raise ConsentMissing("face recognition needs a separate consent first")
        if len(self._failed_at(actor.subject, now)) >= FAILURES_ALLOWED:
            raise TooManyAttempts(
                "too many attempts failed; use a one-time code or a counter, or wait",
                retry_after_seconds=int(FAILURES_WINDOW.total_seconds()),
            )
        if SUSPECTED in self.duplicates.values():
            raise FaceUnderReview("an officer has to look first; use a one-time code or a counter")
        if template_version not in self.templates:
            raise NotEnrolled("no face is enrolled with the model pack in use; enrol again")
        return self.templates[template_version]

    def verify_face(self, actor: Actor, now: datetime, **decision: Any) -> None:
        """Record a comparison; an attempt that others have used up meanwhile is refused."""
        current = self.check_may_attempt(actor, now, decision["template_version"])
        if current != decision["template_id"]:
            raise TemplateReplaced("the template was replaced meanwhile; scan again")
        by = {"level": level_of(Method.FACE).value, "started_by": actor.subject}
        self._trigger(FaceVerified, now, **by, **decision)

    def fail_attempt(self, actor: Actor, now: datetime, **failure: Any) -> None:
        """Record an attempt that did not get as far as a comparison."""
        self.check_may_act(actor, Role.KIOSK)
        self._trigger(FaceAttemptFailed, now, started_by=actor.subject, **failure)

    def identify_face(self, now: datetime, **finding: Any) -> None:
        """Record that a 1:N search put this citizen first."""
        self._trigger(FaceIdentified, now, **finding)

    def revoke_face(self, actor: Actor, now: datetime, *, reason: str) -> None:
        """Destroy all templates."""
        self.check_may_act(actor)
        check_served(self, actor, now, FACE_PURPOSE)
        if not self.templates:
            raise NotEnrolled("there is no template to revoke")
        self._revoke(now, reason)

    def check_may_act(self, actor: Actor, *others: Role) -> None:
        """A citizen on their own stream, clerks on any; raises `NotYourOwn`."""
        own = actor.has(Role.CITIZEN) and actor.subject == self.id
        if not own and not actor.has(*COUNTER, *others):
            raise NotYourOwn("citizens act for themselves only")

    def check_alive(self) -> None:
        """Raise `PersonDeceased` where a death has been noted."""
        if self.died_on_sealed is not None:
            raise PersonDeceased("this person's death has been noted")

    def identification(
        self, purpose: str, since: datetime, needed: str = Assurance.LOW, by: str | None = None
    ) -> Identification | None:
        """The last identification for a purpose, as sure as needed and not older than `since`.

        Where `by` is named, the last that they have made.
        """
        kept = self.identified.get(purpose, {})
        if by is not None:
            kept = self.identified_by.get(purpose, {}).get(by, {})
        found = [
            Identification(method, at, version, level)
            for level, (method, at, version) in kept.items()
            if Assurance(level).meets(needed)
        ]
        recent = [known for known in found if known.identified_at >= since]
        return max(recent, key=lambda known: known.identified_at, default=None)

    def note_identification(self, event: Any, method: str, by: str | None) -> None:
        """Keep the last identification for each purpose and level, and of each who made one."""
        level, at = event.level or level_of(method).value, event.timestamp
        found = [method, at, event.originator_version]
        self.identified.setdefault(event.purpose, {})[level] = found
        if by is not None:
            others = {
                who: levels
                for who, levels in self.identified_by.get(event.purpose, {}).items()
                if any(at - then <= KEPT_BY_EACH for _, then, _ in levels.values())
            }
            self.identified_by[event.purpose] = others | {by: others.get(by, {}) | {level: found}}

    def note_attempt(self, at: datetime, started_by: str | None, *, failed: bool) -> None:
        """Keep the failures that still count, by who began them; a success clears those."""
        by = started_by or UNKNOWN
        kept = {
            each: [then for then in times if at - then < FAILURES_WINDOW]
            for each, times in self.failures.items()
            if each != by or failed
        }
        if failed:
            kept[by] = [*kept.get(by, []), at]
        self.failures = {each: times for each, times in kept.items() if times}

    def _failed_at(self, subject: str, now: datetime) -> list[datetime]:
        """The failures that count against whoever tries: what others began does not."""
        counted = (*self.failures.get(subject, ()), *self.failures.get(UNKNOWN, ()))
        return [at for at in counted if now - at < FAILURES_WINDOW]

    def note(self, event: type[StreamEvent], now: datetime, **fields: Any) -> None:
        """Record what was decided elsewhere: `records`, `proving`, `serving`, `consents`."""
        self._trigger(event, now, **fields)

    def end_face(self, now: datetime, reason: str) -> None:
        """Destroy the templates, where there are any."""
        if self.templates:
            self._revoke(now, reason)

    def _enrol(self, now: datetime, template_id: str, use: dict[str, Any]) -> None:
        self._trigger(
            FaceEnrolled,
            now,
            template_id=template_id,
            consent_id=self.consent_id,
            replaced_template_id=self.templates.get(use["template_version"]),
            **use,
        )

    def _revoke(self, now: datetime, reason: str) -> None:
        template_ids = sorted(self.templates.values())
        self._trigger(FaceRevoked, now, reason=reason, template_ids=template_ids)

    def _trigger(self, event: type[StreamEvent], now: datetime, **fields: Any) -> None:
        self.trigger_event(event, timestamp=max(now, self.modified_on), **fields)


def check_counter(actor: Actor) -> None:
    """Raise `NotYourOwn` unless this is a clerk or the system."""
    if not actor.has(*COUNTER):
        raise NotYourOwn("only a clerk at a counter does this")


def check_counter_of(citizen_id: str, actor: Actor) -> None:
    """Raise `NotYourOwn` unless this is a clerk or the system, and not the person themselves."""
    check_counter(actor)
    if actor.subject == citizen_id:
        raise NotYourOwn("nobody does this for themselves: another clerk does")
