"""Who read my data: each reading and each change of what is about a citizen by anybody else.

Readings leave `access.recorded` before anything is shown; whatever else somebody does leaves an
event in the stream that it is about. A stream is a citizen's own, or one whose first event names
them (`citizen_id`). Of what the rules do by themselves it shows what they open: departments'
records, the dossier, the account that is paid.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
from pydantic import BaseModel, Field

from citybrain.domain.stream import category_of
from citybrain.eventstore import RecordedEvent
from projections.reading import Pool, Row, columns, fetch

TABLES = """
CREATE TABLE owners (
    stream_id  text COLLATE "C" PRIMARY KEY,
    citizen_id text COLLATE "C" NOT NULL,
    service    text COLLATE "C"
);
CREATE TABLE accesses (
    citizen_id text COLLATE "C" NOT NULL,
    access_id  text COLLATE "C" NOT NULL,
    at         timestamptz NOT NULL,
    who        text COLLATE "C" NOT NULL,
    role       text COLLATE "C",
    department text COLLATE "C",
    counter    text COLLATE "C",
    what       text NOT NULL,
    purpose    text NOT NULL,
    through    text NOT NULL,
    about      text COLLATE "C" NOT NULL,
    stream_id  text COLLATE "C" NOT NULL,
    version    bigint NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (citizen_id, at, access_id)
);
"""
KNOW = "INSERT INTO owners SELECT * FROM unnest($1::text[], $2::text[], $3::text[])"
OWNERS = "SELECT stream_id, citizen_id, service FROM owners WHERE stream_id = ANY($1)"


class AccessFacts(BaseModel):
    """Who used the data, which, and for what. `what` and `purpose` are codes."""

    at: datetime
    who: str
    role: str | None
    department: str | None
    counter: str | None
    what: str
    purpose: str
    through: str = Field(description="the operation of the API, the command, or what was done")
    about: str = Field(description="the stream that was read: the citizen, an application")
    stream_id: str = Field(description="where it is on the record")
    version: int


COLUMNS = ("citizen_id", "access_id", *AccessFacts.model_fields, "position")

CITIZEN, SYSTEM = "citizen", "system"  # a category and a role
RECORDED = "access.recorded"
REQUESTED, OPENED = "application.evidence_requested", "application.opened"
RESOLVED = "citizen.duplicate_resolved"
PROOF = "parking.plate_proof_requested"
PAYMENT, DEBIT = "parking.payment_requested", "debit"  # a topic and a channel

ALWAYS = {
    "citizen.face_verified": "face-compared",
    "citizen.face_identified": "face-searched",
    "citizen.identity_confirmed": "document-seen",
}
"""Uses of a face or a document, whoever held it up."""

BY_RULES = {
    "application.decided": "dossier",
    "application.payout_instructed": "payout-account",
    PAYMENT: "debit-account",
}
"""What rules open by themselves, beside the records that they ask for."""

BY_OTHERS = {
    "citizen.registered": "registered",
    "citizen.document_added": "document-added",
    "citizen.name_changed": "name-changed",
    "citizen.phone_changed": "phone-changed",
    "citizen.passcode_set": "passcode-set",
    "citizen.correction_proposed": "correction-proposed",
    "citizen.correction_settled": "correction-settled",
    "citizen.identity_corrected": "identity-corrected",
    "citizen.death_noted": "death-noted",
    "citizen.death_retracted": "death-retracted",
    "citizen.proof_failed": "proof-failed",
    "citizen.face_consent_given": "face-consent",
    "citizen.face_consent_withdrawn": "face-consent-withdrawn",
    "citizen.consent_given": "consent",
    "citizen.consent_withdrawn": "consent-withdrawn",
    "citizen.face_enrolment_approved": "face-enrolment-approved",
    "citizen.face_enrolled": "face-enrolled",
    "citizen.face_revoked": "face-revoked",
    "citizen.face_attempt_failed": "face-attempt",
    RESOLVED: "duplicate-resolved",
    "application.submitted": "submitted",
    "application.withdrawn": "withdrawn",
    "application.taken_over": "taken-over",
    "application.appealed": "appealed",
    "application.reviewed": "reviewed",
    "application.review_proposed": "review-proposed",
    "application.proposal_turned_back": "proposal-turned-back",
    "application.review_refused": "review-refused",
    "application.document_added": "application-document-added",
    "application.message_sent": "message-sent",
    "draft.begun": "draft-begun",
    "draft.saved": "draft-saved",
    "draft.continued": "draft-continued",
    "draft.submitted": "draft-submitted",
    "draft.discarded": "draft-discarded",
    "application.certificate_issued": "certificate-issued",
    "application.sent_back": "sent-back",
    "application.resubmitted": "resubmitted",
    "application.task_claimed": "task-claimed",
    "application.task_released": "task-released",
    REQUESTED: "records-asked-again",
    "parking.claim_raised": "parking-claim-raised",
    "parking.claim_reduced": "parking-claim-reduced",
    "parking.claim_suspended": "parking-claim-suspended",
    "parking.claim_resumed": "parking-claim-resumed",
    "parking.mismatch_dismissed": "parking-mismatch-dismissed",
    "parking.reduction_denied": "parking-reduction-denied",
    "parking.reduction_proposed": "parking-reduction-proposed",
    "parking.refund_requested": "parking-refund-requested",
    PAYMENT: "parking-payment-requested",
    "parking.reservation_held": "parking-reservation-made",
    "parking.reservation_cancelled": "parking-reservation-cancelled",
    "parking.reservation_moved": "parking-reservation-moved",
    "parking.reservation_deposit_asked": "parking-reservation-deposit",
    "parking.reservation_conflict_raised": "parking-reservation-conflict",
    "parking.reservation_conflict_settled": "parking-reservation-settled",
    "parking.permit_decision_proposed": "parking-permit-proposed",
    "parking.permit_decision_turned_back": "parking-permit-turned-back",
    "parking.permit_granted": "parking-permit-granted",
    "parking.permit_denied": "parking-permit-denied",
    "parking.permit_ended": "parking-permit-ended",
}
CHANGED = "changed"
"""Of what has no word of its own yet."""

PURPOSES = {
    PROOF: "parking-debit",
    "citizen.face_identified": "identification",
    "citizen.face_enrolment_approved": "enrol",
    "citizen.face_enrolled": "enrol",
    RESOLVED: "duplicate-check",
}
COUNTER, FACE, GUARDIAN = "counter-service", "face-recognition", "guardian"


class Owner(NamedTuple):
    """Whose a stream is, and the service it is for."""

    citizen_id: str
    service: str | None


class DataAccesses:
    """The read model `data_accesses`."""

    name = "data_accesses"
    version = 3
    topics = None  # whatever is done to what is about a person
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch's accesses."""
        new = [event for event in events if _names_its_owner(event)]
        if new:
            await connection.execute(
                KNOW,
                [event.stream_id for event in new],
                [event.data["citizen_id"] for event in new],
                [event.data.get("service") for event in new],
            )
        wanted = {event.stream_id for event in events}
        wanted.update(
            stream for event in events if event.topic == RECORDED for stream in event.data["about"]
        )
        rows = await connection.fetch(OWNERS, list(wanted))
        owners = {row["stream_id"]: Owner(row["citizen_id"], row["service"]) for row in rows}
        accesses = [row for event in events for row in _rows(event, owners)]
        await connection.copy_records_to_table("accesses", columns=COLUMNS, records=accesses)


def _names_its_owner(event: RecordedEvent) -> bool:
    return event.version == 1 and b'"citizen_id":"' in event.state


def _owner(stream_id: str, owners: Mapping[str, Owner]) -> Owner | None:
    own = Owner(stream_id, None) if category_of(stream_id) == CITIZEN else None
    return owners.get(stream_id, own)


def _rows(event: RecordedEvent, owners: Mapping[str, Owner]) -> Iterator[tuple[Any, ...]]:
    if event.topic == RECORDED:
        said = {name: event.data[name] for name in AccessFacts.model_fields if name in event.data}
        for place, about in enumerate(event.data["about"]):
            if owner := _owner(about, owners):
                yield _row(event, owner.citizen_id, place, **said | {"about": about})
        return
    owner = _owner(event.stream_id, owners)
    if owner is None:
        return
    for place, (citizen_id, said) in enumerate(_said(event, owner)):
        yield _row(event, citizen_id, place, **said)


def _said(event: RecordedEvent, owner: Owner) -> Iterator[tuple[str, dict[str, Any]]]:
    """What an event of a person's stream says, and to whom: themselves, or another in it."""
    data, metadata, topic = event.data, event.metadata, event.topic
    who, role = metadata.get("actor"), metadata.get("role")
    said = {"who": who or "unknown", "role": role, "purpose": _purpose(event, owner)}
    if topic == OPENED:
        asked = {name: data[name] for name in ("what", "purpose")}
        yield owner.citizen_id, said | asked | {"who": data["reader"]}
        return
    for request in _asked_for(event):
        department = request["department"]
        delivers = {"who": department, "role": SYSTEM, "department": department}
        yield owner.citizen_id, said | delivers | {"what": request["record"]}
    by_somebody = who not in (None, owner.citizen_id) and role != SYSTEM
    pays_themselves = topic == PAYMENT and data["channel"] != DEBIT
    if not pays_themselves and (what := ALWAYS.get(topic) or BY_RULES.get(topic)):
        yield owner.citizen_id, said | {"what": what}
    elif by_somebody:
        yield owner.citizen_id, said | {"what": BY_OTHERS.get(topic, CHANGED)}
    if topic == RESOLVED:
        yield data["other"], said | {"what": BY_OTHERS[topic]}
    if data.get("guardian") and by_somebody:
        yield data["guardian"], said | {"what": "birth-date", "purpose": GUARDIAN}


def _asked_for(event: RecordedEvent) -> Sequence[Mapping[str, Any]]:
    """The records that departments are asked for: each with its department."""
    if event.topic == PROOF:
        return [event.data]
    return event.data["requests"] if event.topic == REQUESTED else ()


def _purpose(event: RecordedEvent, owner: Owner) -> str:
    by_topic = PURPOSES.get(event.topic) or (FACE if ".face_" in event.topic else COUNTER)
    return event.data.get("purpose") or owner.service or by_topic


def _row(
    event: RecordedEvent,
    citizen_id: str,
    place: int,
    *,
    who: str,
    role: str | None,
    what: str,
    purpose: str,
    department: str | None = None,
    counter: str | None = None,
    through: str | None = None,
    about: str | None = None,
) -> tuple[Any, ...]:
    return (
        citizen_id,
        f"{event.position:020}-{place:06}",
        event.data["timestamp"],
        who,
        role,
        department,
        counter,
        what,
        purpose,
        through or event.topic,
        about or event.stream_id,
        event.stream_id,
        event.version,
        event.position,
    )


PAGE = f"""
SELECT {columns(AccessFacts, "access_id")} FROM data_accesses.accesses
WHERE citizen_id = $1 AND ($2::timestamptz IS NULL OR (at, access_id) < ($2, $3::text))
ORDER BY at DESC, access_id DESC LIMIT $4
"""  # noqa: S608


async def page(
    pool: Pool, citizen_id: str, *, after: tuple[datetime, str] | None = None, limit: int = 50
) -> list[Row]:
    """Who used a citizen's data, newest first; `after` is (at, access_id) of the last seen."""
    at, access_id = after or (None, None)
    return await fetch(pool, PAGE, citizen_id, at, access_id, limit)
