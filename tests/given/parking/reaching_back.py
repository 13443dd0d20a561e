"""A tariff version that reaches back: published on 2026-09-10, it holds from 09-01 on."""

from dataclasses import replace
from datetime import UTC, date, datetime

from citybrain.definitions import Definitions
from citybrain.definitions.parking.tariffs import TariffDefinitions, tariff_of
from citybrain.domain.parking.tariff import Ladder, Step
from commands.parking.pricing import STREET

BACK, PUBLISHED = "street:2026-09-01+back", datetime(2026, 9, 9, 16, tzinfo=UTC)
LADDER = Ladder((Step(300, 60, 1), Step(200, 60, 2), Step(600, 60)))  # cheaper at first only


def reaching_back(definitions: Definitions) -> Definitions:
    """The tariff of the street as it was, and this version of it."""
    tariff = tariff_of(definitions, STREET)
    (first,) = tariff.versions
    back = replace(
        first,
        id=BACK,
        valid_from=date(2026, 9, 1),
        published=date(2026, 9, 10),
        zones=dict(first.zones) | {"1": {"day": LADDER}},
    )
    found = definitions.of(TariffDefinitions)
    both = found.tariffs | {STREET: replace(tariff, versions=(first, back))}
    return definitions.extended(replace(found, tariffs=both))
