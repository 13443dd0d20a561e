"""Tells people what was done with their face at a counter, by the city's messages.

Whoever stood there knows it; whoever did not learns that somebody else was taken for them. A
message says what was done, nothing personal. After a crash the last one may be sent again; what
cannot be sent now is sent later (`telling`).
"""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from citybrain.domain.citizens.citizen import Citizen
from citybrain.eventstore import RecordedEvent
from commands.citizens.phones import to_phone
from commands.processes.telling import Message, Teller
from commands.services import Services

ENROLLED = "citizen.face_enrolled"
HELP = "如非本人办理，请尽快到窗口 / if this was not you, go to a counter"
TEXTS = {
    ENROLLED: "窗口已为您录入人脸 / your face was enrolled at a counter",
    "citizen.face_consent_given": "窗口已为您办理人脸识别同意 / you agreed to face recognition "
    "at a counter",
    "citizen.face_revoked": "窗口已删除您的人脸 / your face was removed at a counter",
}


def at_a_counter(event: RecordedEvent) -> bool:
    """Whether somebody else than the person did it, for them."""
    if event.topic == ENROLLED:
        return event.data.get("enrolled_by") is not None
    return "clerk" in str(event.metadata.get("role")).split(",") and (
        event.metadata.get("actor") != event.stream_id
    )


class FaceNotices(Teller):
    """The process manager of messages about faces. It sends no command."""

    name: ClassVar[str] = "citizen-face-notices"
    topics: ClassVar[tuple[str, ...]] = tuple(TEXTS)

    async def messages(self, event: RecordedEvent, services: Services) -> Sequence[Message]:
        """What `event` means to the person, where a phone is registered."""
        if not at_a_counter(event):
            return ()
        citizen = await services.store.load(Citizen, event.stream_id, fresh=False)
        text = f"{TEXTS[event.topic]}; {HELP}"
        return [
            Message("notice", partial(to_phone, citizen.id, citizen.phone_sealed, text, services))
        ]
