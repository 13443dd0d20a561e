"""What holds of every price, whatever the tariff: searched for by chance."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking.price import LineKind, Price
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Stay
from citybrain.domain.parking.tariff import IdleFee, Seconds, Tariff, TariffVersion
from tests.given.parking.minutes import fen_by_walking
from tests.given.parking.random_tariffs import changing, stays, versions
from tests.given.parking.tariffs import tariff
from tests.given.storm import examples


def parking_fen(found: Price) -> int:
    return sum(line.fen for line in found.lines if line.kind is LineKind.PARKING)


@given(stays(), changing())
@examples(300)
def test_a_price_is_what_looking_at_every_minute_gives(
    stay: Stay, both: tuple[TariffVersion, ...]
) -> None:
    if both[0].seconds is Seconds.COUNTED:
        stay = replace(stay, end=min(stay.end, stay.start + timedelta(hours=3)))
    assert price(stay, tariff(*both)).total_fen == fen_by_walking(stay, both)


@given(st.integers(-9000, 9000), st.integers(0, 600), versions())
@examples(100)
def test_also_where_clocks_are_put_back(off: int, length: int, version: TariffVersion) -> None:
    version = replace(version, time_zone="Europe/Berlin", seconds=Seconds.DROPPED)
    for change in (datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)):
        begin = change + timedelta(seconds=off)
        stay = Stay(start=begin, end=begin + timedelta(minutes=length), zone="1")
        assert price(stay, tariff(version)).total_fen == fen_by_walking(stay, (version,))


@given(stays(), changing(), st.integers(0, 7200))
def test_who_stays_longer_never_pays_less(
    stay: Stay, both: tuple[TariffVersion, ...], more: int
) -> None:
    both = tuple(replace(each, idle=IdleFee(15, 100, 10)) for each in both)
    longer = replace(stay, end=stay.end + timedelta(seconds=more))
    first, second = (price(each, tariff(*both)) for each in (stay, longer))
    assert 0 <= first.total_fen <= second.total_fen
    assert all(0 <= line.fen <= line.uncapped_fen for line in (*first.lines, *second.lines))
    assert all((line.fen == 0) == (line.zero is not None) for line in second.lines)
    assert all((line.fen < line.uncapped_fen) == (line.cap is not None) for line in second.lines)


@given(stays(whole=True), versions(daily=True))
def test_days_add_up(stay: Stay, version: TariffVersion) -> None:
    zone = ZoneInfo(version.time_zone)
    plain = replace(stay, permits=(), charging=())
    days = list(by_day(plain, zone))
    total = price(plain, tariff(version)).total_fen
    assert total == sum(price(day, tariff(version)).total_fen for day in days)


def by_day(stay: Stay, zone: ZoneInfo) -> list[Stay]:
    """The stay in parts that end at midnight."""
    found: list[Stay] = []
    begin = stay.start
    while True:
        day = begin.astimezone(zone).date() + timedelta(days=1)
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        if midnight >= stay.end:
            return [*found, replace(stay, start=begin)]
        found.append(replace(stay, start=begin, end=midnight))
        begin = midnight


@given(stays(), changing())
def test_a_price_is_the_same_each_time_and_reads_back(
    stay: Stay, both: tuple[TariffVersion, ...]
) -> None:
    found = price(stay, tariff(*both))
    assert found == price(stay, tariff(*both))
    assert Price.from_dict(found.as_dict()) == found


@given(stays(), changing())
def test_every_unit_of_a_stay_is_in_one_line_at_most(
    stay: Stay, both: tuple[TariffVersion, ...]
) -> None:
    lines = [line for line in price(stay, tariff(*both)).lines if line.kind is LineKind.PARKING]
    assert (
        sum(line.counted_seconds for line in lines) <= (stay.end - stay.start).total_seconds() + 1
    )


@given(stays(whole=True), versions())
def test_under_one_version_alone_nothing_of_another_is_left(
    stay: Stay, version: TariffVersion
) -> None:
    late = replace(version, id="v9", valid_from=date(2100, 1, 1))
    both = Tariff("street", (version, late))
    found = price(stay, both.only("v9"))
    assert found.versions == ("v9",)
    assert found.total_fen == price(stay, both).total_fen
