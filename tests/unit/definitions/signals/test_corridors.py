"""Roads of several junctions: what fits them, how wide their bands are, and their picture."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from citybrain.audit.signals.time_space import draw_corridor
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.corridors import CorridorFile, Wave, load_corridors, wave
from citybrain.definitions.signals.junctions import DatedJunction, load_signals
from citybrain.definitions.yaml_file import DefinitionError
from tests.given.signals.x1 import X1, ZERO

Change = Callable[[dict[str, Any]], None]

ROAD: dict[str, Any] = {
    "valid_from": "2026-01-01",
    "corridor": "road",
    "name": "scenarios",
    "source": "the scenarios of signals",
    "plans": ["day"],
    "junctions": [
        {"junction": "j1", "outbound": "V1", "inbound": "V1"},
        {"junction": "j2", "outbound": "V1", "inbound": "V1", "distance": 450, "speed": 15.0},
    ],
}


def written(folder: Path, road: dict[str, Any], *junctions: dict[str, Any]) -> Path:
    """A city's folder with these junctions and a road."""
    for said in junctions:
        place = folder / "signal-junction" / f"{said['junction']}-{said['valid_from']}.yaml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(as_yaml(said))
    path = folder / "signal-corridor" / "road.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_yaml(road))
    return path


def as_yaml(said: dict[str, Any]) -> str:
    day = said["valid_from"]
    return str(yaml.safe_dump(said, sort_keys=False)).replace(f"'{day}'", day)


def junction(code: str, day: str = "2026-01-01", **plan: Any) -> dict[str, Any]:
    said = deepcopy(X1)
    said["junction"], said["valid_from"] = code, day
    said["plans"]["day"].update(plan)
    return said


def load(folder: Path) -> tuple[CorridorFile, dict[str, DatedJunction]]:
    signals = load_signals(Files(folder), Definitions())
    road = load_corridors(Files(folder), Definitions(signals)).at("road", ZERO)
    assert road is not None
    found = {stop.junction: signals.at(stop.junction, ZERO) for stop in road.junctions}
    return road, {code: each for code, each in found.items() if each is not None}


def refused(folder: Path, path: Path) -> list[str]:
    signals = load_signals(Files(folder), Definitions())
    with pytest.raises(DefinitionError) as error:
        load_corridors(Files(folder), Definitions(signals))
    found = str(error.value).splitlines()
    assert all(each.startswith(f"{path}:") for each in found)
    return found


def waves(folder: Path, offset: float) -> Wave:
    """V1 is green for 22 s of the cycle; `offset` is that of the second junction."""
    written(folder, ROAD, junction("j1"), junction("j2", offset=offset))
    return wave(*load(folder), "day")


def test_s29_the_band_of_a_road_is_that_of_its_plans(tmp_path: Path) -> None:
    assert waves(tmp_path, 30).outbound.width == 22_000
    assert waves(tmp_path, 40).outbound.width == 12_000
    assert waves(tmp_path, 55).outbound.width == 0
    back = waves(tmp_path, 60)
    assert (back.inbound.width, back.outbound.width) == (22_000, 0)
    assert back.shortest_green == (22_000, 22_000)


def test_s29_different_cycles_on_one_road_are_refused(tmp_path: Path) -> None:
    splits = [
        {"stage": stage, "seconds": each} for stage, each in zip("ABC", (52, 18, 30), strict=True)
    ]
    path = written(tmp_path, ROAD, junction("j1"), junction("j2", cycle=100, splits=splits))
    (said,) = refused(tmp_path, path)
    assert said.endswith("plan day of j2 has a cycle of 100 s, that of j1 90 s: a road has one")


def test_s29_a_later_version_of_a_junction_is_looked_at_as_well(tmp_path: Path) -> None:
    splits = [
        {"stage": stage, "seconds": each} for stage, each in zip("ABC", (52, 18, 30), strict=True)
    ]
    later = junction("j2", "2026-06-01", cycle=100, splits=splits)
    path = written(tmp_path, ROAD, junction("j1"), junction("j2"), later)
    (said,) = refused(tmp_path, path)
    assert "has a cycle of 100 s" in said
    with_both = junction("j1", "2026-06-01", cycle=100, splits=splits)
    written(tmp_path, ROAD, with_both)
    assert load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda said: said["junctions"][1].update(junction="j9"), "there is no junction 'j9'"),
        (lambda said: said["junctions"][1].update(junction="j1"), "j1 stands on the road twice"),
        (lambda said: said["junctions"][1].pop("speed"), "j2 needs `distance` and `speed`"),
        (lambda said: said["junctions"][0].update(speed=9.0), "j1 is the first: it has no"),
        (lambda said: said["junctions"][1].update(outbound="V9"), "j2 has no group 'V9'"),
        (lambda said: said["junctions"][1].update(inbound="P1"), "P1 of j2 is a group of people"),
        (lambda said: said.update(plans=["night"]), "j1 has no plan 'night'"),
    ],
)
def test_what_is_wrong_with_a_road_is_named(tmp_path: Path, change: Change, message: str) -> None:
    said = deepcopy(ROAD)
    change(said)
    path = written(tmp_path, said, junction("j1"), junction("j2"))
    assert any(message in each for each in refused(tmp_path, path))


def test_a_road_goes_where_exits_lead(tmp_path: Path) -> None:
    """The road of the files that come along, with its second and third junction exchanged."""
    ours = Path("src/citybrain/definitions/city/signal-corridor/renmin.yaml").read_text()
    path = tmp_path / "signal-corridor" / "renmin.yaml"
    path.parent.mkdir()
    wrong = (
        ours.replace("renmin_2", "x")
        .replace("renmin_3", "renmin_2")
        .replace("{junction: x", "{junction: renmin_3")
    )
    path.write_text(wrong)
    found = refused(tmp_path, path)
    assert any("no exit of renmin_1 leads to renmin_3" in each for each in found)


def test_the_diagram_shows_every_green_and_each_band(tmp_path: Path) -> None:
    written(tmp_path, ROAD, junction("j1"), junction("j2", offset=30))
    road, junctions = load(tmp_path)
    drawing = ET.fromstring(draw_corridor(road, junctions, "day", wave(road, junctions, "day")))
    name = "{http://www.w3.org/2000/svg}"
    titles = [each.text or "" for each in drawing.iter(f"{name}title")]
    assert "j1 V1 0–22 s" in titles
    assert "j2 V1 30–52 s" in titles
    assert len(list(drawing.iter(f"{name}polygon"))) > 1
    texts = [each.text or "" for each in drawing.iter(f"{name}text")]
    assert "way out: band of 22 s, 100 % of the shortest green" in texts
