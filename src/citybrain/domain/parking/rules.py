"""What a city sets for parking beside the tariff: how long, how far, how much one person alone.

`citybrain.definitions.parking.rules` makes this value from a city's dated files; an event names the
`version` that decided.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkingRules:
    """What is in force on a day."""

    version: str

    order_window: timedelta
    """How late a device's report may come and still be put in order of occurrence."""
    clock_tolerance: timedelta
    """How far in the future a report may say that it happened."""
    silence_limit: timedelta
    """After so long without a report a berth's state is unknown."""
    no_sign_after: timedelta
    """After so long without any sign a session is an anomaly."""
    merge_gap: timedelta
    """A car that moves to another berth of the zone within this goes on with its stay."""

    clone_fastest_kmh: int
    """No car drives faster between two readings of its plate."""
    clone_near_m: int
    """Two cameras that are no farther apart may see one car at once."""
    clone_near_within: timedelta
    """Within this time of one another."""
    clone_while_occupied: bool
    """Read far away while its berth is still occupied is a conflict, however long ago it came."""

    reminders_after: tuple[timedelta, ...]
    """When an unpaid price is reminded of, from when it was due."""
    overdue_after: timedelta
    """From a notice that was delivered."""
    arrears_edges: tuple[timedelta, ...]
    """Where the ages of debts are divided; a debt is in the part that begins with its age."""
    arrears_least_debtors: int
    """Of fewer debtors than this nothing is published."""

    notice_most: timedelta
    """How long a debt may be made public at once."""

    counter_drift: int
    """How many below nothing a counter may show and still say full; where a facility has none."""

    to_account: str
    """What the bank calls the account that parking is paid to."""
    order_for: timedelta
    """How long an order for a kiosk or the app can be paid."""
    one_person_refund_fen: int
    """Up to this one person refunds alone, in all of one claim."""
    one_person_write_off_fen: int
    """Up to this one person writes off alone, in all of one claim."""
    one_person_correction_fen: int
    """Up to this difference one person corrects a price alone."""
