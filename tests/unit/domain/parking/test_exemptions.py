"""Who pays nothing, and what a car pays that stands at a charger when charging is over."""

from dataclasses import replace

import pytest

from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.domain.parking.price import Line, LineKind, Zero
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Permit, Span
from citybrain.domain.parking.tariff import Exemption, FreeMinutes, FreeMinutesKind, IdleFee
from tests.given.parking.tariffs import at, stay, street

STREET = street()
GREEN = PlateClass.NEW_ENERGY_SMALL


def test_p54_exempt_vehicles_on_duty() -> None:
    ambulance = Permit("emergency-service", at("2026-01-01T00:00"))
    found = price(stay("10:00", "10:12", permits=(ambulance,)), STREET)
    assert [(line.rule, line.zero, line.minutes) for line in found.lines] == [
        ("emergency-service", Zero.EXEMPT, 12)
    ]
    assert found.total_fen == 0
    police = price(stay("10:00", "12:00", plate_class=PlateClass.POLICE), STREET)
    assert [(line.rule, line.fen) for line in police.lines] == [("police", 0)]
    at_night = price(stay("22:00", "23:00", plate_class=PlateClass.POLICE), STREET)
    assert [line.rule for line in at_night.lines] == ["police"]


def test_p54_a_badge_holds_from_its_day_and_its_end_changes_nothing_before() -> None:
    car = stay("2026-09-09T10:00", "2026-09-09T11:00")
    assert price(car, STREET).total_fen == 400
    badge = Permit("disabled-badge", at("2026-09-01T00:00"))
    assert price(replace(car, permits=(badge,)), STREET).total_fen == 0
    ended = replace(badge, ends=at("2026-09-10T00:00"))
    assert price(replace(car, permits=(ended,)), STREET).total_fen == 0
    later = stay("2026-09-10T10:00", "2026-09-10T11:00", permits=(ended,))
    assert price(later, STREET).total_fen == 400


def test_a_permit_that_ends_during_a_stay_covers_its_part() -> None:
    permit = Permit("monthly", at("2026-09-01T00:00"), at("11:00"))
    found = price(stay("10:00", "13:00", permits=(permit,)), STREET)
    assert [(line.rule, line.minutes, line.fen) for line in found.lines] == [
        ("monthly", 60, 0),
        ("1/day", 120, 600),
    ]


def test_a_plate_that_was_not_read_and_another_permit_are_no_exemption() -> None:
    assert price(stay("10:00", "11:00", plate_class=None), STREET).total_fen == 400
    gym = Permit("gym", at("2026-01-01T00:00"))
    assert price(stay("10:00", "11:00", permits=(gym,)), STREET).total_fen == 400


def test_an_exemption_may_be_of_some_windows_of_first_minutes_or_while_charging() -> None:
    green = Exemption("green", classes=frozenset({GREEN}), first_minutes=120)
    found = price(stay("09:00", "12:00", plate_class=GREEN), street(exemptions=(green,)))
    assert [(line.rule, line.minutes, line.fen) for line in found.lines] == [
        ("green", 120, 0),
        ("1/day", 60, 400),
    ]
    charging = Exemption("charging", while_charging=True)
    car = stay("09:00", "12:00", charging=(Span(at("09:30"), at("10:30")),))
    found = price(car, street(exemptions=(charging,), idle=None))
    assert [(line.rule, line.minutes, line.fen) for line in found.lines] == [
        ("1/day", 120, 600),
        ("charging", 60, 0),
    ]
    half_an_hour = replace(charging, first_minutes=30)
    spans = (Span(at("09:00"), at("09:20")), Span(at("10:00"), at("11:00")))
    found = price(stay("09:00", "12:00", charging=spans), street(exemptions=(half_an_hour,)))
    assert [line.minutes for line in found.lines if line.rule == "charging"] == [30]
    elsewhere = replace(green, windows=frozenset({"night"}))
    car = stay("09:00", "10:00", plate_class=GREEN)
    assert price(car, street(exemptions=(elsewhere,))).total_fen == 400


def test_who_is_exempt_is_so_by_that_rule_also_in_free_minutes() -> None:
    free = street(free_minutes=FreeMinutes(15, FreeMinutesKind.CLIFF))
    found = price(stay("10:00", "10:12", plate_class=PlateClass.POLICE), free)
    assert [line.rule for line in found.lines] == ["police"]


def charged(begins: str, ends: str, *until: str) -> list[Line]:
    spans = [Span(at("11:00"), at(until[0]))] if until else [Span(at("11:00"))]
    spans += [
        Span(at(since), at(over)) for since, over in zip(until[1::2], until[2::2], strict=True)
    ]
    return list(price(stay(begins, ends, charging=tuple(spans)), STREET).lines)


def test_p55_charging_is_over_the_car_stays() -> None:
    parking, idle = charged("11:00", "12:47", "12:00")
    assert (parking.kind, parking.minutes, parking.fen) == (LineKind.PARKING, 107, 600)
    assert (idle.kind, idle.minutes, idle.fen) == (LineKind.IDLE, 32, 400)
    assert [(step.units, step.fen) for step in idle.steps] == [(4, 100)]
    _, courtesy = charged("11:00", "12:15", "12:00")
    assert (courtesy.fen, courtesy.zero) == (0, Zero.COURTESY)
    assert sum(line.fen for line in charged("11:00", "12:15:59", "12:00")) == 600
    assert sum(line.fen for line in charged("11:00", "12:16", "12:00")) == 700


def test_a_car_that_still_charges_pays_no_idle_fee() -> None:
    assert [line.kind for line in charged("11:00", "12:47")] == [LineKind.PARKING]
    assert [line.kind for line in charged("11:00", "12:47", "12:47")] == [LineKind.PARKING]


def test_charging_again_ends_the_idle_time_and_each_time_rounds_by_itself() -> None:
    lines = charged("11:00", "13:00", "11:30", "11:56", "12:30")
    idle = [(line.minutes, line.fen) for line in lines if line.kind is LineKind.IDLE]
    assert idle == [(11, 200), (15, 200)]


@pytest.mark.parametrize(
    ("fee", "fen", "cap"),
    [
        (IdleFee(0, 100, 10, most_fen=250), 250, "idle-most"),
        (IdleFee(0, 100, 10, windows=frozenset({"day"})), 600, None),
        (IdleFee(0, 100, 10), 1200, None),
    ],
)
def test_an_idle_fee_has_its_own_cap_and_windows(fee: IdleFee, fen: int, cap: str | None) -> None:
    car = stay("19:00", "22:00", charging=(Span(at("19:00"), at("20:00")),))
    idle = price(car, street(idle=fee)).lines[-1]
    assert (idle.fen, idle.cap) == (fen, cap)


def test_who_is_on_duty_pays_no_idle_fee_and_a_resident_does() -> None:
    span = (Span(at("11:00"), at("12:00")),)
    police = stay("11:00", "13:00", charging=span, plate_class=PlateClass.POLICE)
    assert [(line.fen, line.rule) for line in price(police, STREET).lines] == [
        (0, "police"),
        (0, "police"),
    ]
    resident = Permit("resident", at("2026-01-01T00:00"))
    car = stay("11:00", "13:00", charging=span, permits=(resident,))
    assert [line.fen for line in price(car, STREET).lines] == [0, 500]
