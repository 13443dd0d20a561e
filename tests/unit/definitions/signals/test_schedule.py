"""Plans by time of day and kind of day."""

from collections.abc import Callable
from copy import deepcopy
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from citybrain.city_day import CITY_ZONE
from citybrain.definitions.calendars import load_business_calendar
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.junction_file import DayKind
from citybrain.definitions.signals.junctions import load_signals
from citybrain.definitions.signals.schedule import due_plan, kind_of, next_due
from citybrain.definitions.yaml_file import DefinitionError
from tests.given.signals.x1 import X1, loaded, written

Change = Callable[[dict[str, Any]], None]
CALENDAR = load_business_calendar(Files(), Definitions())


def splits(*seconds: float) -> list[dict[str, Any]]:
    return [{"stage": stage, "seconds": each} for stage, each in zip("ABC", seconds, strict=True)]


def scheduled(change: Change = lambda said: None) -> dict[str, Any]:
    said = deepcopy(X1)
    said["plans"]["peak"] = {"cycle": 120, "splits": splits(66, 22, 32)}
    said["plans"]["night"] = {"cycle": 70, "splits": splits(34, 14, 22)}
    said["schedule"] = [
        {
            "days": ["working-day"],
            "plans": {"00:00": "night", "06:00": "day", "07:00": "peak", "22:00": "night"},
        },
        {"days": ["weekend", "holiday"], "plans": {"00:00": "night", "08:30": "day"}},
    ]
    change(said)
    return said


def at(text: str) -> datetime:
    """A moment by the city's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=CITY_ZONE)


def test_kinds_of_days_are_those_of_the_calendar() -> None:
    assert kind_of(date(2021, 9, 17), CALENDAR) is DayKind.WORKING  # a Friday
    assert kind_of(date(2021, 9, 18), CALENDAR) is DayKind.WORKING  # a Saturday that is worked
    assert kind_of(date(2021, 9, 20), CALENDAR) is DayKind.HOLIDAY  # a Monday
    assert kind_of(date(2021, 9, 25), CALENDAR) is DayKind.WEEKEND


@pytest.mark.parametrize(
    ("moment", "plan", "since", "following", "begins"),
    [
        ("2021-09-17 05:59:59", "night", "2021-09-17 00:00", "day", "2021-09-17 06:00"),
        ("2021-09-17 06:00:00", "day", "2021-09-17 06:00", "peak", "2021-09-17 07:00"),
        ("2021-09-17 23:00:00", "night", "2021-09-17 22:00", "night", "2021-09-18 00:00"),
        ("2021-09-18 07:30:00", "peak", "2021-09-18 07:00", "night", "2021-09-18 22:00"),
        ("2021-09-19 07:30:00", "night", "2021-09-19 00:00", "day", "2021-09-19 08:30"),
        ("2021-09-19 23:59:59", "day", "2021-09-19 08:30", "night", "2021-09-20 00:00"),
    ],
)
def test_a_plan_is_in_force_until_the_next_ones_time(
    tmp_path: Path, moment: str, plan: str, since: str, following: str, begins: str
) -> None:
    schedule = loaded(tmp_path, scheduled()).file.schedule
    due, then = due_plan(schedule, CALENDAR, at(moment)), next_due(schedule, CALENDAR, at(moment))
    assert due is not None
    assert then is not None
    assert (due.plan, due.since) == (plan, at(since))
    assert (then.plan, then.since) == (following, at(begins))


def test_without_a_schedule_nothing_becomes_due(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert due_plan(found.file.schedule, CALENDAR, at("2021-09-17 12:00")) is None
    assert next_due(found.file.schedule, CALENDAR, at("2021-09-17 12:00")) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda said: said["schedule"][0]["plans"].update({"12:00": "noon"}),
            "there is no plan 'noon'",
        ),
        (
            lambda said: said["schedule"][0]["plans"].pop("00:00"),
            "a day begins with a plan: 00:00 is missing",
        ),
        (lambda said: said["schedule"].pop(), "no row says which plans a weekend has"),
        (
            lambda said: said["schedule"][1]["days"].append("working-day"),
            "working-day stands in the schedule twice",
        ),
        (
            lambda said: said.update(limits={"cycle_step": 40}),
            "from plan peak to night the cycle changes by 50 s, by 40 s at most (rule 11)",
        ),
        (
            lambda said: (
                said["schedule"][1]["plans"].update({"00:00": "peak"}),
                said.update(limits={"cycle_step": 40}),
            ),
            "from plan night to peak the cycle changes by 50 s, by 40 s at most (rule 11)",
        ),
        (
            lambda said: said["schedule"][0]["plans"].update({"24:00": "day"}),
            "String should match pattern",
        ),
    ],
)
def test_what_is_wrong_with_a_schedule_is_named(
    tmp_path: Path, change: Change, message: str
) -> None:
    path = written(tmp_path, scheduled(change))
    with pytest.raises(DefinitionError) as error:
        load_signals(Files(tmp_path), Definitions())
    found = str(error.value).splitlines()
    assert all(each.startswith(f"{path}:") for each in found)
    assert any(message in each for each in found)
