"""What command handlers need beside the command: opened once a process by `citybrain.app`.

The capabilities are only named here; who opens one loads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from citybrain.settings import Settings

if TYPE_CHECKING:
    from citybrain.certificates import Certificates
    from citybrain.definitions import Definitions
    from citybrain.eventstore import EventStore
    from citybrain.faces.services import Faces
    from citybrain.mail import Mailer
    from citybrain.notifications import Notifier
    from citybrain.photos import Photos
    from citybrain.vault import Vault

T = TypeVar("T")


def utc_now() -> datetime:
    """The present in UTC."""
    return datetime.now(UTC)


@dataclass(slots=True, repr=False)
class Services:
    """What handlers need beside the command."""

    store: EventStore
    definitions: Definitions
    vault: Vault
    notifier: Notifier
    mailer: Mailer | None = None
    faces: Faces | None = None
    exchange: Any = None
    payments: Any = None
    photos: Photos | None = None
    certificates: Certificates | None = None
    settings: Settings = field(default_factory=Settings)
    clock: Callable[[], datetime] = utc_now
    keys_in_flight: set[str] = field(default_factory=set)
    _held: dict[type, Any] = field(default_factory=dict)

    def held(self, kind: type[T], make: Callable[[Services], T]) -> T:
        """What a room keeps in memory for this process; made when it is first asked for."""
        found = self._held.get(kind)
        if not isinstance(found, kind):
            found = self._held[kind] = make(self)
        return found
