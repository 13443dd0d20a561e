"""Tariffs as CDS policies: what is published costs what is charged, to the minute."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking.free_days import FreeDays
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Stay
from citybrain.domain.parking.tariff import Cap, CapPer, Exemption, Ladder, Step, Window
from citybrain.http.parking.cds.policies import midnight, policies_of, rates_of
from citybrain.http.parking.cds.versions import Version
from tests.given.parking.cds.client import fen_by_minute, fen_of, ms
from tests.given.parking.cds.schemas import policy as policy_schema
from tests.given.parking.tariffs import ALL_DAY, at, minutes, stay, street, street_version
from tests.given.storm import examples

VERSIONS = pytest.mark.parametrize("version", Version)


def published(tariff_version: Any, version: Version, zone: str = "1") -> list[dict[str, Any]]:
    """The policies as a client reads them, held against the schema."""
    judge = jsonschema_rs.Draft202012Validator(policy_schema(version is not Version.V1_0))
    found = [policy.members(version) for policy in policies_of(tariff_version, zone)]
    for policy in found:
        assert judge.is_valid(policy), [error.message for error in judge.iter_errors(policy)]
    priorities = [policy["priority"] for policy in found]
    assert len(set(priorities)) == len(priorities)
    return found


@VERSIONS
@pytest.mark.parametrize("zone", ["1", "2", "3"])
def test_prices_for_every_minute_follow_from_the_published_rates(
    version: Version, zone: str
) -> None:
    policies = published(street_version(), version, zone)
    for begin in ("07:00", "00:00", "15:20"):
        start = at(begin)
        expected = [
            price(Stay(start=start, end=start + timedelta(minutes=count), zone=zone), street())
            for count in range(1, 841)
        ]
        found = fen_by_minute(policies, start, 840)
        assert found == [each.total_fen for each in expected], begin


@VERSIONS
@examples(20)
@given(begin=st.integers(0, 2 * 1440), length=st.integers(1, 2000))
def test_a_stay_over_nights_costs_what_the_rates_say(
    version: Version, begin: int, length: int
) -> None:
    start = at("2026-09-14T00:00") + timedelta(minutes=begin)
    expected = price(stay(str(start), str(start + timedelta(minutes=length))), street())
    assert fen_of(published(street_version(), version), start, length) == expected.total_fen


STEPS = st.tuples(
    st.sampled_from([1, 50, 100, 150, 400]),
    st.sampled_from([10, 15, 30, 60, 120]),
    st.integers(1, 3),
)


@given(steps=st.lists(STEPS, min_size=1, max_size=3), count=st.integers(1, 840))
def test_any_ladder_is_said(steps: list[tuple[int, int, int]], count: int) -> None:
    (*before, last) = [Step(*step) for step in steps]
    ladder = Ladder((*before, replace(last, times=None)))
    version = replace(street_version(), zones={"1": {"day": ladder}})
    rates = rates_of(ladder, 840, None)
    starts = [rate["start_duration"] for rate in rates]
    assert [0, *(rate["end_duration"] for rate in rates[:-1])] == starts, "no hole, no overlap"
    assert "end_duration" not in rates[-1]
    tariff = street(zones={"1": {"day": ladder}})
    expected = price(minutes(count), tariff).total_fen
    assert fen_of(published(version, Version.V1_1), at("07:00"), count) == expected


def test_a_window_over_midnight_has_two_spans() -> None:
    night = Window("night", 21 * 60, 7 * 60)
    version = replace(
        street_version(),
        windows=(night,),
        zones={"1": {"night": Ladder((Step(100, 60),))}},
        exemptions=(),
    )
    charged, outside = published(version, Version.V1_1)
    assert charged["time_spans"] == [{"time_of_day_end": "07:00"}, {"time_of_day_start": "21:00"}]
    assert outside["time_spans"] == [{"time_of_day_start": "07:00", "time_of_day_end": "21:00"}]


def test_a_tariff_round_the_clock_has_no_spans() -> None:
    version = replace(
        street_version(),
        windows=(ALL_DAY,),
        zones={"1": {"day": Ladder((Step(100, 60),))}},
        exemptions=(),
    )
    (policy,) = published(version, Version.V1_0)
    assert "time_spans" not in policy


@VERSIONS
def test_who_is_exempt_is_a_class_in_1_0_and_a_purpose_in_1_1(version: Version) -> None:
    exempt = published(street_version(), version)[0]
    named = {
        (name, value)
        for rule in exempt["rules"]
        for name in ("user_classes", "purposes")
        for value in rule.get(name, ())
    }
    name = "user_classes" if version is Version.V1_0 else "purposes"
    assert named == {
        (name, value) for value in ("disabled_parking_permit", "emergency_use", "permit")
    }
    assert all(rule["rate"] == [{"rate": 0, "rate_unit": "hour"}] for rule in exempt["rules"])


def test_free_days_come_before_the_windows() -> None:
    worked = date(2026, 9, 19)  # a Saturday
    free = FreeDays(
        calendar="c",
        years={2026: "c:2026"},
        holidays=frozenset({date(2026, 10, 1)}),
        workdays=frozenset({worked}),
        holidays_free=True,
        weekdays=frozenset({5, 6}),
    )
    version = replace(street_version(), free_days=free, exemptions=())
    policies = published(version, Version.V1_0)
    spans = policies[0]["time_spans"]
    assert spans[0] == {"designated_period": "holidays"}
    dated = {(span["start_date"], span["end_date"]) for span in spans[1:]}

    def days(first: date, last: date) -> tuple[int, int]:
        zone = "Asia/Shanghai"
        return ms(midnight(first, zone)), ms(midnight(last, zone))

    assert days(date(2026, 9, 12), date(2026, 9, 14)) in dated
    assert days(date(2026, 9, 20), date(2026, 9, 21)) in dated, "the Saturday is worked"
    assert fen_of(policies, at("2026-09-12T09:00"), 60) == 0
    assert fen_of(policies, at("2026-09-19T09:00"), 60) == 400


def test_a_cap_of_a_stay_is_the_maximum_fee_and_others_are_told() -> None:
    caps = (Cap("stay", CapPer.STAY, 3000), Cap("day", CapPer.DAY, 2000))
    version = replace(street_version(), caps=caps, exemptions=())
    charged = published(version, Version.V1_1)[0]
    assert {rate["maximum_fee"] for rate in charged["rules"][0]["rate"]} == {3000}
    assert "At most 2000 fen per day." in charged["description"]
    assert "maximum_fee" in published(version, Version.V1_0)[0]["rules"][0]["rate"][0]


def test_what_cds_has_no_place_for_is_in_the_description_of_1_1_only() -> None:
    exemptions = (
        Exemption("electric", permits=frozenset({"ev"}), first_minutes=60),
        Exemption("charging", while_charging=True),
    )
    version = replace(street_version(), exemptions=exemptions)
    found = published(version, Version.V1_1)[0]
    for said in ("Seconds", "anew with each window", "Free for 60 minutes", "being charged"):
        assert said in found["description"]
    assert "description" not in published(version, Version.V1_0)[0]


def test_an_id_stands_for_one_text() -> None:
    first = street_version()
    other = replace(first, id="street:2027-01-01+00000000", valid_from=date(2027, 1, 1))
    ids = [
        {policy["curb_policy_id"] for policy in published(each, Version.V1_0)}
        for each in (first, first, other)
    ]
    assert ids[0] == ids[1]
    assert not ids[0] & ids[2]
