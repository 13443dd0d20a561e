"""A second way to price, that looks at every unit of time: minutes, or seconds where they count.

It is written to hold `citybrain.domain.parking.pricing` against, and shares no formula with it:
nothing is cut and nothing divided; a unit is asked what the clock on the wall shows when it begins,
and the ladder is climbed unit by unit.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from citybrain.domain.parking.stay import Stay
from citybrain.domain.parking.tariff import (
    CapPer,
    Exemption,
    FreeMinutesKind,
    Ladder,
    OnChange,
    Reset,
    Seconds,
    StartedUnit,
    TariffVersion,
)

DAY = timedelta(days=1)


def fen_by_walking(stay: Stay, versions: tuple[TariffVersion, ...]) -> int:
    """What parking costs, without the idle fee."""
    zone = ZoneInfo(stay.time_zone or versions[0].time_zone)
    first = version_on(stay.start.astimezone(zone).date(), versions)
    per_ladder: Counter[tuple[object, ...]] = Counter()
    belongs: dict[tuple[object, ...], tuple[TariffVersion, str, date]] = {}
    units = moments(stay, first)
    unit = 60 if first.seconds is Seconds.DROPPED else 1
    free_until = end_of_free_minutes(stay, first, timedelta(seconds=len(units) * unit))
    for moment in units:
        wall = moment.astimezone(zone)
        today = first if first.on_change is OnChange.START else version_on(wall.date(), versions)
        shown = shown_by(wall, today)
        if shown is None or moment < free_until:
            continue
        if is_free(stay, today, moment, wall.date(), shown[0]):
            continue
        window, day = shown
        key = (window,) if first.reset is Reset.NEVER else (today.id, window, day)
        belongs.setdefault(key, (today, window, day))
        per_ladder[key] += 1
    costs = [
        (
            *belongs[key],
            climbed(belongs[key][0].zones[stay.zone][belongs[key][1]], units * unit, first),
        )
        for key, units in per_ladder.items()
    ]
    return most(stay, first, costs)


def moments(stay: Stay, first: TariffVersion) -> list[datetime]:
    """The beginning of each unit that is counted."""
    step = timedelta(minutes=1) if first.seconds is Seconds.DROPPED else timedelta(seconds=1)
    found, at = [], stay.start.astimezone(ZoneInfo("UTC"))
    end = stay.end.astimezone(ZoneInfo("UTC"))
    while at + step <= end or (step < timedelta(minutes=1) and at < end):
        found.append(at)
        at += step
    return found


def version_on(day: date, versions: tuple[TariffVersion, ...]) -> TariffVersion:
    """The last that has come into force."""
    (*_, last) = (version for version in versions if version.valid_from <= day)
    return last


def shown_by(wall: datetime, version: TariffVersion) -> tuple[str, date] | None:
    """The window that the clock on the wall is in, and the day on which it began."""
    minute = wall.hour * 60 + wall.minute
    for window in version.windows:
        over_midnight = window.ends <= window.begins
        if minute >= window.begins and (over_midnight or minute < window.ends):
            return window.code, wall.date()
        if over_midnight and minute < window.ends:
            return window.code, wall.date() - DAY
    return None


def end_of_free_minutes(stay: Stay, first: TariffVersion, counted: timedelta) -> datetime:
    """Until when time is free at the beginning of a stay of which so much is counted."""
    free = first.free_minutes
    if free is None:
        return stay.start
    length = timedelta(minutes=free.minutes)
    if free.kind is FreeMinutesKind.DEDUCTED:
        return stay.start + length
    return stay.end if counted <= length else stay.start


def is_free(stay: Stay, today: TariffVersion, at: datetime, day: date, window: str) -> bool:
    """Whether a unit costs nothing that begins in a window."""
    if today.free_days is not None and day in today.free_days.days:
        return True
    return any(exempts(exemption, stay, at, window) for exemption in today.exemptions)


def exempts(exemption: Exemption, stay: Stay, at: datetime, window: str) -> bool:
    """Whether an exemption holds at a moment."""
    if exemption.windows is not None and window not in exemption.windows:
        return False
    if stay.plate_class in exemption.classes:
        spans = [(stay.start, stay.end)]
    elif exemption.while_charging:
        spans = [(span.begins, span.ends or stay.end) for span in stay.charging]
    else:
        held = (permit for permit in stay.permits if permit.kind in exemption.permits)
        spans = [(permit.begins, permit.ends or stay.end) for permit in held]
    for begins, ends in spans:
        begins = max(begins, stay.start)
        if begins <= at < ends:
            most = exemption.first_minutes
            return most is None or at - begins < timedelta(minutes=most)
    return False


def climbed(ladder: Ladder, seconds: int, first: TariffVersion) -> int:
    """The ladder, climbed unit by unit until the time is used up."""
    fen, used = 0, 0
    for step in ladder.steps:
        times = 0
        while used < seconds and (step.times is None or times < step.times):
            over = used + step.each_minutes * 60
            if over <= seconds or first.started_unit is StartedUnit.COUNTS:
                fen += step.fen
            used, times = over, times + 1
    return fen


Cost = tuple[TariffVersion, str, date, int]


def most(stay: Stay, first: TariffVersion, costs: list[Cost]) -> int:
    """The sum under caps: of windows, then of days, then of the stay and of the plate."""
    windows: Counter[tuple[date, str]] = Counter()
    for _, window, day, fen in costs:
        windows[day, window] += fen
    limits = {
        per: [c.fen for c in first.caps if c.per is per and c.holds_in(stay.zone)] for per in CapPer
    }
    days: Counter[date] = Counter()
    for (day, _), fen in windows.items():
        days[day] += min([fen, *limits[CapPer.WINDOW]])
    total = 0
    for day, fen in days.items():
        left = [max(cap - stay.earlier_fen.get(day, 0), 0) for cap in limits[CapPer.PLATE_DAY]]
        total += min([fen, *limits[CapPer.DAY], *left])
    return min([total, *limits[CapPer.STAY]])
