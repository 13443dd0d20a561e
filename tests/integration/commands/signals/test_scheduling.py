"""A junction follows another plan when its schedule says so, whoever leads and whoever chose."""

from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

from citybrain.audit.signals.exports import read_log
from citybrain.city_day import CITY_ZONE
from citybrain.definitions.calendars import BusinessCalendar, CalendarDefinition
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.junctions import load_signals
from citybrain.domain.signals.officers import Reason
from citybrain.eventstore import EventStore
from commands.services import Services
from commands.signals.junction import PutJunctionInService, put_junction_in_service
from commands.signals.office import ActivatePlan, activate_plan
from tests.given.services import context, services_over
from tests.given.signals.controlled import OFFICER, Centre
from tests.given.signals.x1 import X1, written


def at(text: str) -> datetime:
    """A moment by the city's clock; 14 September 2026 is a Monday."""
    return datetime.fromisoformat(f"2026-09-{text}").replace(tzinfo=CITY_ZONE)


def splits(*seconds: float) -> list[dict[str, Any]]:
    return [{"stage": stage, "seconds": each} for stage, each in zip("ABC", seconds, strict=True)]


def services(store: EventStore, folder: Path) -> Services:
    """X1 with a plan for the night and one for the peak."""
    said = deepcopy(X1)
    said["plans"]["night"] = {"cycle": 70, "splits": splits(34, 14, 22)}
    said["plans"]["peak"] = {"cycle": 120, "splits": splits(66, 22, 32)}
    said["schedule"] = [
        {"days": ["working-day"], "plans": {"00:00": "night", "06:00": "day", "22:00": "night"}},
        {"days": ["weekend", "holiday"], "plans": {"00:00": "night", "08:30": "day"}},
    ]
    written(folder, said)
    found = services_over(store)
    found.definitions = found.definitions.extended(load_signals(Files(folder), Definitions()))
    return found


async def in_service(store: EventStore, folder: Path, moment: datetime) -> Centre:
    centre = await Centre.of(services(store, folder), moment)
    command = PutJunctionInService(reason=Reason.NEW)
    await put_junction_in_service("x1", command, context(OFFICER), centre.services)
    return centre


async def plans(store: EventStore) -> list[tuple[str, str]]:
    """The plans that were activated, and by whom."""
    return [
        (each.data["plan"], each.data["by"])
        for each in (await read_log(store))["x1"]
        if each.topic == "signal.plan_activated"
    ]


async def test_a_plan_is_activated_when_it_is_due(store: EventStore, tmp_path: Path) -> None:
    centre = await in_service(store, tmp_path, at("14 21:50"))
    await centre.run_until(at("14 21:59:59"))
    assert await plans(store) == []
    await centre.run_until(at("14 22:10"))
    assert await plans(store) == [("night", "schedule")]
    await centre.run_until(at("15 00:10"))
    assert centre.control.signal("x1").plan == "night"
    assert await plans(store) == [("night", "schedule")], "it was in force at midnight already"
    assert await centre.violations() == {"x1": []}


async def test_whoever_was_away_makes_good_for_it_once(store: EventStore, tmp_path: Path) -> None:
    centre = await in_service(store, tmp_path, at("14 21:50"))
    await centre.run(60)
    centre.clock.now = at("14 22:30")
    await centre.take_over()
    await centre.run(60)
    await centre.take_over()
    await centre.run(60)
    assert await plans(store) == [("night", "schedule")]


async def test_what_a_person_chose_stays_until_the_next_plan_is_due(
    store: EventStore, tmp_path: Path
) -> None:
    centre = await in_service(store, tmp_path, at("14 12:00"))
    await centre.run(60)
    command = ActivatePlan(plan="peak", reason=Reason.EVENT)
    await activate_plan("x1", command, context(OFFICER), centre.services)
    await centre.run_until(at("14 21:59"))
    await centre.take_over()
    await centre.run_until(at("14 21:59:59"))
    assert await plans(store) == [("peak", "officer-1")]
    await centre.run_until(at("14 22:01"))
    assert await plans(store) == [("peak", "officer-1"), ("night", "schedule")]


async def test_a_day_that_has_become_a_holiday_goes_on_by_its_plans(
    store: EventStore, tmp_path: Path
) -> None:
    centre = await in_service(store, tmp_path, at("14 21:50"))
    await centre.run(60)
    said = {"year": 2026, "source": "a notice", "holidays": ["09-14"], "workdays": []}
    notice = {"hours": ["09:00-17:00"], "hours_source": "a test", "years": [said]}
    calendar = BusinessCalendar(CalendarDefinition.model_validate(notice))
    centre.services.definitions = centre.services.definitions.extended(calendar)
    await centre.take_over()
    await centre.run_until(at("14 22:10"))
    assert await plans(store) == []
    await centre.run_until(at("15 00:10"))
    assert await plans(store) == [("night", "schedule")]
    assert await centre.violations() == {"x1": []}
