"""The events of what the public may read of a case.

The topics below are the storage format: never rename one. Words of people are sealed under the key
of their case: `description_sealed` is what `description` would say.
"""

from enum import StrEnum
from typing import ClassVar

from citybrain.domain.inspection.case_events import CaseEvent
from citybrain.domain.inspection.standing import Data, Standing


class Visibility(StrEnum):
    """What of a case is public."""

    PUBLIC = "public"
    FLAGGED = "flagged"
    """All but its words: they look personal, and a person has to look at them first."""
    HIDDEN = "hidden"
    """All but its words: a person has hidden them, or they were erased."""
    PRIVATE = "private"
    """Nothing."""


class CaseTextModerated(CaseEvent):
    """A person settled what of the case is public; `description_sealed` are its words from now on.

    They are as they were where it is absent.
    """

    TOPIC: ClassVar[str] = "case.text_moderated"
    visibility: str
    reason: str
    description_sealed: str | None

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.visibility = data["visibility"]
        if data["description_sealed"] is not None:
            standing.description_sealed = data["description_sealed"]


class CaseTextErased(CaseEvent):
    """The key of the case was destroyed: what was sealed with it can never be read again."""

    TOPIC: ClassVar[str] = "case.text_erased"
    reason: str

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.description_sealed = None
        if standing.visibility != Visibility.PRIVATE:
            standing.visibility = Visibility.HIDDEN.value


class CasePhotoPublished(CaseEvent):
    """A person has looked at a photo and lets everybody see it, while its case is public."""

    TOPIC: ClassVar[str] = "case.photo_published"
    sha256: str
    reason: str

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.public_photos = [*standing.public_photos, data["sha256"]]


class CasePhotoWithdrawn(CaseEvent):
    """A photo is not public any more."""

    TOPIC: ClassVar[str] = "case.photo_withdrawn"
    sha256: str
    reason: str

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.public_photos = [x for x in standing.public_photos if x != data["sha256"]]


EVENTS: tuple[type[CaseEvent], ...] = (
    CaseTextModerated,
    CaseTextErased,
    CasePhotoPublished,
    CasePhotoWithdrawn,
)
