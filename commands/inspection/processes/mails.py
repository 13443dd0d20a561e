"""Tells whoever reported a case and left an address of mail what becomes of it.

It says what the messages to telephones say. A mail server that is away is tried again, for as long
as the news are news; nobody else waits for it. What it refuses for good is left out.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import ClassVar, Final

from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.eventstore import RecordedEvent
from citybrain.mail import Mailer
from commands.inspection.contacts import mails_of_reporter
from commands.inspection.processes.notices import TEXTS, is_told, text_of, with_merged
from commands.processes.telling import Message, Teller
from commands.services import Services

NEWS: Final = timedelta(hours=1)
"""Later nobody is told by mail: neither after a long outage nor of all that was before mail was."""

SEND_SECONDS: Final = 60.0
"""A mail is several steps, each of which a mail server may take its time for."""

SUBJECT: Final = "您反映的问题有新进展 / News of what you reported"


class CaseMails(Teller):
    """The process manager of mail to reporters."""

    name: ClassVar[str] = "case-mails"
    topics: ClassVar[tuple[str, ...]] = tuple(TEXTS)
    news: ClassVar[timedelta] = NEWS
    send_seconds: ClassVar[float] = SEND_SECONDS

    async def messages(self, event: RecordedEvent, services: Services) -> Sequence[Message]:
        """What `event` means to whoever left an address."""
        mailer = services.mailer
        if mailer is None or services.clock() - event.recorded_at > NEWS:
            return ()
        case = await services.store.load(InspectionCase, event.stream_id, fresh=False)
        if not is_told(event, case):
            return ()
        addresses = dict[str, None]()
        for case_id in await with_merged(case, services):
            with self.leaving_out(event):
                addresses.update(dict.fromkeys(await _addresses(case_id, services)))
        return [await _message(each, text_of(event), mailer, services) for each in addresses]


async def _addresses(case_id: str, services: Services) -> list[str]:
    """Where whoever reported it is told by mail."""
    case = await services.store.load(InspectionCase, case_id, fresh=False)
    if case.source != CaseSource.CITIZEN:
        return []
    (first,) = await services.store.read(case_id, limit=1)
    return await mails_of_reporter(case_id, str(first.metadata.get("actor")), services)


async def _message(address: str, text: str, mailer: Mailer, services: Services) -> Message:
    whom = (await services.vault.digest("case-mail", address.encode())).hex()
    return Message(whom, partial(mailer.send, address, SUBJECT, text))
