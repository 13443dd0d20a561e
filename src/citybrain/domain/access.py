"""Accesses: that somebody read other people's data, as an event of its own.

Stream `access-<id>`, one for each reading, however many people it was about; it never changes.
In it are pseudonyms and codes, no data that was read. What a code means is said in
`access_texts.yaml` of the rooms over HTTP.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent

MOST_ABOUT = 2000
"""Of one event; an event has a limit."""


class AccessRecorded(StreamCreated):
    """Somebody read what is about others.

    `about` are streams of one person each: a citizen, an application. `through` is the operation
    of the API, or the command. `department` is an official's, `counter` a clerk's.
    """

    TOPIC: ClassVar[str] = "access.recorded"
    who: str
    role: str
    department: str | None
    what: str
    purpose: str
    through: str
    about: list[str]
    counter: str | None = None


class Access(StreamAggregate):
    """One reading."""

    TOPIC: ClassVar[str] = "access"
    category: ClassVar[str] = "access"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (AccessRecorded,)

    def __init__(
        self,
        who: str,
        role: str,
        department: str | None,
        what: str,
        purpose: str,
        through: str,
        about: list[str],
        counter: str | None = None,
    ) -> None:
        self.who = who
        self.role = role
        self.department = department
        self.what = what
        self.purpose = purpose
        self.through = through
        self.about = about
        self.counter = counter

    @classmethod
    def record(cls, now: datetime, *, about: Sequence[str], **said: Any) -> list["Access"]:
        """One reading; of very many people, several streams."""
        parts = (about[start : start + MOST_ABOUT] for start in range(0, len(about), MOST_ABOUT))
        return [
            cls._create(AccessRecorded, id=cls.new_id(), timestamp=now, about=list(part), **said)
            for part in parts
        ]
