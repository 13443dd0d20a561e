"""What a session costs: its stay, as the tariff of its place prices it, less what was asked before.

A session that continues another is one stay with it: the whole is priced, and what the ones before
cost is taken off.
"""

from dataclasses import dataclass, replace
from typing import Any

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.domain.parking.price import Price
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.stay import Occupancy, Permit, Stay
from citybrain.domain.times import as_text
from commands.parking.bindings import permits_of
from commands.services import Services

STREET = "street"


@dataclass(frozen=True, slots=True)
class Priced:
    """What a session costs, and the stay that this is of."""

    price: Price
    already_fen: int
    stay: Stay
    tariff: str

    def under(self, other: Price) -> "Priced":
        """The same stay at another price; what was asked before is left as it was."""
        return replace(self, price=other)

    @property
    def amount_fen(self) -> int:
        """What this session adds to what those before it cost."""
        return max(0, self.price.total_fen - self.already_fen)

    def as_event(self) -> dict[str, Any]:
        """As the event has it."""
        return {
            "amount_fen": self.amount_fen,
            "already_fen": self.already_fen,
            "lines": [line.as_dict() for line in self.price.lines],
            "stay": stay_said(self.stay, dict(self.price.choices)),
            "tariff_versions": list(self.price.versions),
        }


async def price_of(session: ParkingSession, services: Services) -> Priced:
    """The price of a session that has ended."""
    chain = [session]
    while chain[0].continues is not None:
        chain.insert(0, await services.store.load(ParkingSession, chain[0].continues))
    tariff = tariff_of(services.definitions, STREET)
    stay = await _stay(chain, services)
    already_fen = 0
    if len(chain) > 1:
        already_fen = price(await _stay(chain[:-1], services), tariff).total_fen
    return Priced(price(stay, tariff), already_fen, stay, STREET)


async def _stay(chain: list[ParkingSession], services: Services) -> Stay:
    first, last = chain[0], chain[-1]
    assert last.left_at is not None
    permits: tuple[Permit, ...] = ()
    if last.plate_id is not None:
        permits = await permits_of(
            last.plate_id, last.zone_id, first.arrived_at, last.left_at, services
        )
    rules = parking_rules_at(services.definitions, first.arrived_at)
    occupancies = tuple(
        Occupancy(each.place_id, each.arrived_at, each.left_at)
        for each in chain
        if each.left_at is not None
    )
    stay = Stay(
        start=first.arrived_at,
        end=last.left_at,
        zone=first.tariff_zone,
        time_zone=first.time_zone,
        plate_class=None if last.plate is None else last.plate["plate_class"],
        permits=permits,
    )
    if len(chain) == 1:
        return stay
    return replace(stay, berths=occupancies, merge_gap=rules.merge_gap)


def stay_said(stay: Stay, choices: dict[str, Any]) -> dict[str, Any]:
    """A stay as the event has it, with what the tariff left open."""
    return {
        "start": as_text(stay.start),
        "end": as_text(stay.end),
        "zone": stay.zone,
        "time_zone": stay.time_zone,
        "plate_class": stay.plate_class,
        "permits": [each.kind for each in stay.permits],
        "berths": [each.berth for each in stay.berths],
        "choices": choices,
    }
