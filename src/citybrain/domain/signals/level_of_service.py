"""What a mean delay is called: the levels of service of a signalized intersection.

The limits are those of the Highway Capacity Manual (TRB, 6th edition, exhibit 19-8), in seconds a
vehicle: up to 10 A, 20 B, 35 C, 55 D, 80 E; more is F.
"""

from enum import StrEnum


class LevelOfService(StrEnum):
    """From A, nobody waits, to F."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"


LIMITS_S = {
    LevelOfService.A: 10.0,
    LevelOfService.B: 20.0,
    LevelOfService.C: 35.0,
    LevelOfService.D: 55.0,
    LevelOfService.E: 80.0,
}


def level_of_service(delay_s: float) -> LevelOfService:
    """The level of a mean delay, in seconds a vehicle."""
    reached = (level for level, limit in LIMITS_S.items() if delay_s <= limit)
    return next(reached, LevelOfService.F)


def mean_delay_s(queue: float, vehicles: int, seconds: float) -> float | None:
    """The mean time that vehicles stood, in seconds; None where none passed.

    `queue`: how many stood on the average of `seconds`, in which `vehicles` passed. Little's law
    (Little, "A proof for the queuing formula L = λW", 1961): over a span at whose ends the queue
    is about the same. Stopped delay; what braking and starting cost is not in it.
    """
    return queue * seconds / vehicles if vehicles else None
