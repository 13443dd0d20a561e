"""What somebody outside says of a case: noted in its stream, the words sealed in the vault."""

from datetime import datetime, timedelta

import orjson
from pydantic import Field

from citybrain.domain.inspection import comments
from citybrain.domain.inspection.case import InspectionCase
from commands.fields import LongText, Moment
from commands.handling import Command, CommandContext, CommandResult, once_a_key
from commands.inspection.case import change_case
from commands.services import Services

COMMENT = "case-comment"
COMMENT_KEPT = timedelta(days=180)


class CommentCase(Command):
    """Say something of a case. Text and contact are kept sealed, for a time."""

    text: LongText = ""
    contact: dict[str, str] = Field(default_factory=dict, description="how to reach the author")
    stated: str | None = Field(None, description="how it stands as the author sees it")
    written_at: Moment | None = None


@once_a_key
async def comment_case(
    case_id: str, command: CommentCase, context: CommandContext, services: Services
) -> CommandResult:
    """Seal what somebody says of a case, and note that they did."""

    def decide(case: InspectionCase, now: datetime, comment_id: str) -> None:
        comments.comment(
            case,
            context.actor,
            now,
            comment_id=comment_id,
            stated=command.stated,
            written_at=command.written_at,
        )

    # A refusal comes before anything is kept.
    decide(await services.store.load(InspectionCase, case_id), services.clock(), comment_id="")
    comment_id = await keep_comment(case_id, {"text": command.text, **command.contact}, services)
    return await change_case(
        case_id, command, context, services, lambda case, now: decide(case, now, comment_id)
    )


async def keep_comment(case_id: str, said: dict[str, str], services: Services) -> str:
    """Keep what somebody says of a case sealed, for a time; its id."""
    await services.vault.create_key(case_id)
    kept_until = services.clock() + COMMENT_KEPT
    return str(await services.vault.keep(case_id, COMMENT, orjson.dumps(said), kept_until))
