"""Drafts: what somebody has begun to fill in, kept until it is submitted, given up or too old.

Stream `draft-<id>`. What is filled in is in no event: the vault keeps it, sealed with the
applicant's key, and deletes it when the draft has ended or is too old. The topics below are the
storage format.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Channel, check_channel
from citybrain.domain.applications.refusals import DraftEnded, NotYourApplication
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent


class DraftStatus(StrEnum):
    """Where a draft stands."""

    OPEN = "open"
    SUBMITTED = "submitted"
    DISCARDED = "discarded"


# --- events -------------------------------------------------------------------------------


class DraftBegun(StreamCreated):
    """Somebody begins to fill in the form of a service; `content_id` is where the vault has it."""

    TOPIC: ClassVar[str] = "draft.begun"
    service: str
    citizen_id: str
    channel: str
    held_by: str
    content_id: str
    expires_at: datetime
    simulated: bool


class DraftSaved(StreamEvent):
    """More was filled in, or something else; its time begins anew."""

    TOPIC: ClassVar[str] = "draft.saved"
    content_id: str
    expires_at: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate.content_id, aggregate.expires_at = self.content_id, self.expires_at


class DraftContinued(StreamEvent):
    """The citizen goes on elsewhere."""

    TOPIC: ClassVar[str] = "draft.continued"
    left: str
    channel: str
    held_by: str

    def apply(self, aggregate: Any) -> None:
        aggregate.channel, aggregate.held_by = self.channel, self.held_by


class DraftSubmitted(StreamEvent):
    """It became an application."""

    TOPIC: ClassVar[str] = "draft.submitted"
    application_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = DraftStatus.SUBMITTED.value


class DraftDiscarded(StreamEvent):
    """The citizen gave it up."""

    TOPIC: ClassVar[str] = "draft.discarded"

    def apply(self, aggregate: Any) -> None:
        aggregate.status = DraftStatus.DISCARDED.value


EVENTS: tuple[type[StreamEvent], ...] = (
    DraftBegun,
    DraftSaved,
    DraftContinued,
    DraftSubmitted,
    DraftDiscarded,
)

# --- state and decisions ------------------------------------------------------------------


class Draft(StreamAggregate):
    """What one citizen has begun to apply for."""

    TOPIC: ClassVar[str] = "draft"
    category: ClassVar[str] = "draft"
    personal: ClassVar[bool] = True
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = EVENTS

    def __init__(
        self,
        service: str,
        citizen_id: str,
        channel: str,
        held_by: str,
        content_id: str,
        expires_at: datetime,
        simulated: bool,
    ) -> None:
        self.service = service
        self.citizen_id = citizen_id
        self.channel = channel
        self.held_by = held_by
        self.content_id = content_id
        self.expires_at = expires_at
        self.simulated = simulated
        self.status: str = DraftStatus.OPEN.value

    @classmethod
    def begin(
        cls,
        actor: Actor,
        now: datetime,
        *,
        service: str,
        citizen_id: str,
        channel: Channel,
        content_id: str,
        expires_at: datetime,
        simulated: bool,
    ) -> "Draft":
        """A citizen begins, or a clerk or a kiosk for the citizen before them."""
        check_channel(actor, channel, citizen_id)
        return cls._create(
            DraftBegun,
            id=cls.new_id(),
            timestamp=now,
            service=service,
            citizen_id=citizen_id,
            channel=channel.value,
            held_by=actor.subject,
            content_id=content_id,
            expires_at=expires_at,
            simulated=simulated,
        )

    @property
    def application_id(self) -> str:
        """The application that it becomes: however often it is submitted, it is one."""
        return f"application-{self.id.removeprefix(f'{self.category}-')}"

    @classmethod
    def id_of(cls, application_id: str) -> str:
        """The draft that an application was, if it was one."""
        return f"{cls.category}-{application_id.removeprefix('application-')}"

    def check_hand(self, actor: Actor, now: datetime) -> None:
        """Raise unless it is open, and this is its citizen or who has it before them."""
        self.check_reader(actor)
        if self.status != DraftStatus.OPEN or now >= self.expires_at:
            raise DraftEnded("the draft was submitted, given up, or is too old")

    def check_reader(self, actor: Actor) -> None:
        """Raise unless this is its citizen, or who has it before them."""
        own = actor.has(Role.CITIZEN) and actor.subject == self.citizen_id
        here = actor.has(Role.CLERK, Role.KIOSK) and actor.subject == self.held_by
        if not own and not here:
            raise NotYourApplication("a draft is its citizen's, and of who has it before them")

    def save(self, actor: Actor, now: datetime, *, content_id: str, expires_at: datetime) -> None:
        """Keep what is filled in now."""
        self.check_hand(actor, now)
        self._trigger(DraftSaved, now, content_id=content_id, expires_at=expires_at)

    def go_on(self, actor: Actor, now: datetime, *, channel: Channel) -> None:
        """Go on with it on another channel."""
        check_channel(actor, channel, self.citizen_id)
        if self.status != DraftStatus.OPEN or now >= self.expires_at:
            raise DraftEnded("the draft was submitted, given up, or is too old")
        if (channel, actor.subject) != (self.channel, self.held_by):
            self._trigger(
                DraftContinued, now, left=self.channel, channel=channel, held_by=actor.subject
            )

    def submit(self, actor: Actor, now: datetime) -> None:
        """It has become an application."""
        self.check_hand(actor, now)
        self._trigger(DraftSubmitted, now, application_id=self.application_id)

    def discard(self, actor: Actor, now: datetime) -> None:
        """Give it up."""
        self.check_hand(actor, now)
        self._trigger(DraftDiscarded, now)

    def _trigger(self, event: type[StreamEvent], now: datetime, **fields: Any) -> None:
        self.trigger_event(event, timestamp=max(now, self.modified_on), **fields)
