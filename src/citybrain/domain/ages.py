"""How old somebody is on a day of the city: the one definition, for consents and for rules.

Civil Code art. 202: a period of months or years ends on the day of the same number; where its last
month has none, on that month's last day. So who was born on 29 February is a year older on
28 February, except in leap years.
"""

from datetime import date, timedelta

CHILD_UNDER_YEARS = 14  # PIPL art. 31
ADULT_YEARS = 18  # Civil Code art. 17


def months_between(first: date, last: date) -> int:
    """Whole months from one day to another; negative where `last` comes before."""
    if last < first:
        return -months_between(last, first)
    months = (last.year - first.year) * 12 + last.month - first.month
    ends_earlier = last.day < first.day and (last + timedelta(days=1)).month == last.month
    return months - ends_earlier


def years_between(first: date, last: date) -> int:
    """Whole years from one day to another: an age, where `first` is a day of birth."""
    return int(months_between(first, last) / 12)
