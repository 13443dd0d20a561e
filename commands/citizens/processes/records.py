"""What follows from a change of what is kept about a person: they are told, by the phone of before.

Whoever changed somebody's phone cannot keep it from them. A message names nothing personal; after a
crash the last one may be sent again, and what cannot be sent now is sent later (`telling`).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import ClassVar

from citybrain.domain.citizens.citizen import Citizen
from citybrain.eventstore import RecordedEvent
from citybrain.vault import PersonErased
from commands.citizens.documents import ADDED_NUMBER, ID_NUMBER
from commands.citizens.phones import to_phone
from commands.handling import CommandContext
from commands.processes.telling import Message, Teller
from commands.services import Services

PHONE, CORRECTED = "citizen.phone_changed", "citizen.identity_corrected"
COUNTER = "如非本人办理，请尽快到窗口 / if this was not you, go to a counter"
NEW_PHONE = "此号码已登记为您的手机号 / this phone is now registered for you"
TEXTS = {
    PHONE: "您登记的手机号已更改 / your registered phone was changed",
    "citizen.name_changed": "您登记的姓名已更改 / your registered name was changed",
    "citizen.passcode_set": "您的办事密码已设置 / your passcode was set",
    CORRECTED: "您登记的证件或出生日期已更正 / your document or day of birth was corrected",
    "citizen.death_noted": "此号码登记人已登记死亡 / the death of who has this phone was noted",
}


class RecordChanges(Teller):
    """The process manager of what follows from changes of a record. It sends no command."""

    name: ClassVar[str] = "citizen-records"
    topics: ClassVar[tuple[str, ...]] = tuple(TEXTS)

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Tell whom it concerns; a number that was never theirs finds them no more."""
        if event.topic == CORRECTED and event.data["mistaken"]:
            citizen = await services.store.load(Citizen, event.stream_id, fresh=True)
            with suppress(PersonErased):
                await _forget_others(event.data["key_sealed"], citizen, services)
        await super().react(event, services, context_for)

    async def messages(self, event: RecordedEvent, services: Services) -> Sequence[Message]:
        """What `event` means to whoever has the phone of before, and to who has the new one."""
        citizen = await services.store.load(Citizen, event.stream_id, fresh=True)
        text = f"{TEXTS[event.topic]}; {COUNTER}"

        def message(whom: str, phone_sealed: str | None, text: str) -> Message:
            return Message(whom, partial(to_phone, citizen.id, phone_sealed, text, services))

        if event.topic != PHONE:
            return [message("notice", citizen.phone_sealed, text)]
        return [
            message("notice", event.data["previous_sealed"], text),
            message("new-phone", event.data["phone_sealed"], NEW_PHONE),
        ]


async def _forget_others(key_sealed: str, citizen: Citizen, services: Services) -> None:
    """Leave the person found by the documents that they have; another may have come meanwhile."""
    sealed = [(ID_NUMBER, key) for key in (key_sealed, citizen.key_sealed) if key is not None]
    sealed += [(ADDED_NUMBER, number) for _, number in citizen.documents]
    keys = await services.vault.open_texts(citizen.id, sealed)
    await services.vault.index_only(citizen.id, ID_NUMBER, keys)
