"""Which streets there are: networks of our own, built at use, and the RESCO ones of `sumo-rl`.

A scenario is a network, a window of time, and a demand. Nothing is run here.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

NETWORKS = Path(__file__).parent / "networks"


class ScenarioUnknown(ValueError):
    """There is no such scenario, or its files cannot be used."""


class BusLine(BaseModel):
    """Vehicles by timetable: each `every` seconds from `first` on, 20 s at each of `stops`.

    `spread`: standard deviation of when they enter, in seconds. `pace`: m/s between stops, as the
    timetable has it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str
    kind: Literal["bus", "emergency"]
    every: int = Field(gt=0)
    first: int = Field(ge=0)
    begins: str = Field(alias="from")
    to: str
    stops: tuple[str, ...] = ()
    spread: float = Field(default=0, ge=0)
    pace: float = Field(default=7.5, gt=0)


class OwnNetwork(BaseModel):
    """A network of our own, as its file says: how it is built, and who drives and walks where.

    `across`, `on_foot`: vehicles and people an hour between any two edges of the border.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: Literal["netconvert", "netgenerate"]
    files: Mapping[str, str]
    options: Mapping[str, str]
    seconds: int = Field(gt=0)
    vehicles: tuple[tuple[str, str, float], ...] = ()
    people: tuple[tuple[str, str, float], ...] = ()
    lines: tuple[BusLine, ...] = ()
    across: float = Field(default=0, ge=0)
    on_foot: float = Field(default=0, ge=0)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A network and its window (seconds of the simulation).

    The demand is `own`, or stands in `routes`. `additional`: further files of the scenario, with
    its real plans, stops and types of vehicles.
    """

    name: str
    net: Path
    begin: int
    end: int
    own: OwnNetwork | None = None
    routes: tuple[Path, ...] = ()
    additional: tuple[Path, ...] = ()


def own_names() -> tuple[str, ...]:
    """The networks of our own."""
    return tuple(sorted(path.stem for path in NETWORKS.glob("*.yaml")))


def prepare(name: str, folder: Path) -> Scenario:
    """The scenario of this name; a network of our own is built into `folder`.

    Raises `ScenarioUnknown`.
    """
    said = NETWORKS / f"{name}.yaml"
    if said.is_file():
        own = OwnNetwork.model_validate(yaml.safe_load(said.read_text(encoding="utf-8")))
        return Scenario(name, _built(name, own, folder), 0, own.seconds, own=own)
    found = _resco(name)
    if found is None:
        raise ScenarioUnknown(f"there is no scenario {name!r}; ours are {', '.join(own_names())}")
    return _configured(name, found)


def _built(name: str, own: OwnNetwork, folder: Path) -> Path:
    net = folder / f"{name}.net.xml"
    files = [part for key, file in own.files.items() for part in (key, str(NETWORKS / file))]
    options = [part for pair in own.options.items() for part in pair]
    command = [sumo_tool(own.tool), *files, *options, "--output-file", str(net)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ScenarioUnknown(f"{own.tool} cannot build {name}: {done.stderr.strip()}")
    return net


def sumo_tool(name: str) -> str:
    """Where a program of SUMO is: beside our Python, or on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    if found is None:
        raise ScenarioUnknown(f"{name} of SUMO is not installed (eclipse-sumo)")
    return found


def _resco(name: str) -> Path | None:
    """The configuration of a RESCO scenario; None where there is none."""
    package = importlib.util.find_spec("sumo_rl")
    if package is None or not package.submodule_search_locations:
        return None
    base = Path(package.submodule_search_locations[0]) / "nets" / "RESCO"
    path = base / name / f"{name}.sumocfg"
    return path if path.is_file() else None


def _configured(name: str, path: Path) -> Scenario:
    root = ET.parse(path).getroot()

    def said(key: str) -> str:
        found = next(root.iter(key), None)
        return "" if found is None else found.get("value", "")

    def files(key: str) -> tuple[Path, ...]:
        return tuple(path.parent / each.strip() for each in said(key).split(",") if each.strip())

    (net,) = files("net-file")
    return Scenario(
        name,
        net,
        int(float(said("begin"))),
        int(float(said("end"))),
        routes=files("route-files"),
        additional=files("additional-files"),
    )
