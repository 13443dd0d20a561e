"""What a charger said of a session. The topic is the storage format: never rename it."""

from typing import Any, ClassVar

from citybrain.domain.parking.session_event import SessionEvent


class SessionChargingNoted(SessionEvent):
    """When the car was charged, as far as is known: each time has `begins`, and `ends` where it is
    over. Times are RFC 3339 in UTC."""

    TOPIC: ClassVar[str] = "parking.charging_noted"
    times: list[dict[str, str | None]]
    detection_ids: list[str]

    def note(self, aggregate: Any) -> None:
        aggregate.charging = self.times
        aggregate.detection_ids.extend(self.detection_ids)
        aggregate.facts += 1
