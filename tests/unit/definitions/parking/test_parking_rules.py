"""The rules of parking as files of a city."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from citybrain.definitions.loading import PACKAGE_FOLDER, Definitions, Files
from citybrain.definitions.parking.rules import load_parking_rules, parking_rules_at
from citybrain.definitions.yaml_file import DefinitionError
from tests.given.services import DEFINITIONS

OURS: dict[str, Any] = yaml.safe_load(
    (PACKAGE_FOLDER / "parking-rules" / "rules-2020.yaml").read_text()
)
BEFORE, AFTER = datetime(2026, 12, 31, 15, 59, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC)


def write(folder: Path, **members: Any) -> Files:
    (folder / "parking-rules").mkdir()
    content = OURS | {"valid_from": date(2027, 1, 1)} | members
    (folder / "parking-rules" / "rules-2027.yaml").write_text(yaml.safe_dump(content))
    return Files(folder)


def test_the_rules_that_come_along_are_those_of_the_scenarios() -> None:
    rules = parking_rules_at(DEFINITIONS, BEFORE)
    assert rules.order_window == timedelta(minutes=10)
    assert rules.silence_limit == timedelta(minutes=15)
    assert rules.clock_tolerance == timedelta(seconds=120)
    assert rules.merge_gap == timedelta(minutes=3)
    assert rules.overdue_after == timedelta(days=15)
    assert rules.counter_drift == 5
    assert [edge.days for edge in rules.arrears_edges] == [1, 7, 30]
    assert rules.version.startswith("2020-01-01+")


def test_later_rules_are_in_force_from_the_citys_midnight(tmp_path: Path) -> None:
    files = write(tmp_path, merge_gap_seconds={"value": 0, "source": "x"})
    rules = load_parking_rules(files, Definitions())
    assert rules.at(BEFORE).merge_gap == timedelta(minutes=3)
    assert rules.at(AFTER).merge_gap == timedelta()


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"silence_limit_minutes": {"value": 0, "source": "x"}}, "silence_limit_minutes"),
        ({"silence_limit_minutes": {"value": 15}}, "source"),
        ({"silence_limit_minutes": 15}, "silence_limit_minutes"),
        ({"clone_while_occupied": {"value": 1, "source": "x"}}, "clone_while_occupied"),
        ({"arrears_days": {"value": [7, 1], "source": "x"}}, "rise"),
        ({"one_person_refund_fen": {"value": None, "source": "x"}}, "one_person_refund_fen"),
        ({"colour": "red"}, "colour"),
        ({"valid_from": date(2020, 1, 1)}, "defined twice"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(
    tmp_path: Path, members: dict[str, Any], problem: str
) -> None:
    with pytest.raises(DefinitionError, match=r"rules-2027.yaml:\d+: ") as wrong:
        load_parking_rules(write(tmp_path, **members), Definitions())
    assert problem in wrong.value.message
