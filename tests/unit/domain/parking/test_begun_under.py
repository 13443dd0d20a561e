"""What a stay began under holds to its end, whatever becomes of the file."""

from dataclasses import replace
from datetime import date

import pytest

from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.tariff import Cap, CapPer, Tariff, TariffVersion
from tests.given.parking.tariffs import hours, stay, street_version


def version(id: str, hour_fen: int, valid_from: date, published: date) -> TariffVersion:
    return replace(
        street_version(),
        id=id,
        valid_from=valid_from,
        published=published,
        zones={"1": {"day": hours(hour_fen, hour_fen, hour_fen)}},
    )


OLD = version("old", 100, date(2020, 1, 1), date(2019, 12, 1))
NEW = version("new", 200, date(2026, 9, 1), date(2026, 8, 1))
EDITED = replace(NEW, id="edited", zones={"1": {"day": hours(900, 900, 900)}})
MOVED = replace(EDITED, id="moved", valid_from=date(2026, 9, 10))
EARLIER = replace(EDITED, id="earlier", valid_from=date(2026, 8, 20))
NEXT = version("next", 300, date(2026, 9, 15), date(2026, 9, 2))
BACK = version("back", 50, date(2026, 9, 14), date(2026, 9, 14))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ((OLD,), {"new": 200}),
        ((OLD, EDITED), {"new": 200}),
        ((OLD, MOVED), {"new": 200}),
        ((EARLIER,), {"new": 200}),
        ((OLD, EDITED, NEXT), {"new": 200}),
        ((OLD, NEW, NEXT), {"new": 200}),
        ((), {"new": 200}),
        ((OLD, EDITED, BACK), {"back": 50}),
    ],
    ids=["away", "edited", "later", "earlier", "next", "kept", "nothing", "reaches-back"],
)
def test_a_stay_of_the_fourteenth_that_began_under_the_new_version(
    files: tuple[TariffVersion, ...], expected: dict[str, int]
) -> None:
    gone = () if NEW in files else (NEW,)
    found = price(stay("09:00", "10:00", began_under="new"), Tariff("street", files, gone=gone))
    assert {line.version: line.fen for line in found.lines} == expected


def test_what_was_announced_for_later_takes_over_on_its_day() -> None:
    over_night = stay("19:00", "2026-09-15T09:00", began_under="new")
    found = price(over_night, Tariff("street", (OLD, EDITED, NEXT), gone=(NEW,)))
    assert [(line.version, line.fen) for line in found.lines] == [("new", 400), ("next", 600)]


def test_what_begins_now_is_of_the_files() -> None:
    found = price(stay("09:00", "10:00"), Tariff("street", (OLD,), gone=(NEW,)))
    assert found.versions == ("old",)


def test_what_is_gone_may_cap_and_reach_back() -> None:
    capped = replace(BACK, caps=(Cap("plate", CapPer.PLATE_DAY, 2000),))
    tariff = Tariff("street", (OLD,), gone=(capped,))
    assert (tariff.caps_plates, tariff.reaches_back) == (True, True)
    assert tariff.including("back").at(date(2026, 9, 14)) == capped
    assert tariff.at(date(2026, 9, 14)) == OLD
