"""What a service asks beside place and text: told in the specification's form, checked, kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from citybrain.settings import Settings
from tests.given.api import Api
from tests.given.open311_client import Open311Client, Open311Failed

CITY = """\
valid_from: 2021-06-01
departments:
  - {code: parks, name: 公園, name_en: Parks}
classes:
  - code: fallen_tree
    name: 倒樹
    name_en: Fallen tree
    source: a test
    route: {departments: [parks], lead: parks}
    attributes:
      - {code: height_m, datatype: number, required: true, order: 2, description: How high is it}
      - code: blocks
        datatype: multivaluelist
        order: 1
        description: What does it block?
        datatype_description: Choose all.
        values: [{key: road, name: A road}, {key: path, name: "<A> path & more"}]
      - {code: note, datatype: string, order: 3, description: In a word}
      - {code: more, datatype: text, order: 4, description: What else}
      - {code: seen, datatype: datetime, order: 5, description: When}
      - code: kind
        datatype: singlevaluelist
        order: 6
        description: Which
        values: [{key: oak, name: Oak}, {key: elm, name: Elm}]
      - {code: beware, variable: false, datatype: string, order: 7, description: Stay away}
"""
TREE = (("service_code", "fallen_tree"), ("lat", "34.7466"), ("long", "113.6253"))
HEIGHT = ("attribute[height_m]", "12.5")


@pytest.fixture
def change_settings(tmp_path: Path) -> Callable[[Settings], None]:
    """A city with a class of its own that asks for something of every kind."""

    def change(settings: Settings) -> None:
        folder = tmp_path / "definitions" / "case"
        folder.mkdir(parents=True)
        (folder / "city.yaml").write_text(CITY, encoding="utf-8")
        settings.definitions_dir = folder.parent

    return change


@pytest.fixture(params=["xml", "json"])
async def client(api: Api, request: pytest.FixtureRequest) -> Open311Client:
    found = Open311Client(
        api.session, f"{api.url}/open311/v2/discovery.{request.param}", request.param, "development"
    )
    await found.discover()
    return found


async def test_metadata_is_true_where_something_is_asked(client: Open311Client) -> None:
    by_code = {each["service_code"]: each["metadata"] for each in await client.services()}
    asking = {code for code, metadata in by_code.items() if metadata == "true"}
    assert asking == {"displaced_manhole_cover", "overflowing_bin", "standing_water", "fallen_tree"}
    assert set(by_code.values()) == {"true", "false"}


async def test_definitions_are_in_order_with_their_values(client: Open311Client) -> None:
    attributes = await client.definition("fallen_tree")
    codes = ["blocks", "height_m", "note", "more", "seen", "kind", "beware"]
    assert [each["code"] for each, _ in attributes] == codes
    assert [int(each["order"]) for each, _ in attributes] == list(range(1, 8))
    blocks, values = attributes[0]
    assert blocks == {
        "variable": "true",
        "code": "blocks",
        "datatype": "multivaluelist",
        "required": "false",
        "datatype_description": "Choose all.",
        "order": "1",
        "description": "What does it block?",
    }
    assert values == [{"key": "road", "name": "A road"}, {"key": "path", "name": "<A> path & more"}]
    assert attributes[1][0]["required"] == "true"
    assert attributes[6][0]["variable"] == "false"
    assert await client.definition("road_damage") == []


async def test_none_is_required_of_bins_and_covers(client: Open311Client) -> None:
    for code in ("displaced_manhole_cover", "overflowing_bin"):
        attributes = await client.definition(code)
        assert attributes
        assert all(each["required"] == "false" for each, _ in attributes)
        assert await client.report({"service_code": code, "lat": "34.7", "long": "113.6"})


async def test_a_definition_in_xml_is_as_the_specification_shows_it(api: Api) -> None:
    answer = await api.call("GET", "/open311/v2/services/fallen_tree.xml")
    root = ElementTree.fromstring(answer.body)
    assert root.tag == "service_definition"
    assert [child.tag for child in root] == ["service_code", "attributes"]
    first = root.find("attributes/attribute")
    assert first is not None
    assert [child.tag for child in first] == [
        "variable",
        "code",
        "datatype",
        "required",
        "datatype_description",
        "order",
        "description",
        "values",
    ]
    assert [each.tag for each in root.findall("attributes/attribute/values/value/*")][:2] == [
        "key",
        "name",
    ]


async def attributes_of(api: Api, case_id: str) -> Any:
    (reported, *_) = await api.runtime.store.read(case_id)
    assert reported.topic == "case.reported"
    return reported.data["attributes"]


async def test_what_is_answered_is_kept_with_the_report(client: Open311Client, api: Api) -> None:
    case_id = await client.report(
        [
            *TREE,
            HEIGHT,
            ("attribute[blocks]", "path"),
            ("attribute[blocks]", "road"),
            ("attribute[note]", "大樹 & <b>"),
            ("attribute[more]", "two\nlines"),
            ("attribute[seen]", "2026-03-01T08:00:00+08:00"),
            ("attribute[kind]", "elm"),
        ]
    )
    assert await attributes_of(api, case_id) == {
        "height_m": ["12.5"],
        "blocks": ["path", "road"],
        "note": ["大樹 & <b>"],
        "more": ["two\nlines"],
        "seen": ["2026-03-01T08:00:00+08:00"],
        "kind": ["elm"],
    }
    bare = await client.report([*TREE, HEIGHT, ("attribute[note]", " ")])
    assert await attributes_of(api, bare) == {"height_m": ["12.5"]}
    plain = await client.report(
        {"service_code": "road_damage", "lat": "34.7", "long": "113.6", "description": "a hole"}
    )
    assert not await attributes_of(api, plain)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ([], "height_m"),
        ([("attribute[height_m]", "")], "height_m"),
        ([("attribute[height_m]", "tall")], "height_m"),
        ([("attribute[height_m]", "nan")], "height_m"),
        ([("attribute[height_m]", "1e999")], "height_m"),
        ([HEIGHT, HEIGHT], "height_m"),
        ([HEIGHT, ("attribute[blocks]", "river")], "blocks"),
        ([HEIGHT, ("attribute[blocks]", "road"), ("attribute[blocks]", "road")], "blocks"),
        ([HEIGHT, ("attribute[kind]", "oak"), ("attribute[kind]", "elm")], "kind"),
        ([HEIGHT, ("attribute[kind]", "Oak")], "kind"),
        ([HEIGHT, ("attribute[seen]", "yesterday")], "seen"),
        ([HEIGHT, ("attribute[note]", "two\nlines")], "note"),
        ([HEIGHT, ("attribute[note]", "x" * 501)], "note"),
        ([HEIGHT, ("attribute[more]", "x" * 2001)], "more"),
        ([HEIGHT, ("attribute[beware]", "yes")], "beware"),
        ([HEIGHT, *[("attribute[blocks]", "road")] * 60], "blocks"),
    ],
)
async def test_what_does_not_fit_names_the_attribute_and_leaves_nothing(
    client: Open311Client, api: Api, given: list[tuple[str, str]], named: str
) -> None:
    with pytest.raises(Open311Failed) as failed:
        await client.report([*TREE, *given, ("email", "a@example.org")])
    (error,) = failed.value.errors
    assert (failed.value.status, error["code"]) == (400, "400")
    assert f"attribute[{named}]" in error["description"]
    assert await api.runtime.store.head() == 0
    assert await api.runtime.store.pool.fetchval("SELECT count(*) FROM sealed_blobs") == 0
