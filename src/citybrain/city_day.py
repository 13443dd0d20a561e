"""The city's day: the one place that knows in which time zone the city lives.

It is the setting `city_zone`, read from the environment once, when a process starts: days,
deadlines and texts of all systems follow it.
"""

import os
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

VARIABLE, DEFAULT = "CITYBRAIN_CITY_ZONE", "Asia/Shanghai"
QUARTER_SECONDS = 900


def zone_named(name: str) -> ZoneInfo:
    """The time zone of this name; raises `ValueError`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}") from error


def _city_zone() -> ZoneInfo:
    """The zone of the environment; settings refuse one that does not exist, with a sentence."""
    try:
        return zone_named(os.environ.get(VARIABLE) or DEFAULT)
    except ValueError:
        return ZoneInfo(DEFAULT)


CITY_ZONE = _city_zone()


def city_day(moment: datetime) -> date:
    """The city's day of a moment; `moment` has an offset from UTC."""
    seconds = moment.timestamp()
    if seconds < 0:
        return moment.astimezone(CITY_ZONE).date()
    return _day_of(int(seconds) // QUARTER_SECONDS)


@lru_cache(4096)
def _day_of(quarter: int) -> date:
    """Of a quarter of an hour since 1970: since then no day has begun within one."""
    return datetime.fromtimestamp(quarter * QUARTER_SECONDS, CITY_ZONE).date()
