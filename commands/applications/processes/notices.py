"""Tells applicants what became of their applications, by the city's messages.

A message names the service and what was decided, nothing personal. After a crash the last one
may be sent again; one that cannot be sent is left out: the application says the same.
"""

from collections.abc import Callable
from typing import ClassVar

import structlog

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.application_events import NOT_CORRECTED
from citybrain.domain.applications.document_events import APPLICANT
from citybrain.domain.applications.statuses import Status
from citybrain.domain.citizens import Citizen, PersonDeceased
from citybrain.errors import Unavailable
from citybrain.eventstore import RecordedEvent
from commands.applications.application import item_of
from commands.handling import CommandContext
from commands.services import Services

log = structlog.get_logger(__name__)

MESSAGE_SENT = "application.message_sent"
TEXTS = {
    "application.payout_confirmed": "款項已到賬 / the money is on your account",
    "application.payout_delayed": "款項處理中 / the bank takes longer than usual",
    "application.payout_failed": "付款未成功 / the payment failed, an officer sees to it",
    "application.claim_lost": "轉人工辦理 / an officer looks at it",
    "application.expired": "未完成身份核驗，申請已失效 / nobody was identified in time",
    "application.sent_back": "需要補正，請查看說明並重新提交 / please correct something: look, "
    "and submit it again",
    "application.correction_lapsed": "補正期限已過，轉人工辦理 / the time to correct it is over, "
    "an officer decides",
    MESSAGE_SENT: "您有一條新留言 / the department wrote to you",
}
NOT_CORRECTED_TEXT = "未在期限內補正，申請已失效 / nothing was corrected in time"
OUTCOMES: dict[str, str] = {
    Status.APPROVED: "已通過 / approved",
    Status.REFUSED: "未通過，可申請人工複核 / refused; you can ask for a person to look at it",
    Status.REFERRED: "轉人工辦理 / an officer looks at it",
}
DECIDED = ("application.decided", "application.reviewed")


def text_of(event: RecordedEvent) -> str | None:
    """What an event means to the applicant; nothing where they caused it, or have died."""
    if event.topic == MESSAGE_SENT and event.data["by"] == APPLICANT:
        return None
    if event.topic == "application.expired" and event.data.get("reason") == PersonDeceased.code:
        return None
    if event.topic == "application.expired" and event.data.get("reason") == NOT_CORRECTED:
        return NOT_CORRECTED_TEXT
    return OUTCOMES[event.data["outcome"]] if event.topic in DECIDED else TEXTS[event.topic]


class ApplicationNotices:
    """The process manager of messages to applicants."""

    name: ClassVar[str] = "application-notices"
    topics: ClassVar[tuple[str, ...]] = (*DECIDED, *TEXTS)

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Send what `event` means to the applicant, where a phone is registered."""
        application = await services.store.load(Application, event.stream_id, fresh=False)
        text = text_of(event)
        if text is None:
            return
        approved = event.topic in DECIDED and event.data["outcome"] == Status.APPROVED
        if approved and application.pays:
            return  # the money says so, in a moment
        citizen = await services.store.load(Citizen, application.citizen_id)
        if citizen.phone_sealed is None:
            return
        phone = await services.vault.open_text(citizen.id, "phone", citizen.phone_sealed)
        item = item_of(application, services)
        try:
            await services.notifier.send(phone, f"{item.name} / {item.name_en}: {text}")
        except Unavailable as error:
            log.info("notice_not_sent", application_id=application.id, code=error.code)
