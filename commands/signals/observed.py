"""What is seen of the junctions now, in the memory of the process that controls each.

It is bounded by the definitions: a few readings of each detector, and the five minutes that are
not written yet. Nothing of it is an event; when it is lost, detectors have said all anew in
seconds, and until then they are not believed. What five minutes came to is in a table
(`observation_store`).
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.domain.signals.detector_health import Judged
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies.strategy import Observations
from commands.services import Services
from commands.signals.seen import SeenJunction
from commands.signals.sharing import SHARDS, shard_of
from commands.signals.streams import JunctionUnknown


class Observed:
    """The junctions of which something was said, or asked.

    A process judges what is said of the junctions that it controls, by their shards: of all where
    it serves alone. What it is told of others it hands over.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._junctions: dict[str, SeenJunction] = {}
        self._days: dict[str, DatedJunction] = {}
        self._watched: dict[int, int] = {}
        self.taking = asyncio.Lock()
        """Held while a batch is taken in."""
        self.told: Callable[[Iterable[str]], None] = _nobody
        """Called with the junctions of which something new was said, whoever controls them."""
        self.take(range(SHARDS), services.clock())

    def latest(self, junction: str) -> Observations:
        """What is seen of a junction now, and what of it can be trusted.

        Who crossed the stop line is told once: since this was asked last. So one asks, who
        controls it. Raises `JunctionUnknown`.
        """
        now = self._services.clock()
        return self.seen(junction, now).latest(milliseconds(now))

    def judged(self, junction: str) -> dict[str, Judged]:
        """How each detector stands now: for `follow_detectors`. Raises `JunctionUnknown`."""
        now = self._services.clock()
        return self.seen(junction, now).judged(milliseconds(now))

    def pressed(self, junction: str) -> dict[str, int]:
        """The groups whose buttons were pressed since this was asked last, and when; told once.

        In milliseconds since 1970. Raises `JunctionUnknown`.
        """
        now = self._services.clock()
        return self.seen(junction, now).pressed(milliseconds(now))

    def seen(self, junction: str, now: datetime) -> SeenJunction:
        """A junction's memory, under the definition that its day goes by, where this process
        controls it, and else under the one in force; raises `JunctionUnknown`."""
        dated = self._days.get(junction)
        if dated is None:
            dated = self._services.definitions.of(SignalDefinitions).at(junction, now)
        if dated is None:
            raise JunctionUnknown("there is no definition of this junction")
        found = self._junctions.get(junction)
        if found is None or found.junction.version != dated.junction.version:
            found = SeenJunction(dated.junction, self.watched_from(junction), found)
            self._junctions[junction] = found
        return found

    def go_by(self, dated: DatedJunction) -> None:
        """The day of a junction that this process controls goes by this definition."""
        self._days[dated.junction.code] = dated

    @property
    def shards(self) -> list[int]:
        """Those that this process controls."""
        return sorted(self._watched)

    def controls(self, junction: str) -> bool:
        """Whether this process controls it, and so judges what is said of it."""
        return shard_of(junction) in self._watched

    def watched_from(self, junction: str) -> int:
        """Since when this process hears what is said of it, in milliseconds since 1970."""
        return self._watched.get(shard_of(junction), milliseconds(self._services.clock()))

    def known(self, junction: str) -> SeenJunction | None:
        """A junction's memory; None where nothing was said of it yet."""
        return self._junctions.get(junction)

    def all_seen(self) -> list[SeenJunction]:
        """Those in memory."""
        return list(self._junctions.values())

    def take(self, shards: Iterable[int], now: datetime) -> None:
        """Judge what is said of these from now on; what others knew of them is not known here."""
        self.give_up(shards := set(shards))
        self._watched |= dict.fromkeys(shards, milliseconds(now))

    def give_up(self, shards: Collection[int]) -> list[SeenJunction]:
        """Another process judges them from now on: forget them. Gives what was known."""
        for shard in shards:
            self._watched.pop(shard, None)
        for code in [each for each in self._days if shard_of(each) in shards]:
            del self._days[code]
        gone = [code for code in self._junctions if shard_of(code) in shards]
        return [self._junctions.pop(code) for code in gone]


def _nobody(_: Iterable[str]) -> None:
    """Where none controls them."""


def observed(services: Services) -> Observed:
    """What this process has in memory."""
    return services.held(Observed, Observed)
