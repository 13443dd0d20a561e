"""Names of ours are in simplified characters from a day on, and nothing else changed with them."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from citybrain.definitions.loading import PACKAGE_FOLDER

DAY = "2026-11-30"
AFTER = sorted(PACKAGE_FOLDER.glob(f"*/*-{DAY}.*"))
TEXTS = {"name", "label", "reason"}
DIFFERS = {"valid_from", "name_simplified"}
BEFORE = {
    "animals": "2020-animals",
    "street-problems": "2020-street-problems",
    "permits": "2026",
    "officer-reasons": "2020-officer-reasons",
    "ga36": "2018-ga36",
    "districts": "2020-districts",
    **{f"renmin-{number}": f"renmin-{number}-2026-11-29" for number in range(1, 5)},
}
NAMED = "2026-12-01"
"""From this day on junctions and roads have an English name, and junctions a place."""


def before(path: Path, day: str = DAY) -> Path:
    """The file that was in force until then."""
    name = path.stem.removesuffix(f"-{day}")
    return path.with_name(f"{BEFORE.get(name, name)}{path.suffix}")


def said(path: Path) -> Any:
    """What a file says."""
    text = path.read_text(encoding="utf-8")
    return orjson.loads(text) if path.suffix == ".geojson" else yaml.safe_load(text)


def same(was: Any, is_: Any, texts: list[tuple[str, str]]) -> Any:
    """The second with the first one's texts; pairs of texts that differ are added to `texts`."""
    if isinstance(was, dict) and isinstance(is_, dict):
        found = {}
        for key, value in is_.items():
            if key in TEXTS and isinstance(value, str) and value != was.get(key):
                texts.append((was[key], value))
                value = was[key]
            found[key] = same(was.get(key), value, texts)
        return found
    if isinstance(was, list) and isinstance(is_, list) and len(was) == len(is_):
        return [same(*pair, texts) for pair in zip(was, is_, strict=True)]
    return is_


@pytest.mark.parametrize("path", AFTER, ids=lambda path: path.stem)
def test_nothing_but_names_has_changed(path: Path) -> None:
    was, is_ = said(before(path)), said(path)
    for file in (was, is_):
        for name in DIFFERS:
            file.pop(name, None)
    texts: list[tuple[str, str]] = []
    assert same(was, is_, texts) == was
    assert texts
    assert all(len(old) == len(new) for old, new in texts), "character by character"


def test_no_name_has_a_character_that_was_replaced() -> None:
    replaced: set[str] = set()
    names: list[str] = []
    for path in AFTER:
        texts: list[tuple[str, str]] = []
        was, is_ = said(before(path)), said(path)
        same(was, is_, texts)
        for old, new in texts:
            replaced |= {a for a, b in zip(old, new, strict=True) if a != b}
            names.append(new)
    assert len(replaced) > 50
    assert not [name for name in names if replaced & set(name)]


@pytest.mark.parametrize(
    "path", sorted(PACKAGE_FOLDER.glob(f"*/*-{NAMED}.yaml")), ids=lambda path: path.stem
)
def test_an_english_name_and_a_place_are_all_that_came_with_them(path: Path) -> None:
    is_, until = said(path), "2026-11-29" if "corridor" in path.parent.name else DAY
    was = said(path.with_name(path.name.replace(NAMED, until)))
    assert is_.pop("name_en").isascii()
    assert ("place" in is_) == ("junction" in is_)
    is_.pop("place", None)
    assert is_ | {"valid_from": was["valid_from"]} == was
