"""Tariff versions as CDS policies: rates by window, what is free and for whom.

One version in one tariff zone is a handful of policies: exempt vehicles, free days, each window,
and the rest of the day. An id follows from the version's, so it stands for this text for ever.
What CDS cannot say is in the description, which 1.0 does not have.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo

from citybrain.domain.parking.free_days import FreeDays
from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.domain.parking.tariff import (
    DAY_MINUTES,
    CapPer,
    Exemption,
    Ladder,
    Reset,
    Seconds,
    StartedUnit,
    Step,
    Tariff,
    TariffNotInForce,
    TariffVersion,
    UnknownTariffZone,
)
from citybrain.http.parking.cds.asking import milliseconds
from citybrain.http.parking.cds.versions import Version

Object = dict[str, Any]
Part = tuple[int, int]
"""From one minute of the day until before another."""

USER_CLASSES: Final = {
    PlateClass.POLICE: "emergency_use",
    PlateClass.ARMED_POLICE: "emergency_use",
    PlateClass.MILITARY: "emergency_use",
    PlateClass.EMERGENCY: "emergency_use",
    PlateClass.NEW_ENERGY_SMALL: "electric",
    PlateClass.NEW_ENERGY_LARGE: "electric",
}
PERMITS: Final = {"disabled-badge": "disabled_parking_permit", "emergency-service": "emergency_use"}
PURPOSES: Final = frozenset({"permit", "disabled_parking_permit", "emergency_use"})
"""What 1.0 has among user classes, and 1.1 among purposes."""
FREE: Final = [{"rate": 0, "rate_unit": "hour"}]
HOURS, MINUTES = (60, "hour"), (1, "minute")


@dataclass(frozen=True, slots=True)
class Rule:
    """Who pays what; `user_class` None: everybody."""

    rates: list[Object]
    user_class: str | None = None

    def members(self, version: Version) -> Object:
        """As bodies have it."""
        found: Object = {"activity": "parking"}
        if self.user_class is not None:
            purpose = version is not Version.V1_0 and self.user_class in PURPOSES
            found["purposes" if purpose else "user_classes"] = [self.user_class]
        return found | {"rate": self.rates}


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy. `spans` empty: at all times."""

    policy_id: UUID
    published: datetime
    priority: int
    rules: list[Rule]
    spans: list[Object]
    name: str
    description: str

    def members(self, version: Version) -> Object:
        """As bodies have it."""
        found: Object = {
            "curb_policy_id": str(self.policy_id),
            "published_date": milliseconds(self.published),
            "priority": self.priority,
            "rules": [rule.members(version) for rule in self.rules],
        }
        if self.spans:
            found["time_spans"] = self.spans
        if version is not Version.V1_0:
            found |= {"name": self.name, "description": self.description}
        return found


def policies_of(version: TariffVersion, zone: str) -> list[Policy]:
    """The policies of a version in a tariff zone; raises `UnknownTariffZone`.

    Each has another priority, the lesser ones first: who is exempt, free days, and the windows.
    """
    ladders, found = version.rates(zone), list[Policy]()
    said = description_of(version, zone)

    def add(part: str, rules: list[Rule], spans: list[Object], name: str) -> None:
        name_of_id = f"parking-policy:{version.id}:{zone}:{part}"
        policy_id = uuid5(NAMESPACE_URL, name_of_id)
        published = midnight(version.published, version.time_zone)
        when = [span for span in spans if span]
        found.append(Policy(policy_id, published, len(found) + 1, rules, when, name, said))

    for number, (windows, classes) in enumerate(_exempt(version.exemptions)):
        parts = [part for part in version.day if windows is not None and part.code in windows]
        spans = [_span((part.begins, part.ends)) for part in parts]
        rules = [Rule(FREE, user_class) for user_class in sorted(classes)]
        add(f"exempt-{number}", rules, spans, f"Zone {zone}: exempt vehicles")
    if version.free_days is not None and (days := _days(version.free_days, version.time_zone)):
        add("free-days", [Rule(FREE)], days, f"Zone {zone}: free days")
    cap = min((cap.fen for cap in version.caps_of(zone, CapPer.STAY)), default=None)
    for window in version.windows:
        parts_of = [(each.begins, each.ends) for each in version.day if each.code == window.code]
        rates = rates_of(ladders[window.code], sum(end - begin for begin, end in parts_of), cap)
        spans = [_span(part) for part in parts_of]
        add(f"window-{window.code}", [Rule(rates)], spans, f"Zone {zone}: {window.code}")
    outside = [_span((each.begins, each.ends)) for each in version.day if each.code is None]
    if outside:
        add("outside", [Rule(FREE)], outside, f"Zone {zone}: outside the charged hours")
    return found


def rates_of(ladder: Ladder, minutes: int, most_fen: int | None) -> list[Object]:
    """The steps of a ladder in a window of so many minutes, without holes."""
    steps = ladder.steps
    each, unit = HOURS if all(step.each_minutes % 60 == 0 for step in steps) else MINUTES
    found: list[Object] = []
    at = 0
    for step in steps:
        for fen, increment, length in _even(step, each, minutes // each - at):
            rate: Object = {
                "rate": fen,
                "rate_unit": unit,
                "increment_duration": increment,
                "start_duration": at,
            }
            if length is not None:
                at += length
                rate["end_duration"] = at
            if most_fen is not None:
                rate["maximum_fee"] = most_fen
            found.append(rate)
    return found


def _even(step: Step, each: int, left: int) -> Iterator[tuple[int, int, int | None]]:
    """A step: fen per unit, units at once, and for how many units; None: for ever.

    Where a unit does not come to whole fen, all of it is asked for in its first minute, time after
    time, until the window is over.
    """
    length = step.each_minutes // each
    if step.fen % length == 0:
        yield step.fen // length, length, None if step.times is None else step.times * length
        return
    times = step.times if step.times is not None else max(-(-left // length), 1)
    for number in range(1, times + 1):
        last = step.times is None and number == times
        yield step.fen, 1, 1
        yield 0, 1, None if last else length - 1


def _exempt(exemptions: Iterable[Exemption]) -> list[tuple[frozenset[str] | None, set[str]]]:
    """Who is exempt when; what is so for some minutes only, or while charging, is left out."""
    found: dict[frozenset[str] | None, set[str]] = {}
    for exemption in exemptions:
        if exemption.first_minutes is not None or exemption.while_charging:
            continue
        classes = {USER_CLASSES.get(each, each.value) for each in exemption.classes}
        classes |= {PERMITS.get(each, "permit") for each in exemption.permits}
        found.setdefault(exemption.windows, set()).update(classes)
    return list(found.items())


def _days(free: FreeDays, time_zone: str) -> list[Object]:
    """Free days: holidays by their name, others by their dates, as some are worked."""
    found: list[Object] = []
    if free.holidays_free:
        found.append({"designated_period": "holidays"})
    days = set(free.days)
    for year in free.years if free.weekdays else ():
        each = date(year, 1, 1)
        while each.year == year:
            if each.weekday() in free.weekdays and free.on(each) is not None:
                days.add(each)
            each += timedelta(1)
    for first, last in _runs(sorted(days)):
        begin, end = midnight(first, time_zone), midnight(last + timedelta(1), time_zone)
        found.append({"start_date": milliseconds(begin), "end_date": milliseconds(end)})
    return found


def _runs(days: list[date]) -> Iterator[tuple[date, date]]:
    first = last = None
    for day in days:
        if last is None or day - last > timedelta(1):
            if first is not None and last is not None:
                yield first, last
            first = day
        last = day
    if first is not None and last is not None:
        yield first, last


def _span(part: Part) -> Object:
    """A part of each day by the wall clock; one that ends at midnight does not say when it ends."""
    begin, end = part
    found = {}
    if begin:
        found["time_of_day_start"] = f"{begin // 60:02}:{begin % 60:02}"
    if end < DAY_MINUTES:
        found["time_of_day_end"] = f"{end // 60:02}:{end % 60:02}"
    return found


def description_of(version: TariffVersion, zone: str) -> str:
    """What the members of CDS have no place for."""
    free = version.free_minutes
    said = [f"Tariff version {version.id}."]
    if version.seconds is Seconds.DROPPED:
        said.append("Seconds of a stay are dropped.")
    if version.started_unit is StartedUnit.DROPPED:
        said.append("A unit of time that is not over is not charged.")
    if version.reset is Reset.DAILY:
        said.append("Rates begin anew with each window of each day.")
    if free is not None:
        said.append(f"The first {free.minutes} minutes are free ({free.kind.value}).")
    for cap in version.caps_of(zone, *(per for per in CapPer if per is not CapPer.STAY)):
        said.append(f"At most {cap.fen} fen per {cap.per.value}.")
    for exemption in version.exemptions:
        if exemption.first_minutes is not None:
            said.append(f"Free for {exemption.first_minutes} minutes: {exemption.code}.")
        elif exemption.while_charging:
            said.append("Free while the vehicle is being charged.")
    if version.idle is not None:
        said.append("Standing at a charger after charging costs a fee of its own.")
    return " ".join(said)


def midnight(day: date, time_zone: str) -> datetime:
    """When a day begins."""
    return datetime.combine(day, time(), ZoneInfo(time_zone))


@dataclass(frozen=True, slots=True)
class InForce:
    """The policies of a place from a moment on, and when those were published."""

    begins: datetime
    policy_ids: list[str]
    published: datetime | None


def in_force(
    tariff: Tariff, zone: str | None, at: datetime
) -> tuple[list[Policy], TariffVersion | None]:
    """The policies of a tariff zone at a moment; none where there is no tariff for it."""
    if zone is None or not tariff.every:
        return [], None
    try:
        version = tariff.at(at.astimezone(ZoneInfo(tariff.time_zone)).date())
        return policies_of(version, zone), version
    except (TariffNotInForce, UnknownTariffZone):
        return [], None


def over_time(tariff: Tariff, versions: list[Object], until: datetime) -> list[InForce]:
    """Which policies were in force of a place, the oldest first, up to a moment.

    `versions` are those of the place, the oldest first.
    """
    edges = {each["valid_from"] for each in versions}
    first = min(edges)
    edges |= {midnight(each.valid_from, tariff.time_zone) for each in tariff.every}
    found: list[InForce] = []
    for edge in sorted(edge for edge in edges if first <= edge <= until):
        (*_, place) = (each for each in versions if each["valid_from"] <= edge)
        if place["retired"]:
            continue
        policies, version = in_force(tariff, place["tariff_zone"], edge)
        ids = [str(policy.policy_id) for policy in policies]
        if not found or found[-1].policy_ids != ids:
            published = None
            if version is not None:
                published = midnight(version.published, version.time_zone)
            found.append(InForce(edge, ids, published))
    return found
