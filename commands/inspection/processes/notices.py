"""Tells whoever reported a case, or follows it, what becomes of it, by the city's messages.

A message names the case and what its reporter may read of the step, and nobody. Who reported what
was merged is told of the case in which it goes on. Its id follows from the event and from who is
told: sent again after a crash or a fault, it is one message (`telling`).
"""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from citybrain.city_day import CITY_ZONE
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.domain.inspection.views import followers_of
from citybrain.domain.times import moment
from citybrain.eventstore import RecordedEvent
from commands.inspection.contacts import phone_of, phones_of_reporter
from commands.processes.telling import Message, Teller
from commands.services import Services

TEXTS = {
    "case.filed": ("已受理", "it is filed"),
    "case.accepted": ("已有部门接办", "a department has taken it on"),
    "case.returned": ("核查未通过，重新处置", "checked and not solved: it is handled again"),
    "case.closed": ("已办结", "it is closed"),
    "case.reopened": ("重新处置", "it is handled again"),
    "case.voided": ("不予处置，已结束", "it is closed without action"),
    "case.extended": ("处置时间延长", "it takes longer than planned"),
    "case.deferred": ("暂缓处置，{until} 前继续", "it has to wait, and goes on by {until}"),
    "case.resumed": ("恢复处置", "it goes on"),
    "case.merged": ("与此前反映的同一问题合并办理：{into}", "it goes on as {into}"),
}
MOST_MERGED = 100


class CaseNotices(Teller):
    """The process manager of messages to reporters."""

    name: ClassVar[str] = "case-notices"
    topics: ClassVar[tuple[str, ...]] = tuple(TEXTS)

    async def messages(self, event: RecordedEvent, services: Services) -> Sequence[Message]:
        """What `event` means to those who want to know, as far as they can be reached.

        The id of a message follows from a keyed digest of the telephone: nothing names it.
        """
        case = await services.store.load(InspectionCase, event.stream_id, fresh=False)
        if not is_told(event, case):
            return ()
        text, phones = text_of(event), dict[str, None]()
        for case_id in await with_merged(case, services):
            with self.leaving_out(event):
                phones.update(dict.fromkeys(await _phones(case_id, services)))
        return [await _message(phone, text, services) for phone in phones]


def is_told(event: RecordedEvent, case: InspectionCase) -> bool:
    """Whether there may be a person to tell: a camera that nobody follows reads no messages."""
    if case.simulated:
        return False
    if event.topic == "case.accepted" and event.data["department"] != case.lead:
        return False
    return bool(case.source != CaseSource.CAMERA or case.subscribers or case.absorbed)


def text_of(event: RecordedEvent) -> str:
    """What a reporter is told of an event, in simplified Chinese and in English."""
    data = event.data
    chinese, english = TEXTS[event.topic]
    if answer := data.get("public_answer"):
        chinese, english = f"{chinese}：{answer}", f"{english}: {answer}"
    until = data.get("until")
    shown = {
        "until": until and f"{moment(until).astimezone(CITY_ZONE):%Y-%m-%d %H:%M}",
        "into": data.get("into_case_id"),
    }
    if event.topic in ("case.deferred", "case.merged"):
        chinese, english = chinese.format(**shown), english.format(**shown)
    return f"案件 {event.stream_id}：{chinese}。 / Case {event.stream_id}: {english}."


async def with_merged(case: InspectionCase, services: Services) -> list[str]:
    """The case, and what was merged into it, and into that."""
    found = [case.id]
    waiting = list(case.absorbed)
    while waiting and len(found) <= MOST_MERGED:
        case_id = waiting.pop()
        if case_id not in found:
            found.append(case_id)
            waiting += (await services.store.load(InspectionCase, case_id, fresh=False)).absorbed
    return found


async def _phones(case_id: str, services: Services) -> list[str]:
    """By which telephones those who reported or follow a case are told."""
    case = await services.store.load(InspectionCase, case_id, fresh=False)
    (first,) = await services.store.read(case_id, limit=1)
    phones = []
    if case.source == CaseSource.CITIZEN:
        reporter = str(first.metadata.get("actor"))
        phones = await phones_of_reporter(case_id, reporter, services)
    followers = [await phone_of(each, services) for each in followers_of(case)]
    return [*phones, *(phone for phone in followers if phone is not None)]


async def _message(phone: str, text: str, services: Services) -> Message:
    whom = (await services.vault.digest("case-notice", phone.encode())).hex()
    return Message(whom, partial(services.notifier.send, phone, text))
