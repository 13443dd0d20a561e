"""The junctions that this process controls, as it has them in memory: for whoever only looks.

What others append is heard a moment later, so nothing is decided on these states; that there is
nothing to decide may be said, where the next report says it again.
"""

from collections.abc import Callable

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals.signal import Signal
from commands.services import Services

State = tuple[Signal, DatedJunction]


def _none(_: str) -> State | None:
    """Where this process controls nothing."""
    return None


class Controlled:
    """`of`: a junction's state and definition; None where it is not this process's, or changing."""

    def __init__(self, _: Services) -> None:
        self.of: Callable[[str], State | None] = _none

    def end(self) -> None:
        """This process controls nothing any more."""
        self.of = _none


def controlled(services: Services) -> Controlled:
    """What this process controls."""
    return services.held(Controlled, Controlled)
