"""An application with what is sealed in it, opened: for deciding, explaining and replaying.

Nothing that is opened here may be logged, put into an error or stored unsealed.
"""

import base64
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from citybrain.city_day import city_day
from citybrain.eventstore import RecordedEvent, StreamNotFound
from citybrain.vault import InStream
from commands.services import Services

SUBMITTED, REQUESTED = "application.submitted", "application.evidence_requested"
COLLECTED, DECIDED = "application.evidence_collected", "application.decided"
RESUBMITTED = "application.resubmitted"
FORM, STEPS, NOTE, GROUNDS, RECEIPT = "form", "steps", "note", "grounds", "receipt"  # seals
MESSAGE, CERTIFICATE = "message", "certificate"


@dataclass(frozen=True, slots=True)
class Dossier:
    """The form's answers and the records of the last round; both personal."""

    application_id: str
    citizen_id: str
    service: str
    submitted_on: date
    requested_at: datetime
    form: dict[str, Any]
    evidence: dict[str, dict[str, Any]]
    digests: dict[str, str]
    events: list[RecordedEvent]

    @property
    def today(self) -> date:
        """The city's day on which the records were asked for: rules look from there."""
        return city_day(self.requested_at)


def evidence_purpose(material: str) -> str:
    """What an answer is sealed for."""
    return f"evidence:{material}"


async def open_dossier(
    application_id: str, services: Services, up_to_version: int | None = None
) -> Dossier:
    """Read a stream and open its seals; raises `StreamNotFound` and the vault's errors."""
    events = await services.store.read(application_id, up_to_version=up_to_version)
    if not events or events[0].topic != SUBMITTED:
        raise StreamNotFound("there is no such application")
    submitted = events[0]
    citizen_id = submitted.data["citizen_id"]
    asked, answers = _last_round(events)
    form, *signed = await services.vault.open_texts(
        citizen_id,
        [(InStream(FORM, application_id), _form_sealed(events))]
        + [
            (InStream(evidence_purpose(name), application_id), data["signed_sealed"])
            for name, data in answers.items()
        ],
    )
    return Dossier(
        application_id,
        citizen_id,
        submitted.data["service"],
        city_day(submitted.data["timestamp"]),
        asked,
        orjson.loads(form),
        {name: record_of(text) for name, text in zip(answers, signed, strict=True)},
        {name: data["sha256"] for name, data in answers.items()},
        events,
    )


def _form_sealed(events: list[RecordedEvent]) -> str:
    """The form as it was corrected last."""
    (*_, last) = (event for event in events if event.topic in (SUBMITTED, RESUBMITTED))
    form: str = last.data["form_sealed"]
    return form


def _last_round(events: list[RecordedEvent]) -> tuple[datetime, dict[str, dict[str, Any]]]:
    """When records were last asked for, and what was answered then, by material."""
    asked = events[0].data["timestamp"]
    answers: dict[str, dict[str, Any]] = {}
    for event in events:
        if event.topic == REQUESTED:
            asked, answers = event.data["timestamp"], {}
        elif event.topic == COLLECTED:
            answers[event.data["material"]] = event.data
    return asked, answers


def record_of(signed: str) -> dict[str, Any]:
    """The record in a department's signed answer, which was verified on arrival."""
    record: dict[str, Any] = claims_of(signed)["record"]
    return record


def claims_of(signed: str) -> dict[str, Any]:
    """What a compact JWS says that was verified on arrival."""
    payload = signed.split(".")[1]
    claims: dict[str, Any] = orjson.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims
