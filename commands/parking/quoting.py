"""What a stay would cost, before there is one: of anybody, by the tariff alone.

No plate, no permit and no other stay is counted: whoever has a right to less pays less.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.domain.parking.ahead import steps_ahead
from citybrain.domain.parking.price import Price
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.session import Place
from citybrain.domain.parking.stay import Stay
from commands.parking.places import place_book
from commands.parking.pricing import STREET
from commands.services import Services

MOST_STEPS = 12


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a time at a place, and how it comes about: from when on how much, in fen."""

    place: Place
    price: Price
    steps: tuple[tuple[datetime, int], ...]


async def quote(place_id: str, start: datetime, end: datetime, services: Services) -> Quote:
    """Price a stay from `start` until `end`.

    Raises `UnknownPlace`, `TariffNotInForce` and what else `price` does.
    """
    tariff = tariff_of(services.definitions, STREET)
    place = await place_book(services).place(place_id, start)
    stay = Stay(
        start=start,
        end=end,
        zone=place.tariff_zone,
        time_zone=place.time_zone,
        merge_gap=parking_rules_at(services.definitions, start).merge_gap,
    )

    def price_at(moment: datetime) -> int:
        return price(replace(stay, end=moment), tariff).total_fen

    steps = tuple(steps_ahead(price_at, start, end, MOST_STEPS))
    return Quote(place, price(stay, tariff), steps)
