"""Which plate a session is taken for, by all that was read and said, and where the session stands.

One home for both: the session decides by them, and read models show by them.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final

PLATES_DIFFER: Final = "plates-differ"
NOT_READ: Final = "plate-not-read"

Plated = Mapping[str, Any]
"""A sealed plate with `doubt`: why nothing is debited by this reading alone."""

PLATE_MEMBERS: Final = (
    "plate_id",
    "plate_sealed",
    "plate_class",
    "plate_complete",
    "plate_mended",
    "plates_version",
)


class Status(StrEnum):
    """Where a session stands."""

    PARKED = "parked"
    LEFT = "left"
    HELD = "held"
    PRICED = "priced"
    CLAIMED = "claimed"
    DEFERRED = "deferred"
    OVERDUE = "overdue"
    DISPUTED = "disputed"
    SETTLED = "settled"
    VOIDED = "voided"


def judged(
    readings: Mapping[str, Plated], completed: Collection[str], corrected: Plated | None
) -> tuple[Plated | None, dict[str, Any] | None]:
    """The plate, and why it is not sure enough to debit; None of the latter where it is.

    What a person says counts alone. Else all complete readings have to agree, those without a
    province to be `completed` by one, and one of them has to be sure enough by itself.
    """
    if corrected is not None:
        return corrected, None
    whole = [each for each in readings.values() if each["plate_complete"]]
    if not whole:
        first = next(iter(readings.values()), None)
        return first, {"reason": NOT_READ} if first is None else first["doubt"]
    sure = next((each for each in whole if each["doubt"] is None), None)
    plate = sure or whole[0]
    parts = [key for key, each in readings.items() if not each["plate_complete"]]
    if len({each["plate_id"] for each in whole}) > 1 or any(key not in completed for key in parts):
        return plate, {"reason": PLATES_DIFFER}
    return plate, None if sure is not None else plate["doubt"]


def status_of(
    *,
    voided: bool,
    left: bool,
    disputed: bool,
    settled: bool,
    held: bool,
    overdue: bool,
    deferred: bool,
    claimed: bool,
    priced: bool,
) -> Status:
    """Where a session stands; of several the one that matters most to whoever it is of."""
    for holds, status in (
        (voided, Status.VOIDED),
        (not left, Status.PARKED),
        (disputed, Status.DISPUTED),
        (settled, Status.SETTLED),
        (held, Status.HELD),
        (overdue, Status.OVERDUE),
        (deferred, Status.DEFERRED),
        (claimed, Status.CLAIMED),
        (priced, Status.PRICED),
    ):
        if holds:
            return status
    return Status.LEFT
