"""Tells whoever reported a case and left an address of mail what becomes of it.

It says what the messages to telephones say. A mail server that is away is tried again, for as long
as the news are news; nobody else waits for it. What it refuses for good is left out.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar, Final

import structlog

from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.errors import Unavailable
from citybrain.eventstore import RecordedEvent
from citybrain.mail import Mailer, MailRefused
from commands.handling import CommandContext
from commands.inspection.contacts import mails_of_reporter
from commands.inspection.processes.notices import TEXTS, is_told, text_of, with_merged
from commands.services import Services

log = structlog.get_logger(__name__)

NEWS: Final = timedelta(hours=1)
"""Later nobody is told by mail: neither after a long outage nor of all that was before mail was."""

SUBJECT: Final = "您反映的问题有新进展 / News of what you reported"


class CaseMails:
    """The process manager of mail to reporters."""

    name: ClassVar[str] = "case-mails"
    topics: ClassVar[tuple[str, ...]] = tuple(TEXTS)

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Mail what `event` means; raises `Unavailable` where it is to be tried again."""
        mailer = services.mailer
        if mailer is None or services.clock() - event.recorded_at > NEWS:
            return
        case = await services.store.load(InspectionCase, event.stream_id, fresh=False)
        if not is_told(event, case):
            return
        addresses: dict[str, None] = {}
        for case_id in await with_merged(case, services):
            addresses.update(dict.fromkeys(await _addresses(case_id, services)))
        for address in addresses:
            whom = (await services.vault.digest("case-mail", address.encode())).hex()
            await _mail(mailer, address, event, context_for(whom))


async def _addresses(case_id: str, services: Services) -> list[str]:
    """Where whoever reported it is told by mail."""
    case = await services.store.load(InspectionCase, case_id, fresh=False)
    if case.source != CaseSource.CITIZEN:
        return []
    (first,) = await services.store.read(case_id, limit=1)
    return await mails_of_reporter(case_id, str(first.metadata.get("actor")), services)


async def _mail(
    mailer: Mailer, address: str, event: RecordedEvent, context: CommandContext
) -> None:
    try:
        await mailer.send(address, SUBJECT, text_of(event), context.command_id)
    except Unavailable as error:
        log.info("case_mail_put_off", case_id=event.stream_id, code=error.code)
        raise
    except MailRefused as error:
        log.warning("case_mail_not_sent", case_id=event.stream_id, code=error.code)
