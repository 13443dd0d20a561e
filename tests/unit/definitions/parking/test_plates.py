"""The grammar of plates and the thresholds as files of a city: dated, checked, errors by line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.parking.plates import (
    PlateDefinitions,
    PlateReadingDefinitions,
    grammar_at,
    load_plate_reading,
    load_plates,
)
from citybrain.definitions.yaml_file import DefinitionError
from citybrain.domain.parking.plates import PlateUnreadable, read_plate
from tests.given.services import DEFINITIONS

BEFORE, AFTER = datetime(2026, 12, 31, 15, 59, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC)
GRAMMAR: dict[str, Any] = {
    "valid_from": "2027-01-01",
    "source": "made up",
    "sets": {"province": "豫", "digit": "0123456789", "letter": "AB"},
    "misread": {"O": "0"},
    "confusable": ["0O", "8B"],
    "classes": [
        {
            "code": "ordinary",
            "name": "號牌",
            "name_en": "Plate",
            "forms": [["province", "letter", "digit", "digit"]],
            "source": "made up",
        }
    ],
}
READING: dict[str, Any] = {
    "valid_from": "2027-01-01",
    "plate_confidence": 95,
    "character_confidence": 85,
    "departments": ["parking", "traffic-police"],
    "source": "made up",
}


def write(folder: Path, kind: str, name: str, content: dict[str, Any]) -> Files:
    (folder / kind).mkdir(exist_ok=True)
    path = folder / kind / name
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    return Files(folder)


def changed(**members: Any) -> dict[str, Any]:
    return GRAMMAR | members


def with_class(**members: Any) -> dict[str, Any]:
    return changed(classes=[GRAMMAR["classes"][0] | members])


def second_class(**members: Any) -> dict[str, Any]:
    return changed(classes=[*GRAMMAR["classes"], GRAMMAR["classes"][0] | members])


def test_a_later_file_is_the_grammar_from_its_day_on(tmp_path: Path) -> None:
    files = write(tmp_path, "plate", "2027.yaml", GRAMMAR)
    definitions = Definitions(load_plates(files, Definitions()))
    before, after = grammar_at(definitions, BEFORE), grammar_at(definitions, AFTER)
    assert read_plate("豫A12345", before).grammar == before.version
    assert before.version.startswith("2026-11-30+")
    assert after.version.startswith("2027-01-01+")
    assert read_plate("豫AO1", after).text == "豫A01"
    with pytest.raises(PlateUnreadable):
        read_plate("豫A12345", after)


def test_plates_from_before_the_first_file_are_read_by_it() -> None:
    first = DEFINITIONS.of(PlateDefinitions).versions[0].grammar
    assert grammar_at(DEFINITIONS, datetime(2012, 1, 1, tzinfo=UTC)) is first


def test_a_version_changes_with_its_content(tmp_path: Path) -> None:
    found = set()
    for name in ("號牌", "另一個"):
        files = write(tmp_path, "plate", "2027.yaml", with_class(name=name))
        found.add(load_plates(files, Definitions()).at(AFTER).version)
    assert len(found) == 2


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        (changed(sets={"digit": "01"}), "digit: '01'", "there is no set 'province'"),
        (with_class(forms=[["numeral", "A"]]), "- - numeral", "there is no set 'numeral'"),
        (with_class(code="foreign"), "- code: foreign", "'foreign' is no class to define here"),
        (
            second_class(forms=[["豫", "8"]]),
            "- code: ordinary",
            "'ordinary' is no class to define here",
        ),
        (
            second_class(code="police", forms=[["豫", "A", "1", "digit"]]),
            "- - 豫",
            "one text can be ordinary and police",
        ),
        (changed(confusable=["0O", "OQ"]), "- OQ", "a character is in two groups"),
        (changed(misread={"O": "Q", "Q": "0"}), "O: Q", "'Q' is not what is written in truth"),
        (
            changed(sets=GRAMMAR["sets"] | {"letter": "Ab"}),
            "letter: Ab",
            "characters as plates are read: capitals",
        ),
        (changed(surplus=1), "surplus: 1", "Extra inputs are not permitted"),
        (with_class(code="blue"), "- code: blue", "Input should be 'ordinary'"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    tmp_path: Path, content: dict[str, Any], line: str, why: str
) -> None:
    files = write(tmp_path, "plate", "2027.yaml", content)
    with pytest.raises(DefinitionError, match=r"2027\.yaml:") as error:
        load_plates(files, Definitions())
    path, number, _ = error.value.message.split(":", 2)
    assert Path(path).read_text().splitlines()[int(number) - 1].strip() == line
    assert why in error.value.message


def test_two_files_of_a_day_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "plate", "a.yaml", GRAMMAR)
    with pytest.raises(DefinitionError, match="plate of 2027-01-01 is defined twice"):
        load_plates(write(tmp_path, "plate", "b.yaml", GRAMMAR), Definitions())


def test_thresholds_and_departments_are_dated(tmp_path: Path) -> None:
    found = load_plate_reading(
        write(tmp_path, "plate-reading", "2027.yaml", READING), Definitions()
    )
    before, after = found.thresholds(BEFORE), found.thresholds(AFTER)
    assert (before.plate, before.character) == (90, 80)
    assert (after.plate, after.character) == (95, 85)
    assert before.version != after.version
    assert found.departments(BEFORE) == ("parking",)
    assert found.departments(AFTER) == ("parking", "traffic-police")


@pytest.mark.parametrize("wrong", [0, 1, 101, 0.9, "90", True, None])
def test_a_threshold_is_a_percentage_that_lets_nobody_in_who_sends_another_scale(
    tmp_path: Path, wrong: Any
) -> None:
    files = write(tmp_path, "plate-reading", "2027.yaml", READING | {"plate_confidence": wrong})
    with pytest.raises(DefinitionError, match=r"2027.yaml:2: plate_confidence"):
        load_plate_reading(files, Definitions())


def test_ours_are_loaded_with_all_others() -> None:
    assert DEFINITIONS.of(PlateReadingDefinitions).thresholds(BEFORE).plate == 90
