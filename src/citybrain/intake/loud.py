"""Which devices send more than is usual, and what is dropped of them where the settings say so.

Messages are counted for each second of the brokers' clock, so that reading what has piled up makes
nobody loud. A device's messages are in one partition, where it is their key: one process counts.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from prometheus_client import Counter

from citybrain.domain.actor import Actor
from citybrain.errors import CitybrainError
from commands.loud_devices import LoudDevice

log = structlog.get_logger(__name__)

MOST_COUNTED = 10_000
MOST_NAMED = 100
OTHERS = "others"
DEVICE = re.compile(r"[A-Za-z0-9_.:-]{1,100}")

LOUD = Counter(
    "citybrain_intake_loud_total",
    "Messages of a device beyond what is usual in a second",
    ["topic", "device"],
)


class DeviceTooLoud(CitybrainError):
    """A device has sent more in a second than the settings let it."""

    code = "device-too-loud"


class Loud:
    """The devices of one partition of a topic, for whose devices `actor` speaks."""

    named: set[str] = set()  # noqa: RUF012 # of the process, as the metric is

    def __init__(self, topic: str, actor: Actor, loud: float, limit: float | None) -> None:
        self._topic = topic
        self._actor = actor
        self._loud, self._limit = loud, limit
        self._counted: dict[str, tuple[int, int]] = {}
        self._noted: dict[str, tuple[int, int, int]] = {}

    def noted(self) -> list[LoudDevice]:
        """Who was loud since this was asked last; those that have a name we may show."""
        found, self._noted = self._noted, {}
        return [
            LoudDevice(self._topic, device, _moment(first), _moment(last), count)
            for device, (first, last, count) in found.items()
        ]

    def refused(
        self, devices: Sequence[str | None], at_ms: Sequence[int]
    ) -> list[DeviceTooLoud | None]:
        """What says of each message that it is dropped; its device, where that is known."""
        return [
            None if device is None else self._heard(device, moment // 1000)
            for device, moment in zip(devices, at_ms, strict=True)
        ]

    def _heard(self, device: str, second: int) -> DeviceTooLoud | None:
        of, count = self._counted.pop(device, (second, 0))
        count = 1 if of < second else count + 1
        self._counted[device] = (max(of, second), count)
        if len(self._counted) > MOST_COUNTED:
            del self._counted[next(iter(self._counted))]  # the one that was silent for longest
        if count > self._loud and self._actor.speaks_for(device) and DEVICE.fullmatch(device):
            self._name(device, second, first=count - 1 <= self._loud)
        if self._limit is not None and count > self._limit:
            return DeviceTooLoud(f"more than {self._limit:g} messages of the device in a second")
        return None

    def _name(self, device: str, second: int, *, first: bool) -> None:
        """For whoever looks after devices."""
        since, until, before = self._noted.get(device, (second, second, 0))
        self._noted[device] = min(since, second), max(until, second), before + 1
        if len(self.named) < MOST_NAMED:
            self.named.add(device)
        LOUD.labels(self._topic, device if device in self.named else OTHERS).inc()
        if first:
            log.warning("device_loud", topic=self._topic, device=device)


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
