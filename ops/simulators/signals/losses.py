"""What everybody but emergency vehicles loses, second by second: how long a disturbance is felt."""

from dataclasses import dataclass, field

from ops.simulators.signals.street import Street

BIN_S = 10


@dataclass(slots=True)
class Losses:
    """Vehicle-seconds lost in each ten seconds from `begin` on, a second of the simulation."""

    begin: int
    lost: list[float] = field(default_factory=list)

    def look(self, street: Street) -> None:
        """Take the last second of the street in."""
        place = (street.now - 1 - self.begin) // BIN_S
        if place == len(self.lost):
            self.lost.append(0.0)
        self.lost[place] += street.lost()
