"""Attributes of classes: what a file may say of them, and what a report may say to them."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions import DefinitionError
from citybrain.definitions.inspection.attributes import InvalidAttribute
from citybrain.definitions.inspection.cases import CaseClass, InspectionDefinitions
from citybrain.systems import load_definitions
from tests.given.city import GOOD, city

ATTRIBUTES = """\
    attributes:
      - {code: size, datatype: number, required: true, order: 2, description: The height}
      - code: blocks
        datatype: multivaluelist
        order: 1
        description: What it blocks
        values: [{key: road, name: Road}, {key: path, name: Path}]
      - {code: seen, datatype: datetime, order: 3, description: When it fell}
      - {code: note, datatype: string, order: 4, description: In a word}
      - {code: more, datatype: text, order: 5, description: What else}
      - {code: beware, variable: false, datatype: string, order: 6, description: Stay away.}
"""


def tree(folder: Path) -> CaseClass:
    definitions = load_definitions(city(folder, GOOD + ATTRIBUTES))
    return (
        definitions.of(InspectionDefinitions)
        .at(datetime(2026, 1, 1, tzinfo=UTC))
        .require_class("fallen_tree")
    )


@pytest.fixture(scope="module")
def fallen_tree(tmp_path_factory: pytest.TempPathFactory) -> CaseClass:
    return tree(tmp_path_factory.mktemp("city"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("order: 3", "order: 2"), r"city.yaml:17: 2 is defined twice"),
        (("code: seen", "code: size"), r"city.yaml:17: 'size' is defined twice"),
        (("key: path", "key: road"), r"city.yaml:16: 'road' is defined twice"),
        (("order: 3", "order: 0"), r"city.yaml:17: classes.0.attributes.2.order"),
        (("datatype: number", "datatype: integer"), r"city.yaml:11: classes.0.attributes.0.data"),
        (("datatype: multivaluelist", "datatype: text"), r"city.yaml:12: .*values belong to a"),
        (("datatype: number", "datatype: singlevaluelist"), r"city.yaml:11: .*a list has values"),
        (("variable: false", "variable: false, required: true"), r"city.yaml:20: .*not required"),
        (("key: road", "key: 'two words'"), r"city.yaml:16: classes.0.attributes.1.values.0.key"),
        (("code: size", "code: Size"), r"city.yaml:11: classes.0.attributes.0.code"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        load_definitions(city(tmp_path, GOOD + ATTRIBUTES.replace(*change)))


def test_values_come_in_the_order_of_the_attributes(fallen_tree: CaseClass) -> None:
    given = {
        "more": ["two\nlines"],
        "size": ["12.5"],
        "note": [""],
        "blocks": ["path", "road"],
        "seen": ["2026-03-01T08:00:00+08:00"],
    }
    checked = fallen_tree.check_attributes(given, complete=True)
    assert list(checked) == ["blocks", "size", "seen", "more"]
    assert checked["blocks"] == ["path", "road"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"attribute\[size\] was not provided"),
        ({"size": [""]}, r"attribute\[size\] was not provided"),
        ({"size": ["tall"]}, r"attribute\[size\] is not a number"),
        ({"size": ["1", "2"]}, r"attribute\[size\] takes one value"),
        ({"size": ["1"], "blocks": ["road", "road"]}, r"attribute\[blocks\] is not one of"),
        ({"size": ["1"], "blocks": ["river"]}, r"attribute\[blocks\] is not one of"),
        ({"size": ["1"], "seen": ["yesterday"]}, r"attribute\[seen\] is not a date"),
        ({"size": ["1"], "note": ["two\nlines"]}, r"attribute\[note\] is not one line"),
        ({"size": ["1"], "more": ["x" * 2001]}, r"attribute\[more\] is not a text"),
        ({"size": ["1"], "beware": ["yes"]}, r"attribute\[beware\] takes no value"),
        ({"size": ["1"], "colour": ["red"]}, r"attribute\[colour\] is not known"),
    ],
)
def test_what_does_not_fit_is_named(
    fallen_tree: CaseClass, given: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(InvalidAttribute, match=message):
        fallen_tree.check_attributes(given, complete=True)


def test_who_cannot_be_asked_need_not_answer(fallen_tree: CaseClass) -> None:
    assert fallen_tree.check_attributes({}, complete=False) == {}


texts = st.text(max_size=20) | st.sampled_from(["road", "1", "-2.5", "2026-03-01", "nan", "1e9"])


@given(st.dictionaries(st.sampled_from(["size", "blocks", "seen", "note"]), st.lists(texts)))
def test_what_is_taken_is_taken_again(fallen_tree: CaseClass, given: dict[str, list[str]]) -> None:
    with suppress(InvalidAttribute):
        checked = fallen_tree.check_attributes(given, complete=True)
        assert fallen_tree.check_attributes(checked, complete=True) == checked
        assert set(checked.get("blocks", ())) <= {"road", "path"}
        assert float(checked["size"][0]) < 1e16
