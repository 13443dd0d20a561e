"""The city's day: the one place that knows in which time zone the city lives."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

CITY_ZONE = ZoneInfo("Asia/Shanghai")


def city_day(moment: datetime) -> date:
    """The city's day of a moment; `moment` has an offset from UTC."""
    return moment.astimezone(CITY_ZONE).date()
