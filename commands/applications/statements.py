"""What was said for and against a decision: the grounds of appeals, and officers' notes, opened."""

from typing import Any

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.application_events import ApplicationAppealed
from citybrain.domain.applications.reading_rights import Whose, sees_officers
from citybrain.domain.applications.review_events import (
    ApplicationProposalTurnedBack,
    ApplicationReviewed,
    ApplicationReviewProposed,
)
from citybrain.eventstore import RecordedEvent
from citybrain.vault import InStream
from commands.applications.unsealed import GROUNDS, NOTE
from commands.services import Services

APPLICANT, OFFICER = "applicant", "officer"
PROPOSAL = "proposal"
SAID = {
    ApplicationAppealed.TOPIC: ("grounds", APPLICANT),
    ApplicationReviewProposed.TOPIC: (PROPOSAL, OFFICER),
    ApplicationProposalTurnedBack.TOPIC: ("turned-back", OFFICER),
    ApplicationReviewed.TOPIC: ("decision", OFFICER),
}


async def statements(
    application: Application, actor: Actor, services: Services
) -> list[dict[str, Any]]:
    """All of them, in order. A department writes, not a person to be sought out.

    Nor is what waits for a second officer an amount for the applicant.
    """
    events = [event for event in await services.store.read(application.id) if event.topic in SAID]
    texts = await services.vault.open_texts(application.citizen_id, [_sealed(e) for e in events])
    said = [_said(event, text) for event, text in zip(events, texts, strict=True)]
    waits = bool(said) and said[-1]["what"] == PROPOSAL
    if waits and not sees_officers(actor, Whose.of(application)):
        said[-1]["amount_fen"] = None
    return said


def _sealed(event: RecordedEvent) -> tuple[InStream, str]:
    """What a text is sealed for, and the text."""
    if event.topic == ApplicationAppealed.TOPIC:
        return InStream(GROUNDS, event.stream_id), event.data["grounds_sealed"]
    return InStream(NOTE, event.stream_id), event.data["note_sealed"]


def _said(event: RecordedEvent, text: str) -> dict[str, Any]:
    what, by = SAID[event.topic]
    return {
        "at": event.data["timestamp"],
        "version": event.version,
        "what": what,
        "by": by,
        "outcome": event.data.get("outcome"),
        "reasons": event.data.get("reasons", []),
        "amount_fen": event.data.get("amount_fen"),
        "text": text,
    }
