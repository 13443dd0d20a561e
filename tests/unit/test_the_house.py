"""The walls of the house: where things stand, and who may use whom (docs/architecture.md).

A floor is a package; in its root stands its machinery, a folder on it is a system's room. Each rule
is a function that lists what breaks it, and each is shown to find what it is for.
"""

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import grimp
import pytest

from citybrain.domain.stream import StreamAggregate
from citybrain.http.clients import PAGES
from citybrain.http.routing import Route
from citybrain.systems import SYSTEMS
from citybrain.systems.system import System
from projections.board import BoardModel

ROOT = Path(__file__).resolve().parents[2]
FLOORS = (
    "citybrain.domain",
    "citybrain.definitions",
    "commands",
    "projections",
    "citybrain.audit",
    "citybrain.http",
    "citybrain.intake",
)
MACHINERY = frozenset({"citybrain.definitions.city", "citybrain.http.pages", "commands.processes"})
BELOW_ALL = "platform"  # every system stands on it, so none has to say so
LONGEST_FILE = 500
LONGEST_FUNCTION = 60
NAMES = frozenset(system.name for system in SYSTEMS)


def floor_of(module: str) -> str | None:
    """The floor that a module stands on."""
    return next((floor for floor in FLOORS if module.startswith(f"{floor}.")), None)


def room_of(module: str, names: Iterable[str] = NAMES) -> str | None:
    """The system in whose room a module stands; None for machinery and what is no floor."""
    floor = floor_of(module)
    if floor is None:
        return None
    first = module.removeprefix(f"{floor}.").partition(".")[0]
    return first if first in names else None


def is_door(module: str) -> bool:
    """Whether a module is the `__init__` of a room."""
    floor, room = floor_of(module), room_of(module)
    return room is not None and module == f"{floor}.{room}"


# --- the rules ----------------------------------------------------------------------------


def through_walls(
    imports: Iterable[tuple[str, str]], knows: Mapping[str, Sequence[str]]
) -> list[str]:
    """Imports from a room into another one that its system does not know, or past its door."""
    found = []
    for importer, imported in imports:
        ours, theirs = room_of(importer), room_of(imported)
        if ours is None or theirs is None or ours == theirs:
            continue
        if theirs != BELOW_ALL and theirs not in knows[ours]:
            found.append(f"{importer} uses {imported}: {ours} does not say that it knows {theirs}")
        elif not is_door(imported):
            found.append(f"{importer} uses {imported}: not a name that the room's door hands on")
    return found


def subjects_in_machinery(imports: Iterable[tuple[str, str]]) -> list[str]:
    """Imports from the root of a floor into a room."""
    return [
        f"{importer} is machinery and uses {imported}"
        for importer, imported in imports
        if floor_of(importer) is not None
        and room_of(importer) is None
        and room_of(imported) is not None
    ]


def folders_of_nobody(folders: Iterable[str]) -> list[str]:
    """Packages on a floor that are neither a system's room nor known machinery."""
    return [
        folder
        for folder in folders
        if folder not in MACHINERY and folder.rpartition(".")[2] not in NAMES
    ]


def not_in_descriptor(system: System, found: Mapping[str, Iterable[Any]]) -> list[str]:
    """What stands in a system's rooms and is not said in its descriptor."""
    said: dict[str, set[Any]] = {
        "streams": set(system.streams),
        "projections": {*map(type, system.projections), *system.projections},
        "processes": {type(each.manager) for each in system.processes},
        "routes": {id(route) for route in (*system.routes, *system.development_routes)},
    }
    return [
        f"{system.name} does not say {_named(each)} in {kind}"
        for kind, parts in found.items()
        for each in parts
        if (id(each) if kind == "routes" else each) not in said[kind]
    ]


def too_long(path: Path, source: str) -> list[str]:
    """Files and functions that nobody reads on one walk."""
    lines = source.count("\n")
    found = [f"{path}: {lines} lines"] if lines > LONGEST_FILE else []
    if path.suffix != ".py":
        return found
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                found.append(f"{path}:{node.lineno}: {node.name} has {length} lines")
    return found


# --- what there is ------------------------------------------------------------------------


@cache
def imports() -> tuple[tuple[str, str], ...]:
    """Who imports whom, among our packages."""
    graph = grimp.build_graph("citybrain", "commands", "projections")
    return tuple(
        (module, imported)
        for module in sorted(graph.modules)
        for imported in sorted(graph.find_modules_directly_imported_by(module))
    )


def folders() -> Iterator[str]:
    """The packages that stand directly on a floor, and the rooms beside the floors."""
    for floor in FLOORS:
        (where,) = import_module(floor).__path__
        yield from (f"{floor}.{path.name}" for path in Path(where).iterdir() if _is_folder(path))
    for beside in ("ops/simulators", "ops/bench"):
        yield from (
            f"{beside}.{path.name}" for path in (ROOT / beside).iterdir() if _is_folder(path)
        )


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(("_", "."))


def standing_in(name: str) -> dict[str, list[Any]]:
    """What stands in the rooms of a system."""
    found: dict[str, list[Any]] = {"streams": [], "projections": [], "processes": [], "routes": []}
    for module in _modules_of(name):
        found["routes"] += [
            route
            for value in vars(module).values()
            if isinstance(value, tuple)
            for route in value
            if isinstance(route, Route)
        ]
        found["projections"] += [
            value for value in vars(module).values() if isinstance(value, BoardModel)
        ]
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ != module.__name__:
                continue
            if issubclass(cls, StreamAggregate):
                found["streams"].append(cls)
            elif isinstance(getattr(cls, "tables", None), str):
                found["projections"].append(cls)
            elif isinstance(getattr(cls, "name", None), str) and hasattr(cls, "react"):
                found["processes"].append(cls)
    return found


def _modules_of(name: str) -> Iterator[Any]:
    for floor in FLOORS:
        if f"{floor}.{name}" not in set(folders()):
            continue
        room = import_module(f"{floor}.{name}")
        yield room
        for found in walk_packages(room.__path__, f"{room.__name__}."):
            yield import_module(found.name)


def sources() -> Iterator[tuple[Path, str]]:
    """Everything that people write here and read again."""
    for folder in ("src", "commands", "projections", "ops", "tests", "docs/templates"):
        for path in sorted((ROOT / folder).rglob("*")):
            made = {"node_modules", "__pycache__"} & set(path.parts) or path.is_relative_to(PAGES)
            made = made or path.name.endswith(".gen.ts")
            if path.suffix in (".py", ".ts", ".vue") and not made:
                yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def _named(what: Any) -> str:
    if isinstance(what, BoardModel):
        return what.name
    return f"{what.method} {what.path}" if isinstance(what, Route) else what.__qualname__


# --- the house as it stands ---------------------------------------------------------------


def test_rooms_use_each_other_through_doors_only() -> None:
    assert through_walls(imports(), {system.name: system.knows for system in SYSTEMS}) == []


def test_machinery_knows_no_subject() -> None:
    assert subjects_in_machinery(imports()) == []


def test_every_folder_on_a_floor_is_a_systems_room() -> None:
    assert folders_of_nobody(folders()) == []


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_a_system_says_all_that_stands_in_its_rooms(system: System) -> None:
    assert not_in_descriptor(system, standing_in(system.name)) == []


def test_files_and_functions_are_short() -> None:
    assert [line for path, source in sources() for line in too_long(path, source)] == []


# --- each rule finds what it is for -------------------------------------------------------

KNOWS = {"applications": ("citizens",), "citizens": (), "inspection": (), "platform": ()}


def test_a_way_through_a_wall_is_found() -> None:
    known = ("commands.applications.application", "citybrain.domain.citizens")
    beside = ("commands.applications.application", "citybrain.domain.citizens.citizen")
    strange = ("commands.inspection.case", "citybrain.domain.citizens")
    below = ("commands.inspection.case", "citybrain.definitions.platform")
    assert through_walls([known, below], KNOWS) == []
    assert "door" in through_walls([beside], KNOWS)[0]
    assert "does not say that it knows citizens" in through_walls([strange], KNOWS)[0]


def test_a_subject_in_machinery_is_found() -> None:
    assert (
        subjects_in_machinery([("citybrain.systems.inspection", "commands.inspection.case")]) == []
    )
    assert subjects_in_machinery([("commands.handling", "commands.inspection.case")]) != []


def test_a_folder_of_nobody_is_found() -> None:
    assert folders_of_nobody(["projections.inspection", "commands.processes"]) == []
    assert folders_of_nobody(["projections.utils"]) == ["projections.utils"]


@pytest.mark.parametrize("kind", ["streams", "projections", "processes", "routes"])
def test_a_part_that_no_descriptor_says_is_found(kind: str) -> None:
    whole = next(system for system in SYSTEMS if system.name == "inspection")
    poor = System(name="inspection")
    found = {kind: standing_in("inspection")[kind]}
    assert not_in_descriptor(whole, found) == []
    assert len(not_in_descriptor(poor, found)) == len(found[kind]) > 0


def test_what_is_too_long_is_found() -> None:
    body = "    pass\n" * LONGEST_FUNCTION
    assert too_long(Path("a.py"), "x = 1\n" * LONGEST_FILE) == []
    assert too_long(Path("a.py"), "x = 1\n" * (LONGEST_FILE + 1)) == ["a.py: 501 lines"]
    assert too_long(Path("a.py"), f"def f():\n{body}") == ["a.py:1: f has 61 lines"]
