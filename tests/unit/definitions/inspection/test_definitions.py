"""Definition files: ours are right, wrong ones are refused with file and line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.definitions import DefinitionError
from citybrain.definitions.inspection.cases import InspectionDefinitions, UnknownClass, cases_at
from citybrain.definitions.loading import PACKAGE_FOLDER
from citybrain.systems import load_definitions
from tests.given.city import GOOD, city


def test_ours_hold_the_eleven_classes_and_the_animal_classes() -> None:
    ours = cases_at(load_definitions(), datetime.now(UTC))
    street = [c for c in ours.classes.values() if not c.source.startswith("NYC")]
    assert len(street) == 11
    assert sum(c.source.startswith("named") for c in street) == 5
    assert set(ours.offered) == {c.code for c in street}, "those of other cities' records are not"
    assert ours.route("displaced_manhole_cover").lead == "municipal-works"


def test_a_city_adds_classes_from_its_day_on(tmp_path: Path) -> None:
    definitions = load_definitions(city(tmp_path, GOOD))
    assert "fallen_tree" in cases_at(definitions, datetime(2021, 6, 1, tzinfo=UTC)).classes
    # 15:59 UTC is the last minute of the city's day before
    before = cases_at(definitions, datetime(2021, 5, 31, 15, 59, tzinfo=UTC))
    assert "fallen_tree" not in before.classes
    assert "overflowing_bin" in cases_at(definitions, datetime(2026, 1, 1, tzinfo=UTC)).classes


def test_a_file_of_the_same_name_replaces_ours(tmp_path: Path) -> None:
    for day, name in (("2020-01-01", "2020-animals"), ("2026-11-30", "animals-2026-11-30")):
        animals = f"valid_from: {day}\ndepartments: []\nclasses: []\n"
        folder = city(tmp_path, animals, f"{name}.yaml")
    with pytest.raises(DefinitionError, match=r"311-csv.yaml:\d+: there is no class 'dead_animal'"):
        load_definitions(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("lead: parks", "lead: police"), r"city.yaml:9: the lead 'police'"),
        (("departments: [parks]", "departments: [parks, x]"), r"city.yaml:9: there is no dep"),
        (("name_en: Fallen tree", "name_en: ''"), r"city.yaml:7: classes.0.name_en"),
        (("source: a test", "colour: red"), r"city.yaml:5: classes.0.source: Field required"),
        (("valid_from: 2021-06-01", "valid_from: soon"), r"city.yaml:1: valid_from"),
        (("    name: 倒樹\n", "    name: 倒樹\n    name: 樹\n"), r"city.yaml:7: .name. stands"),
        (("classes:", "classes: ["), r"city.yaml:\d+: "),
        (
            ("departments:\n", "departments:\n  - {code: parks, name: a, name_en: b}\n"),
            r"city.yaml:4: 'parks' is defined twice",
        ),
        (("code: fallen_tree", "code: Fallen Tree"), r"city.yaml:5: classes.0.code"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        load_definitions(city(tmp_path, GOOD.replace(*change)))


def test_an_unknown_class_is_a_clear_error() -> None:
    with pytest.raises(UnknownClass, match="no case class 'x'"):
        cases_at(load_definitions(), datetime.now(UTC)).route("x")


def test_an_empty_file_and_a_missing_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"city.yaml:1: the file is empty"):
        load_definitions(city(tmp_path, ""))
    with pytest.raises(DefinitionError, match="no such folder"):
        load_definitions(tmp_path / "none")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("valid_from: 2021-06-01", "valid_from: 2021-13-01"), r"city.yaml:1: month must be"),
        (("name_en: Fallen tree", "name_en: !!python/name:os.x ''"), r"city.yaml:7: could not"),
        (
            ("departments: [parks]", "departments: &all [parks], also: *all"),
            r"city.yaml:9: this is referred to by an alias",
        ),
        (("source: a test", "? [a]\n    : b"), r"city.yaml:8: a key is plain text"),
        (("source: a test", "on: b"), r"city.yaml:8: a key is plain text"),
        ((GOOD, "[1]"), r"city.yaml:1: file: Input should be a valid dictionary"),
        ((GOOD, "a: " + "[" * 100 + "]" * 100), r"city.yaml:1: this is nested too deeply"),
        ((GOOD, "a: " + "[" * 1_000_000), r"city.yaml:1: this is nested too deeply"),
        ((GOOD, "a: 1\n---\nb: 2\n"), r"city.yaml:2: but found another document"),
    ],
)
def test_only_plain_yaml_is_taken(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        load_definitions(city(tmp_path, GOOD.replace(*change)))


def test_a_file_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    city(tmp_path, GOOD)
    (tmp_path / "case" / "city.yaml").write_bytes(b"valid_from: \xff")
    with pytest.raises(DefinitionError, match=r"city.yaml:1: 'utf-8' codec"):
        load_definitions(tmp_path)


def test_the_version_names_its_day_and_its_contents(tmp_path: Path) -> None:
    later = GOOD.replace("2021-06-01", "2027-06-01")
    ours = load_definitions().of(InspectionDefinitions).versions[-1].version
    theirs = load_definitions(city(tmp_path, later)).of(InspectionDefinitions).versions[-1].version
    other = (
        load_definitions(city(tmp_path, later.replace("Parks", "Greens")))
        .of(InspectionDefinitions)
        .versions[-1]
        .version
    )
    assert ours == load_definitions().of(InspectionDefinitions).versions[-1].version
    assert theirs.startswith("2027-06-01+")
    assert len({ours, theirs, other}) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("America/New_York", "America/New_Yolk"), r"311-csv.yaml:\d+: zone: Value error, there"),
        (("DSNY: dsny", "DSNY: nobody"), r"311-csv.yaml:\d+: there is no department 'nobody'"),
        (
            ("Dead Animal: dead_animal", "Dead Animal: x"),
            r"311-csv.yaml:\d+: there is no class 'x'",
        ),
        (("Open: dispatched", "Open: lost"), r"311-csv.yaml:\d+: statuses.Open: Input should be"),
        (("south: 40.45", "south: 140.45"), r"311-csv.yaml:\d+: bounds.south: "),
    ],
)
def test_errors_of_the_import_mapping_name_file_and_line(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    ours = (PACKAGE_FOLDER / "imports" / "311-csv.yaml").read_text(encoding="utf-8")
    (tmp_path / "imports").mkdir()
    (tmp_path / "imports" / "311-csv.yaml").write_text(ours.replace(*change), encoding="utf-8")
    with pytest.raises(DefinitionError, match=message):
        load_definitions(tmp_path)


RETIRING = """\
valid_from: 2022-01-01
retired_classes: [{code: fallen_tree, replaced_by: road_damage}]
retired_departments: [{code: parks, replaced_by: landscape}]
"""


def test_a_retired_class_is_offered_no_more_and_routing_goes_to_what_replaced_a_department(
    tmp_path: Path,
) -> None:
    city(tmp_path, GOOD)
    city(tmp_path, RETIRING, "later.yaml")
    definitions = load_definitions(tmp_path)
    before = cases_at(definitions, datetime(2021, 12, 1, tzinfo=UTC))
    after = cases_at(definitions, datetime(2022, 12, 1, tzinfo=UTC))
    assert "fallen_tree" in before.offered
    assert "fallen_tree" not in after.offered
    assert "fallen_tree" in after.classes
    assert before.route("fallen_tree").lead == "parks"
    assert after.route("fallen_tree").lead == "landscape"
    assert before.version.partition("+")[2] != after.version.partition("+")[2]


def test_what_is_defined_again_is_offered_again(tmp_path: Path) -> None:
    city(tmp_path, GOOD)
    city(tmp_path, RETIRING, "later.yaml")
    city(tmp_path, GOOD.replace("2021", "2023"), "latest.yaml")
    after = cases_at(load_definitions(tmp_path), datetime(2024, 1, 1, tzinfo=UTC))
    assert "fallen_tree" in after.offered
    assert after.route("fallen_tree").lead == "parks"


def test_what_nobody_defines_cannot_be_retired(tmp_path: Path) -> None:
    city(tmp_path, GOOD + "retired_classes: [{code: fallen_treee}]\n")
    with pytest.raises(DefinitionError, match=r"city.yaml:10: nothing in force is called"):
        load_definitions(tmp_path)


@pytest.mark.parametrize("name", ["x.yaml", "cases/a.yaml", "case/x.yml", "case/more/x.yaml"])
def test_a_file_that_nobody_reads_is_refused(tmp_path: Path, name: str) -> None:
    folder = city(tmp_path, GOOD)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("")
    with pytest.raises(DefinitionError, match="nobody reads this"):
        load_definitions(folder)
