"""Features of a GeoJSON file with their lines; what cannot be read has a line, too."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.errors import InvalidInput
from commands.parking.imports.features import read_features
from tests.given.storm import SHARED_FIXTURE, examples

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def test_each_feature_has_its_line(tmp_path: Path) -> None:
    file = tmp_path / "places.geojson"
    lines = (
        '\ufeff{"name": [1,',
        '2], "type": "FeatureCollection",',
        '"features": [{"a": 1},',
        "",
        "{",
        '"b": 2}, 3]',
        "}",
    )
    file.write_text("\n".join(lines))
    assert list(read_features(file)) == [(3, {"a": 1}), (5, {"b": 2}), (6, 3)]


@examples(50, SHARED_FIXTURE)
@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 1]))
def test_any_features_are_read(tmp_path: Path, features: list[Any], indent: int | None) -> None:
    file = tmp_path / "places.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}, indent=indent))
    assert [feature for _, feature in read_features(file)] == features


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "'{' is expected"),
        ("[]", 1, "'{' is expected"),
        ("{}", 1, "there are no features"),
        ('{"type":\n"Feature", "features": []}', 2, "not a FeatureCollection"),
        ('{"features":\n[{]}', 2, "this is not JSON"),
        ('{"features":\n[1\n2]}', 3, "',' is expected"),
        ('{"features": [1]\n', 2, "',' is expected"),
        ('{"features": []}\n}', 2, "something follows"),
        ('{"features":\n[NaN]}', 2, "can be read"),
        ("{1: 2}", 1, "a name is a text"),
        ('{"features": [' + "[" * 100_000, 1, "this is not JSON"),
    ],
)
def test_what_is_no_collection_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    file = tmp_path / "places.geojson"
    file.write_text(text)
    with pytest.raises(InvalidInput) as refused:
        list(read_features(file))
    assert refused.value.message.startswith(f"{file}:{line}: ")
    assert reason in refused.value.message


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "places.geojson"
    file.write_bytes(b'{"\xff"')
    for path in (file, tmp_path / "none.geojson"):
        with pytest.raises(InvalidInput):
            list(read_features(path))
