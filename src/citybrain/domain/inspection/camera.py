"""Cameras: where they are, and whether they see anything, stream `camera-<its id>`.

The topics below are the storage format: never rename one. Only changes are events: a camera that
reports every minute that it works leaves one event.
"""

from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.actor import WATCHERS, Actor, Role, RoleNotAllowed, check_speaks_for
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent

MAY_REPORT = (*WATCHERS, Role.OPERATOR, Role.SYSTEM)


class CameraRegistered(StreamCreated):
    """A camera is known from here on; WGS-84 degrees."""

    TOPIC: ClassVar[str] = "camera.registered"
    latitude: float
    longitude: float
    online: bool
    simulated: bool


class CameraWentOffline(StreamEvent):
    """It sees nothing any more: what it does not see is not solved."""

    TOPIC: ClassVar[str] = "camera.went_offline"
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.online, aggregate.since = False, self.timestamp


class CameraCameOnline(StreamEvent):
    """It sees again."""

    TOPIC: ClassVar[str] = "camera.came_online"

    def apply(self, aggregate: Any) -> None:
        aggregate.online, aggregate.since = True, self.timestamp


class Camera(StreamAggregate):
    """One camera; `since` is when it went on or off."""

    TOPIC: ClassVar[str] = "camera"
    category: ClassVar[str] = "camera"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (
        CameraRegistered,
        CameraWentOffline,
        CameraCameOnline,
    )

    def __init__(self, latitude: float, longitude: float, online: bool, simulated: bool) -> None:
        self.latitude = latitude
        self.longitude = longitude
        self.online = online
        self.simulated = simulated
        self.since: datetime = self.created_on

    @classmethod
    def register(
        cls,
        actor: Actor,
        now: datetime,
        *,
        stream_id: str,
        latitude: float,
        longitude: float,
        online: bool,
        simulated: bool,
    ) -> "Camera":
        """A new camera; raises `RoleNotAllowed` or `NotYourDevice`."""
        check_may_report(actor, stream_id)
        return cls._create(
            CameraRegistered,
            id=stream_id,
            timestamp=now,
            latitude=latitude,
            longitude=longitude,
            online=online,
            simulated=simulated,
        )

    def report(self, actor: Actor, now: datetime, *, online: bool, reason: str) -> None:
        """It works, or not; nothing where that is known."""
        check_may_report(actor, self.id)
        if online == self.online:
            return
        if online:
            self.trigger_event(CameraCameOnline, timestamp=now)
        else:
            self.trigger_event(CameraWentOffline, timestamp=now, reason=reason)

    def watched_since(self, moment: datetime) -> bool:
        """Whether it has seen all the time since then."""
        return self.online and self.since <= moment


def stream_of(camera_id: str) -> str:
    """The stream of a camera."""
    return f"camera-{camera_id}"


def check_may_report(actor: Actor, stream_id: str) -> None:
    """Raise `RoleNotAllowed` or `NotYourDevice`: a device reports its own state, a centre any."""
    if not actor.has(*MAY_REPORT):
        raise RoleNotAllowed("cameras are reported by devices and operators")
    if not actor.has(Role.OPERATOR):
        check_speaks_for(actor, stream_id.removeprefix(f"{Camera.category}-"))
