"""What stands in the street and belongs to somebody (部件): stream `asset-<its code>`.

The topics below are the storage format: never rename one. The code is that of the city's register,
as on its plate; after GB/T 30428.2 it has 16 digits, others are taken as they are.
"""

from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.errors import Refused

KEEPERS = (Role.OPERATOR, Role.SYSTEM)
DESCRIBED = ("kind", "name", "owner", "latitude", "longitude", "address")


class AssetRetired(Refused):
    """The thing is there no more."""

    code = "asset-retired"


class AssetRegistered(StreamCreated):
    """It is known from here on. `owner` is the department that looks after it; WGS-84 degrees."""

    TOPIC: ClassVar[str] = "asset.registered"
    kind: str
    name: str
    owner: str
    latitude: float
    longitude: float
    address: str | None
    simulated: bool


class AssetChanged(StreamEvent):
    """It is somebody else's now, or somewhere else, or called otherwise."""

    TOPIC: ClassVar[str] = "asset.changed"
    kind: str
    name: str
    owner: str
    latitude: float
    longitude: float
    address: str | None

    def apply(self, aggregate: Any) -> None:
        vars(aggregate).update({name: getattr(self, name) for name in DESCRIBED})
        aggregate.retired = False


class AssetTakenAway(StreamEvent):
    """It is there no more."""

    TOPIC: ClassVar[str] = "asset.taken_away"
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.retired = True


class Asset(StreamAggregate):
    """One thing in the street."""

    TOPIC: ClassVar[str] = "asset"
    category: ClassVar[str] = "asset"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (
        AssetRegistered,
        AssetChanged,
        AssetTakenAway,
    )

    def __init__(
        self,
        kind: str,
        name: str,
        owner: str,
        latitude: float,
        longitude: float,
        address: str | None,
        simulated: bool,
    ) -> None:
        self.kind = kind
        self.name = name
        self.owner = owner
        self.latitude = latitude
        self.longitude = longitude
        self.address = address
        self.simulated = simulated
        self.retired = False

    @classmethod
    def register(cls, actor: Actor, now: datetime, *, code: str, **said: Any) -> "Asset":
        """A thing that was not known; raises `RoleNotAllowed`."""
        _check_keeper(actor)
        return cls._create(AssetRegistered, id=stream_of(code), timestamp=now, **said)

    def change(self, actor: Actor, now: datetime, **said: Any) -> None:
        """It is so now; nothing where that is known. One that was taken away stands again."""
        _check_keeper(actor)
        if self.retired or any(getattr(self, name) != said[name] for name in DESCRIBED):
            self.trigger_event(AssetChanged, timestamp=now, **said)

    def take_away(self, actor: Actor, now: datetime, *, reason: str) -> None:
        """It is there no more."""
        _check_keeper(actor)
        if not self.retired:
            self.trigger_event(AssetTakenAway, timestamp=now, reason=reason)


def stream_of(code: str) -> str:
    """The stream of the thing with this code."""
    return f"{Asset.category}-{code}"


def _check_keeper(actor: Actor) -> None:
    if not actor.has(*KEEPERS):
        raise RoleNotAllowed("the centre keeps the register of things in the street")
