"""What is seen of the junctions now, in the memory of the process that controls them.

It is bounded by the definitions: a few readings of each detector, and the five minutes that are
not written yet. Nothing of it is an event; when it is lost, detectors have said all anew in
seconds, and until then they are not believed. What five minutes came to is in a table
(`observation_store`).
"""

from datetime import datetime

from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.signals.detector_health import Judged
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies.strategy import Observations
from commands.services import Services
from commands.signals.seen import SeenJunction
from commands.signals.streams import JunctionUnknown


class Observed:
    """The junctions of which something was said, or asked.

    `mine`: whether this process controls the junctions, and so judges what is said of them. One
    that serves alone does; one that stands by hands over what it is told.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._junctions: dict[str, SeenJunction] = {}
        self.watched_from = milliseconds(services.clock())
        self.mine = True

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
        """A junction's memory, under the definition in force; raises `JunctionUnknown`."""
        dated = self._services.definitions.of(SignalDefinitions).at(junction, now)
        if dated is None:
            raise JunctionUnknown("there is no definition of this junction")
        found = self._junctions.get(junction)
        if found is None or found.junction.version != dated.junction.version:
            found = SeenJunction(dated.junction, self.watched_from, found)
            self._junctions[junction] = found
        return found

    def known(self, junction: str) -> SeenJunction | None:
        """A junction's memory; None where nothing was said of it yet."""
        return self._junctions.get(junction)

    def all_seen(self) -> list[SeenJunction]:
        """Those in memory."""
        return list(self._junctions.values())

    def begin_anew(self, now: datetime) -> None:
        """Forget all: another process has judged until now, and what it knew is not known here."""
        self._junctions = {}
        self.watched_from = milliseconds(now)


def observed(services: Services) -> Observed:
    """What this process has in memory."""
    return services.held(Observed, Observed)
