"""The city's day: the one place that knows in which time zone the city lives."""

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

CITY_ZONE = ZoneInfo("Asia/Shanghai")
QUARTER_SECONDS = 900


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
