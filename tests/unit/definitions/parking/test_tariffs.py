"""Tariffs as files of a city: dated, checked, tried on their examples, errors by line."""

import copy
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from citybrain.definitions.loading import Files
from citybrain.definitions.parking.tariffs import (
    TariffDefinitions,
    UnknownTariff,
    load_tariff_definitions,
    tariff_of,
)
from citybrain.definitions.parking.trying import problems_of
from citybrain.definitions.yaml_file import DefinitionError
from citybrain.domain.parking.free_days import CalendarYearMissing
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.tariff import CapPer, FreeMinutesKind, Window
from tests.given.documents import CHECKOUT
from tests.given.parking.tariffs import STREET_FILE, stay
from tests.given.services import DEFINITIONS

STREET: dict[str, Any] = yaml.safe_load(STREET_FILE.read_text())
DEAR = [{"fen": 500, "each_minutes": 60}]
Change = Callable[[dict[str, Any]], Any]


def version(**members: Any) -> dict[str, Any]:
    """A version from 2027 on, with other members."""
    dated = {"valid_from": date(2027, 1, 1), "published": date(2026, 12, 1)}
    return copy.deepcopy(STREET) | dated | members


def written(folder: Path, *versions: dict[str, Any]) -> Files:
    (folder / "tariff").mkdir(exist_ok=True)
    for number, content in enumerate(versions):
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        (folder / "tariff" / f"version-{number}.yaml").write_text(text)
    return Files(folder)


def load(folder: Path, *versions: dict[str, Any]) -> TariffDefinitions:
    return load_tariff_definitions(written(folder, *versions), problems_of)


def test_the_citys_own_tariff_is_in_order_and_found() -> None:
    found = load_tariff_definitions(Files(), problems_of)
    assert tariff_of(DEFINITIONS, "street") == found.tariff("street")
    with pytest.raises(UnknownTariff):
        found.tariff("garage")
    (version,) = found.tariff("street").versions
    assert version.id.startswith("street:2020-01-01+")
    assert version.windows == (Window("day", 420, 1260),)
    assert found.files[version.id].name_en == "On-street parking, Zhengzhou"


def test_a_later_version_comes_into_force_on_its_day(tmp_path: Path) -> None:
    found = load(tmp_path, version()).tariff("street")
    assert [v.valid_from for v in found.versions][1:] == [date(2027, 1, 1)]
    assert found.at(date(2026, 12, 31)) == found.versions[0]
    assert found.at(date(2027, 1, 1)) == found.versions[1]


def test_examples_are_no_part_of_the_version_and_all_else_is(tmp_path: Path) -> None:
    one = load(tmp_path, version()).tariff("street").versions[-1].id
    more = version(examples=STREET["examples"] + copy.deepcopy(STREET["examples"][:1]))
    assert load(tmp_path, more).tariff("street").versions[-1].id == one
    assert load(tmp_path, version(grace={"minutes": 6, "source": "x"})).files.keys() != {one}


def test_p26_a_tariff_that_reaches_back_is_refused_unless_it_says_so(tmp_path: Path) -> None:
    back = version(valid_from=date(2026, 9, 1), published=date(2026, 9, 10))
    with pytest.raises(DefinitionError, match=r"version-0.yaml:\d+: this reaches back.*2026-09-10"):
        load(tmp_path, back)
    said = {"reaches_back": {"reason": "a ruling of the council"}}
    found = load(tmp_path, back | said).tariff("street")
    car = stay("2026-09-05T09:00", "2026-09-05T10:00")
    assert price(car, found).versions == (found.versions[1].id,)
    assert price(car, found.as_announced()).versions == (found.versions[0].id,)
    with pytest.raises(DefinitionError, match="does not reach back"):
        load(tmp_path, version(**said))
    same_day = version(valid_from=date(2026, 9, 10), published=date(2026, 9, 10))
    with pytest.raises(DefinitionError, match="reaches back"):
        load(tmp_path, same_day)


def test_a_version_says_all_that_sources_leave_open(tmp_path: Path) -> None:
    free_days = {
        "calendar": "holidays",
        "holidays": True,
        "weekdays": ["sat", "sun"],
        "workdays": "free",
        "days": [{"day": date(2026, 9, 14), "source": "x"}],
        "source": "x",
    }
    content = version(
        tariff="own",
        valid_from=date(2026, 1, 1),
        published=date(2025, 12, 1),
        free_minutes={"minutes": 15, "kind": "deducted", "source": "x"},
        caps=[
            {"code": "a", "per": "plate-and-day", "fen": 2000, "source": "x"},
            {"code": "b", "per": "window", "fen": 1500, "zones": ["1"], "source": "x"},
        ],
        free_days=free_days,
        examples=[],
    )
    found = load_tariff_definitions(written(tmp_path, content)).tariff("own")
    last = found.versions[-1]
    assert last.free_minutes is not None
    assert last.free_minutes.kind is FreeMinutesKind.DEDUCTED
    assert [cap.per for cap in last.caps] == [CapPer.WINDOW, CapPer.PLATE_DAY]
    for day in ("2026-10-01", "2026-10-10", "2026-10-17", "2026-09-14"):
        assert price(stay(f"{day}T09:00", f"{day}T12:00"), found).total_fen == 0
    (line, _) = price(stay("2026-10-08T09:00", "2026-10-08T09:30"), found).lines
    assert line.calendar is not None
    assert line.calendar.startswith("holidays:2026+")
    with pytest.raises(CalendarYearMissing):
        price(stay("2027-10-01T09:00", "2027-10-01T12:00"), found)


def rates(*steps: dict[str, int]) -> Change:
    return lambda content: content["zones"][0].update(rates={"day": list(steps)})


def cap(**members: Any) -> Change:
    whole = {"code": "cap", "per": "day", "fen": 5200, "source": "x"} | members
    return lambda content: content.update(caps=[whole])


def free(**members: Any) -> Change:
    return lambda content: content.update(free_days={"source": "x"} | members)


def window(**members: Any) -> Change:
    whole = {"code": "more", "begins": "21:00", "ends": "07:00", "source": "x"} | members
    return lambda content: content["windows"].append(whole)


def exemption(**members: Any) -> Change:
    whole = {"code": "more", "name": "x", "name_en": "x", "source": "x"} | members
    return lambda content: content["exemptions"].append(whole)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (rates({"fen": 4, "each_minutes": 60, "times": 1}), "has no times"),
        (rates(*DEAR, {"fen": 1, "each_minutes": 60}), "says how many times"),
        (rates({"fen": -1, "each_minutes": 60}), "greater than or equal to 0"),
        (rates({"fen": True, "each_minutes": 60}), "valid integer"),
        (rates({"fen": 4, "each_minutes": 0}), "greater than or equal to 1"),
        (window(), "window 'more' has no rate"),
        (window(ends="07:01"), "overlaps another window"),
        (window(begins="20:59"), "overlaps another window"),
        (window(begins="24:00"), "begins before 24:00"),
        (window(begins="25:00"), "pattern"),
        (window(code="day", begins="22:00", ends="23:00"), "'day' is defined twice"),
        (lambda c: c["zones"][1].update(code="1"), "'1' is defined twice"),
        (lambda c: c["zones"][0]["rates"].update(night=DEAR), "there is no window 'night'"),
        (cap(zones=["4"]), "there is no zone '4'"),
        (cap(fen=0), "greater than or equal to 1"),
        (cap(per="week"), "per"),
        (cap(fen=10_000_000), "no example is lowered by 'cap'"),
        (free(calendar="lunar", holidays=True), "there is no calendar 'lunar'"),
        (free(holidays=True), "by a calendar, which is named"),
        (free(calendar="holidays", weekdays=["sat"]), "workdays"),
        (free(), "no day is free"),
        (exemption(), "classes, or permits, or while_charging"),
        (exemption(classes=["polise"]), "classes"),
        (exemption(permits=["gym"]), "no example is free by 'more'"),
        (exemption(permits=["gym"], windows=["night"]), "there is no window 'night'"),
        (lambda c: c["idle"].update(windows=["night"]), "there is no window 'night'"),
        (lambda c: c["idle"].update(fen=99), "this costs 996, not 1000"),
        (lambda c: c.update(time_zone="Asia/Zhengzhou"), "no such time zone"),
        (lambda c: c.update(time_zone="Europe/Berlin"), "are of Asia/Shanghai"),
        (lambda c: c["counting"]["seconds"].update(value="rounded"), "dropped"),
        (lambda c: c["counting"]["seconds"].pop("source"), "source"),
        (lambda c: c.pop("grace"), "grace"),
        (lambda c: c.update(examples=c["examples"][:5]), "no example is free by 'police'"),
        (lambda c: c["examples"][0].update(fen=401), "this costs 400, not 401"),
        (lambda c: c["examples"][0].update(zone="4"), "no zone '4'"),
        (lambda c: c.update(colour="red"), "colour"),
        (lambda c: c.update(valid_from=date(2020, 1, 1), published=date(2019, 12, 1)), "twice"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(
    tmp_path: Path, change: Change, problem: str
) -> None:
    content = version()
    change(content)
    with pytest.raises(DefinitionError) as wrong:
        load(tmp_path, content)
    assert problem in wrong.value.message
    place, line, _ = wrong.value.message.split(":", 2)
    assert place.endswith((".yaml",))
    assert int(line) >= 1


def test_a_ladder_that_never_starts_anew_has_no_cap_by_day(tmp_path: Path) -> None:
    content = version()
    content["counting"]["reset"]["value"] = "never"
    cap()(content)
    with pytest.raises(DefinitionError, match="only a cap per stay"):
        load(tmp_path, content)


def test_the_example_of_the_documents_is_in_order(tmp_path: Path) -> None:
    page = (CHECKOUT / "docs/definitions.md").read_text()
    (block,) = (
        part for part in page.split("```yaml\n") if "my-city/tariff" in part.splitlines()[0]
    )
    (tmp_path / "tariff").mkdir()
    (tmp_path / "tariff" / "street-2027.yaml").write_text(block.partition("```")[0])
    found = load_tariff_definitions(Files(tmp_path), problems_of).tariff("street")
    assert found.at(date(2027, 1, 1)).caps[0].code == "day-cap"
