"""Orders that nobody paid in time: the gateway is asked once more, and takes them no longer.

A payment of which the gateway could not tell us comes to light so as well.
"""

from datetime import datetime, timedelta
from typing import ClassVar

from citybrain.domain.parking import payment
from citybrain.domain.parking.claim import Claim
from commands.handling import CommandContext
from commands.parking.claim import change_claim
from commands.processes.alarms import StreamAlarms
from commands.services import Services

CLOCKS_DIFFER = timedelta(minutes=1)


class OrderTimes(StreamAlarms[Claim]):
    """Wakes claims when an order lapses."""

    name: ClassVar[str] = "parking_orders"
    stream: ClassVar[type[Claim]] = Claim
    topics: ClassVar[tuple[str, ...]] = (
        "parking.payment_requested",
        "parking.payment_captured",
        "parking.payment_failed",
        "parking.payment_cancelled",
        "parking.order_lapsed",
    )

    def alarm_at(self, stream: Claim) -> datetime | None:
        """A little after the next order has ended: the gateway's clock may be late."""
        ends = payment.lapses_at(stream)
        return None if ends is None else ends + CLOCKS_DIFFER

    async def ring(self, stream: Claim, context: CommandContext, services: Services) -> None:
        """Let them lapse; `parking_collecting` asks the gateway."""
        await change_claim(
            stream.id, context, services, lambda claim, now: payment.lapse(claim, now)
        )
