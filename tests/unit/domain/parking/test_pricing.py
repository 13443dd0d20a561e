"""What stays cost: the city's own tariff, and what others may do otherwise."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from citybrain.domain.parking.free_days import CalendarYearMissing, FreeDays
from citybrain.domain.parking.price import Price, Zero
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Occupancy, StayInvalid, joined
from citybrain.domain.parking.tariff import (
    Cap,
    CapPer,
    FreeMinutes,
    FreeMinutesKind,
    OnChange,
    Reset,
    Seconds,
    StartedUnit,
    Tariff,
    TariffNotInForce,
    UnknownTariffVersion,
    UnknownTariffZone,
    Window,
)
from tests.given.parking.tariffs import (
    ALL_DAY,
    at,
    hours,
    minutes,
    stay,
    street,
    street_version,
    tariff,
)

STREET = street()


@pytest.mark.parametrize(
    ("length", "fen"),
    [
        (0, (0, 0, 0)),
        (1, (400, 400, 200)),
        (60, (400, 400, 200)),
        (61, (600, 500, 300)),
        (180, (800, 600, 400)),
        (181, (1200, 900, 600)),
        (300, (1600, 1200, 800)),
        (840, (5200, 3900, 2600)),
    ],
)
def test_the_whole_day_costs_what_the_city_says(length: int, fen: tuple[int, int, int]) -> None:
    found = tuple(price(minutes(length, zone=zone), STREET).total_fen for zone in ("1", "2", "3"))
    assert found == fen


def test_p21_across_midnight_for_nothing() -> None:
    found = price(stay("23:50", "2026-09-15T00:10"), STREET)
    assert found.total_fen == 0
    assert [(line.day.day, line.fen, line.zero) for line in found.lines] == [
        (14, 0, Zero.OUTSIDE_HOURS),
        (15, 0, Zero.OUTSIDE_HOURS),
    ]


@pytest.mark.parametrize(
    ("ends", "dropped", "counted"),
    [("09:59:59", 400, 400), ("10:00", 400, 400), ("10:00:59", 400, 600), ("10:01", 600, 600)],
)
def test_p22_seconds_at_the_hour(ends: str, dropped: int, counted: int) -> None:
    found = price(stay("09:00", ends), STREET)
    assert found.total_fen == dropped
    assert found.choices["seconds"] == "dropped"
    assert found.lines[0].minutes == {"09:59:59": 59, "10:01": 61}.get(ends, 60)
    found = price(stay("09:00", ends), street(seconds=Seconds.COUNTED))
    assert (found.total_fen, found.choices["seconds"]) == (counted, "counted")


def test_p22_a_part_of_a_second_has_begun() -> None:
    late = replace(stay("09:00", "10:00"), end=at("10:00") + timedelta(microseconds=1))
    assert price(late, street(seconds=Seconds.COUNTED)).total_fen == 600
    assert price(late, STREET).total_fen == 400


def test_p22_seconds_are_dropped_from_the_stay_and_not_from_each_day() -> None:
    found = price(stay("20:59:30", "2026-09-15T07:01:30"), STREET)
    assert [line.minutes for line in found.lines] == [1, 1]


def test_p24_three_days() -> None:
    found = price(stay("10:00", "2026-09-16T10:00"), STREET)
    assert [line.fen for line in found.lines] == [4000, 5200, 800]
    assert [line.day.day for line in found.lines] == [14, 15, 16]
    assert found.total_fen == 10_000
    alone = [
        stay("10:00", "2026-09-15T00:00"),
        stay("2026-09-15T00:00", "2026-09-16T00:00"),
        stay("2026-09-16T00:00", "2026-09-16T10:00"),
    ]
    assert [price(each, STREET).total_fen for each in alone] == [4000, 5200, 800]
    units = [[(step.units, step.fen) for step in line.steps] for line in found.lines]
    assert units[0] == [(1, 400), (2, 200), (8, 400)]
    never = price(stay("10:00", "2026-09-16T10:00"), street(reset=Reset.NEVER))
    assert [(line.minutes, line.fen) for line in never.lines] == [(1680, 800 + 25 * 400)]


def new_year(on_change: OnChange) -> Tariff:
    old = replace(street_version(), id="v1", on_change=on_change)
    new = replace(
        old, id="v2", valid_from=date(2027, 1, 1), zones={"1": {"day": hours(500, 300, 500)}}
    )
    return tariff(old, new)


@pytest.mark.parametrize(
    ("on_change", "lines"),
    [
        (OnChange.SLICE, [("v1", 60, 400), ("v2", 120, 800)]),
        (OnChange.START, [("v1", 60, 400), ("v1", 120, 600)]),
    ],
)
def test_p25_the_tariff_changes_at_new_year_while_the_car_stands(
    on_change: OnChange, lines: list[tuple[str, int, int]]
) -> None:
    car = stay("2026-12-31T20:00", "2027-01-01T09:00")
    found = price(car, new_year(on_change))
    assert [(line.version, line.minutes, line.fen) for line in found.lines] == lines
    assert found.choices["on_change"] == on_change.value
    wholly = price(car, new_year(on_change).only("v2"))
    assert [line.fen for line in wholly.lines] == [500, 800]
    assert wholly.versions == ("v2",)
    with pytest.raises(UnknownTariffVersion):
        new_year(on_change).only("v3")


def test_p25_a_ladder_that_never_starts_anew_is_of_the_version_it_began_under() -> None:
    old, new = (replace(each, reset=Reset.NEVER) for each in new_year(OnChange.SLICE).versions)
    found = price(stay("2026-12-31T20:00", "2027-01-01T09:00"), tariff(old, new))
    assert [(line.version, line.minutes, line.fen) for line in found.lines] == [("v1", 180, 800)]


def test_p26_what_was_published_later_is_not_known_before() -> None:
    old = replace(street_version(), id="v1")
    back = replace(
        old,
        id="v2",
        valid_from=date(2026, 9, 1),
        published=date(2026, 9, 10),
        zones={"1": {"day": hours(300, 100, 300)}},
    )
    both = tariff(old, back)
    car = stay("2026-09-05T09:00", "2026-09-05T11:00")
    assert price(car, both.as_announced()).total_fen == 600
    assert price(car, both).total_fen == 400
    assert (both.reaches_back, tariff(old).reaches_back) == (True, False)
    last_day, day_after = date(2026, 9, 10), date(2026, 9, 11)
    assert [both.as_announced().at(day).id for day in (last_day, day_after)] == ["v1", "v2"]
    with pytest.raises(TariffNotInForce):
        tariff(back).as_announced().at(last_day)


CAP = Cap("window-cap", CapPer.WINDOW, 2000)


def test_p30_a_days_cap_once_or_twice() -> None:
    capped = street(caps=(CAP,))
    found = price(stay("09:00", "21:00"), capped)
    assert [(line.fen, line.uncapped_fen, line.cap) for line in found.lines] == [
        (2000, 4400, "window-cap")
    ]
    assert price(stay("09:00", "2026-09-15T21:00"), capped).total_fen == 4000
    morning = price(stay("09:00", "13:00"), capped)
    assert (morning.total_fen, morning.lines[0].cap) == (1200, None)
    assert price(stay("13:30", "21:00"), capped).total_fen == 2000

    by_plate = street(caps=(Cap("plate-cap", CapPer.PLATE_DAY, 2000),))
    morning = price(stay("09:00", "13:00"), by_plate)
    evening = price(stay("13:30", "21:00", earlier_fen=morning.by_day()), by_plate)
    assert (morning.total_fen, evening.total_fen) == (1200, 800)
    assert evening.lines[0].cap == "plate-cap"
    late = price(stay("13:30", "21:00", earlier_fen={date(2026, 9, 14): 2000}), by_plate)
    assert [(line.fen, line.zero) for line in late.lines] == [(0, Zero.CAP_REACHED)]


def test_caps_by_day_and_by_stay_hold_together_and_by_zone() -> None:
    caps = (
        Cap("day-cap", CapPer.DAY, 2000),
        Cap("stay-cap", CapPer.STAY, 3000),
        Cap("cheap", CapPer.DAY, 100, frozenset({"3"})),
    )
    found = price(stay("09:00", "2026-09-16T09:00"), street(caps=caps))
    assert [(line.fen, line.cap) for line in found.lines] == [
        (2000, "day-cap"),
        (1000, "stay-cap"),
        (0, "stay-cap"),
    ]
    assert found.uncapped_fen == 4400 + 5200 + 600
    assert price(stay("09:00", "21:00", "3"), street(caps=caps)).total_fen == 100


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("2026-10-25T00:30+00:00", "2026-10-25T01:30+00:00"),
        ("2026-03-29T00:30+00:00", "2026-03-29T01:30+00:00"),
    ],
)
def test_p31_clocks_that_go_back(begins: str, ends: str) -> None:
    garage = street(windows=(ALL_DAY,))
    found = price(stay(begins, ends, time_zone="Europe/Berlin"), garage)
    assert [(line.minutes, line.fen) for line in found.lines] == [(60, 400)]
    assert found.choices["time_zone"] == "Europe/Berlin"


def test_p31_a_window_of_the_wall_clock_is_there_as_often_as_the_wall_shows_it() -> None:
    at_two = street(windows=(Window("day", 120, 180),))
    back = stay("2026-10-24T22:00+00:00", "2026-10-25T10:00+00:00", time_zone="Europe/Berlin")
    forward = stay("2026-03-28T22:00+00:00", "2026-03-29T10:00+00:00", time_zone="Europe/Berlin")
    assert [line.minutes for line in price(back, at_two).lines] == [120]
    assert [line.zero for line in price(forward, at_two).lines] == [
        Zero.OUTSIDE_HOURS,
        Zero.OUTSIDE_HOURS,
    ]


@pytest.mark.parametrize(
    ("kind", "length", "fen"),
    [
        (FreeMinutesKind.CLIFF, 15, 0),
        (FreeMinutesKind.CLIFF, 16, 400),
        (FreeMinutesKind.CLIFF, 61, 600),
        (FreeMinutesKind.DEDUCTED, 15, 0),
        (FreeMinutesKind.DEDUCTED, 75, 400),
        (FreeMinutesKind.DEDUCTED, 76, 600),
    ],
)
def test_free_minutes_are_a_cliff_or_deducted(kind: FreeMinutesKind, length: int, fen: int) -> None:
    found = price(minutes(length), street(free_minutes=FreeMinutes(15, kind)))
    assert found.total_fen == fen
    free = [line.minutes for line in found.lines if line.zero is Zero.FREE_MINUTES]
    assert free == ([] if kind is FreeMinutesKind.CLIFF and fen else [15])
    assert found.choices["free_minutes_kind"] == kind.value


def test_a_unit_that_is_not_over_may_cost_nothing() -> None:
    whole = street(started_unit=StartedUnit.DROPPED)
    assert price(minutes(59), whole).lines[0].zero is Zero.NO_WHOLE_UNIT
    assert price(minutes(119), whole).total_fen == 400


def test_a_charged_night_belongs_to_the_day_on_which_it_begins() -> None:
    windows = (Window("day", 420, 1260), Window("night", 1260, 420))
    rates = {"1": {"day": hours(400, 200, 400), "night": hours(100, 100, 100)}}
    found = price(stay("20:00", "2026-09-15T08:00"), street(windows=windows, zones=rates))
    assert [(line.rule, line.day.day, line.minutes, line.fen) for line in found.lines] == [
        ("1/day", 14, 60, 400),
        ("1/night", 14, 600, 1000),
        ("1/day", 15, 60, 400),
    ]


FREE = FreeDays(
    calendar="holidays",
    years={2026: "holidays:2026+x"},
    holidays=frozenset({date(2026, 10, 1)}),
    workdays=frozenset({date(2026, 10, 10)}),
    holidays_free=True,
    weekdays=frozenset({5, 6}),
    days=frozenset({date(2026, 9, 14)}),
)


@pytest.mark.parametrize(
    ("day", "workdays_free", "rule"),
    [
        ("2026-10-01", False, "holiday"),
        ("2026-10-03", False, "weekend"),
        ("2026-10-10", False, None),
        ("2026-10-10", True, "weekend"),
        ("2026-09-14", False, "named-day"),
        ("2026-10-02", False, None),
    ],
)
def test_free_days_are_by_a_calendar_that_is_named(
    day: str, workdays_free: bool, rule: str | None
) -> None:
    free = street(free_days=replace(FREE, workdays_free=workdays_free))
    found = price(stay(f"{day}T09:00", f"{day}T10:00"), free)
    assert (found.lines[0].zero is Zero.FREE_DAY) == (rule is not None)
    assert found.total_fen == (0 if rule else 400)
    assert found.lines[0].rule == (rule or "1/day")
    assert found.lines[0].calendar == "holidays:2026+x"


def test_a_year_that_the_calendar_lacks_is_said_and_nothing_is_priced() -> None:
    free = street(free_days=FREE)
    with pytest.raises(CalendarYearMissing) as missing:
        price(stay("2026-12-31T20:00", "2027-01-01T08:00"), free)
    assert missing.value.details == {"calendar": "holidays", "year": 2027}
    assert price(stay("2026-12-31T20:00", "2027-01-01T06:00"), free).total_fen == 400


def test_p20_moving_one_berth_on() -> None:
    first = Occupancy("Z1-001", at("10:00"), at("10:50"))
    second = Occupancy("Z1-002", at("10:50:40"), at("11:40"))
    (both,) = joined((second, first), timedelta(minutes=3))
    one = stay("10:00", "11:40", berths=both, merge_gap=timedelta(minutes=3))
    found = price(one, STREET)
    assert (found.lines[0].minutes, found.total_fen) == (100, 600)
    assert [each.berth for each in found.berths] == ["Z1-001", "Z1-002"]
    assert found.choices["merge_gap_seconds"] == 180
    apart = joined((first, second), timedelta())
    stays = [replace(one, start=each.begins, end=each.ends) for (each,) in apart]
    assert [price(each, STREET).total_fen for each in stays] == [400, 400]
    across = [Occupancy(name, at("10:00"), at("10:30")) for name in ("Z1-001", "Z1-002")]
    assert len(joined(across, timedelta())) == 1


def test_what_is_no_stay_has_no_price() -> None:
    with pytest.raises(StayInvalid):
        stay("10:00", "09:00")
    with pytest.raises(StayInvalid):
        replace(stay("09:00", "10:00"), end=at("10:00").replace(tzinfo=None))
    with pytest.raises(StayInvalid):
        price(stay("09:00", "10:00", time_zone="Asia/Zhengzhou"), STREET)
    with pytest.raises(UnknownTariffZone):
        price(stay("22:00", "23:00", "4"), STREET)
    with pytest.raises(TariffNotInForce):
        price(stay("1999-12-31T09:00", "1999-12-31T10:00"), STREET)


def test_less_than_a_minute_costs_nothing_and_says_so() -> None:
    (line,) = price(stay("09:00", "09:00:59"), STREET).lines
    assert (line.fen, line.zero) == (0, Zero.NO_TIME)


def test_a_price_reads_back_from_what_an_event_carries() -> None:
    found = price(
        stay("10:00", "2026-09-16T10:00", berths=(Occupancy("Z1-001", at("10:00"), at("11:00")),)),
        street(caps=(CAP,), free_days=FREE),
    )
    assert Price.from_dict(found.as_dict()) == found
    assert found.as_dict()["total_fen"] == found.total_fen
