"""What the stays of one plate cost by day, one after the other: for a cap per plate and day."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Stay
from citybrain.domain.parking.tariff import Tariff


def spent_by_day(stays: Iterable[Stay], tariff: Tariff) -> dict[date, int]:
    """What these stays cost for parking by day, in fen; each knows those that began before it."""
    spent: dict[date, int] = {}
    for stay in sorted(stays, key=lambda each: (each.start, each.end)):
        found = price(replace(stay, earlier_fen=dict(spent)), tariff)
        for day, fen in found.by_day().items():
            spent[day] = spent.get(day, 0) + fen
    return spent
