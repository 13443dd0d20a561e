"""Deletions of photos: who erased which picture, and why; the picture itself is in no event.

Stream `photo_deletion-<id>`, one for each deletion; it never changes. What names the photo as
evidence still does: it answers that there is none any more.
"""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent

DELETERS = (Role.OPERATOR, Role.SUPERVISOR)


class Reason(StrEnum):
    """Why a photo goes."""

    PRIVACY = "privacy"
    UNLAWFUL = "unlawful"
    MISTAKE = "mistake"
    REQUEST = "request"


class PhotoDeleted(StreamCreated):
    """Somebody had a photo erased; `sha256` is the digest by which evidence names it."""

    TOPIC: ClassVar[str] = "photo.deleted"
    sha256: str
    reason: str
    deleted_by: str


class PhotoDeletion(StreamAggregate):
    """One deletion."""

    TOPIC: ClassVar[str] = "photo_deletion"
    category: ClassVar[str] = "photo_deletion"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (PhotoDeleted,)

    def __init__(self, sha256: str, reason: str, deleted_by: str) -> None:
        self.sha256 = sha256
        self.reason = reason
        self.deleted_by = deleted_by

    @classmethod
    def delete(cls, actor: Actor, now: datetime, *, sha256: str, reason: Reason) -> "PhotoDeletion":
        """Record it; raises `RoleNotAllowed`."""
        if not actor.has(*DELETERS):
            raise RoleNotAllowed("operators and supervisors delete photos")
        return cls._create(
            PhotoDeleted,
            id=cls.new_id(),
            timestamp=now,
            sha256=sha256,
            reason=reason.value,
            deleted_by=actor.subject,
        )
