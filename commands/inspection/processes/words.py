"""Makes cases found by what people wrote of them and by their telephones; see `finding`.

It follows the log, so no report waits for it; what was erased in between is not made found.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson

from citybrain.domain.inspection.case_events import CaseSource
from citybrain.errors import NotFound
from citybrain.eventstore import RecordedEvent
from commands.handling import CommandContext
from commands.inspection.comments import COMMENT, COMMENT_KEPT
from commands.inspection.contacts import phones_of_reporter
from commands.inspection.finding import forget_words, remember_phones, remember_words
from commands.inspection.words import opened_words
from commands.services import Services

REPORTED, MODERATED = "case.reported", "case.text_moderated"
COMMENTED, ERASED = "case.commented", "case.text_erased"


class CaseWords:
    """The process manager of the words by which cases are found."""

    name: ClassVar[str] = "case-words"
    topics: ClassVar[tuple[str, ...]] = (REPORTED, MODERATED, COMMENTED, ERASED)

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Remember what the event says, or forget what is erased."""
        case_id, data = event.stream_id, event.data
        if event.topic == ERASED:
            await forget_words(case_id, services)
        elif event.topic == COMMENTED:
            await _remember_comment(case_id, data["comment_id"], event.recorded_at, services)
        elif event.topic == MODERATED or data["source"] != CaseSource.CAMERA:
            await _remember_text(case_id, data, services)
            if event.topic == REPORTED:
                kept_until = event.recorded_at + COMMENT_KEPT
                reporter = str(event.metadata.get("actor"))
                phones = await phones_of_reporter(case_id, reporter, services)
                await remember_phones(case_id, phones, services, kept_until)


async def _remember_text(case_id: str, data: dict[str, Any], services: Services) -> None:
    row = {
        "case_id": case_id,
        "description": data.get("description", ""),
        "description_sealed": data.get("description_sealed"),
    }
    (text,) = await opened_words(services.vault, [row])
    if text:
        await remember_words(case_id, text, services)


async def _remember_comment(
    case_id: str, comment_id: str, at: datetime, services: Services
) -> None:
    try:
        said = await services.vault.fetch(case_id, COMMENT, UUID(comment_id))
    except NotFound:
        return  # it is kept no more
    text = str(orjson.loads(said).get("text", ""))
    await remember_words(case_id, text, services, at + COMMENT_KEPT)
