"""Tells citizens what became of their reservations; and once, who stands in the way of one.

A message names the berth and the time, nobody and no plate. Its id follows from the event and from
who is told: sent again after a crash or a fault, it is one message (`telling`).
"""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar
from uuid import UUID

from citybrain.city_day import CITY_ZONE
from citybrain.domain.citizens import Citizen
from citybrain.domain.parking.reservation import ParkingReservation
from citybrain.domain.parking.reservation_events import Conflict
from citybrain.eventstore import RecordedEvent
from commands.parking.bindings import holder_at
from commands.processes.telling import Message, Teller
from commands.services import Services

RAISED, CANCELLED = "parking.reservation_conflict_raised", "parking.reservation_cancelled"
TEXTS = {
    "parking.reservation_confirmed": ("预约成功", "your reservation is confirmed"),
    "parking.reservation_lost": (
        "付款时泊位已被他人预约，定金将全额退还，可另选空闲泊位",
        "somebody else had the berth when the deposit came: it goes back, and others are free",
    ),
    "parking.reservation_given_back": (
        "泊位未能使用，定金将全额退还",
        "the berth could not be used, your deposit goes back",
    ),
    "parking.reservation_no_show_final": (
        "未按时到达，预约已结束",
        "nobody came in time, the reservation has ended",
    ),
    RAISED: (
        "泊位被占用，可改换泊位或取消，不收费用",
        "somebody stands on the berth: take another one or cancel, at no cost",
    ),
    CANCELLED: (
        "预约已被管理部门取消，定金将全额退还",
        "the city had to cancel it, your deposit goes back",
    ),
}
IN_THE_WAY = (
    "您的车辆停在已被预约的泊位 {berth} 上，请尽快驶离，停车费照常计算。 / "
    "Your car stands on berth {berth}, which is reserved: please move it. You pay as usual."
)


class ReservationNotices(Teller):
    """The process manager of messages about reservations."""

    name: ClassVar[str] = "parking-reservation-notices"
    topics: ClassVar[tuple[str, ...]] = tuple(TEXTS)

    async def messages(self, event: RecordedEvent, services: Services) -> Sequence[Message]:
        """What `event` means to whom it is about, where a phone is registered."""
        data = event.data
        if event.topic == CANCELLED and data["by_city"] is None:
            return ()  # they did it themselves
        if event.topic == RAISED and data["kind"] != Conflict.OBSTRUCTED:
            return ()  # an officer looks at it
        reservation = await services.store.load(ParkingReservation, event.stream_id)
        told, text = reservation.citizen_id, _text(event.topic, reservation)
        found = [Message(told, partial(_tell, told, text, services))]
        if event.topic == RAISED and data["plate"] is not None:
            other = await holder_at(data["plate"]["plate_id"], data["at"], services)
            if other is not None:
                text = IN_THE_WAY.format(berth=reservation.berth)
                found.append(Message(f"in-the-way:{other}", partial(_tell, other, text, services)))
        return found


def _text(topic: str, reservation: ParkingReservation) -> str:
    start = reservation.start.astimezone(CITY_ZONE)
    chinese, english = TEXTS[topic]
    when = f"{start:%m-%d %H:%M}"
    return (
        f"泊位 {reservation.berth}（{when}）：{chinese}。 / "
        f"Berth {reservation.berth}, {when}: {english}."
    )


async def _tell(citizen_id: str, text: str, services: Services, message_id: UUID) -> None:
    citizen = await services.store.load(Citizen, citizen_id)
    if citizen.phone_sealed is None:
        return
    phone = await services.vault.open_text(citizen.id, "phone", citizen.phone_sealed)
    await services.notifier.send(phone, text, message_id)
