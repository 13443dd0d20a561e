"""Tariffs and stays for tests: the city's own tariff, changed where a test says so."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from citybrain.definitions.loading import PACKAGE_FOLDER, Files
from citybrain.definitions.parking.tariffs import load_tariff_definitions
from citybrain.domain.parking.stay import Stay
from citybrain.domain.parking.tariff import Ladder, Step, Tariff, TariffVersion, Window

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
STREET_FILE = PACKAGE_FOLDER / "tariff" / "street-2020.yaml"
ALL_DAY = Window("day", 0, 24 * 60)


@cache
def street_version() -> TariffVersion:
    """The first version of the city's on-street tariff."""
    return load_tariff_definitions(Files()).tariff("street").versions[0]


def street(**changes: Any) -> Tariff:
    """The city's on-street tariff, always in force, with other members."""
    return tariff(replace(street_version(), valid_from=date(2000, 1, 1), **changes))


def tariff(*versions: TariffVersion) -> Tariff:
    """One of these versions."""
    return Tariff("street", versions)


def hours(first: int, next_two: int, later: int) -> Ladder:
    """The first hour, the second and third each, every further one, in fen."""
    return Ladder((Step(first, 60, 1), Step(next_two, 60, 2), Step(later, 60)))


def stay(begins: str, ends: str, zone: str = "1", **more: Any) -> Stay:
    """A stay by the wall clock of Zhengzhou, or by an offset that the times say."""
    return Stay(start=at(begins), end=at(ends), zone=zone, **more)


def at(text: str) -> datetime:
    """A time; `09:00` is one of Monday, 2026-09-14."""
    found = datetime.fromisoformat(text if "-" in text else f"2026-09-14T{text}")
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)


def minutes(count: float, **more: Any) -> Stay:
    """A stay of so many minutes from 07:00 on."""
    begin = at("07:00")
    return Stay(start=begin, end=begin + timedelta(minutes=count), **{"zone": "1", **more})
