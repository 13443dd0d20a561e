"""Names that the world outside the code holds on to, whatever file they are written in.

Stored events carry topics, tables carry the names of projections and process managers, idempotency
records hash the names of command classes, clients read codes, operation ids and models: none of
them changes when code moves. `frozen_names.json` has them as they were released. A name may be
added; one that is gone or means something else breaks somebody. The names are found by walking the
packages, so this test knows nothing of where they live.
"""

import ast
import inspect
import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

import citybrain
import commands
import projections
from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.stream import StreamAggregate, StreamEvent, StreamSnapshot
from citybrain.errors import CitybrainError
from citybrain.http.openapi import openapi
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS, load_definitions
from commands.handling import Command

FROZEN: dict[str, Any] = json.loads(Path(__file__).with_name("frozen_names.json").read_text())
PACKAGES = (citybrain, commands, projections)


@cache
def modules() -> tuple[ModuleType, ...]:
    """Every module of ours, imported."""
    return tuple(
        import_module(found.name)
        for package in PACKAGES
        for found in walk_packages(package.__path__, f"{package.__name__}.")
        if not found.name.endswith("__main__")
    )


def classes() -> Iterator[type]:
    """Every class of ours, once."""
    for module in modules():
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ == module.__name__:
                yield cls


def topics() -> dict[str, int]:
    """The topics of streams and events, with the version of their class."""
    bases = (StreamAggregate, StreamEvent, StreamSnapshot)
    return {
        cls.__dict__["TOPIC"]: getattr(cls, "class_version", 1)
        for cls in classes()
        if issubclass(cls, bases) and "TOPIC" in cls.__dict__
    }


def projection_versions() -> dict[str, int]:
    """Each read model's schema, with the version of its tables."""
    found: list[Any] = [cls for cls in classes() if isinstance(getattr(cls, "tables", None), str)]
    return {each.name: each.version for each in (*found, *PROJECTIONS)}


def process_names() -> list[str]:
    """The process managers, as their checkpoints name them."""
    ours = (cls for cls in classes() if cls.__module__.startswith("commands."))
    names: list[Any] = [getattr(cls, "name", None) for cls in ours]
    return [name for name in names if isinstance(name, str)]


def command_names() -> list[str]:
    """The classes of commands: fingerprints of idempotency keys hash these names."""
    return [cls.__name__ for cls in classes() if issubclass(cls, Command) and cls is not Command]


def codes() -> list[str]:
    """The stable codes of refusals and errors."""
    return [cls.code for cls in classes() if issubclass(cls, CitybrainError)]


def environment() -> list[str]:
    """The environment variables."""
    return [f"CITYBRAIN_{name.upper()}" for name in Settings.model_fields]


@cache
def description() -> dict[str, Any]:
    """The API's description of every route that any module has."""
    routes = {
        (route.method, route.path): route
        for module in modules()
        for name in ("ROUTES", "DEVELOPMENT_ROUTES")
        for route in getattr(module, name, ())
    }
    return openapi([routes[key] for key in sorted(routes)])


def operations() -> dict[str, str]:
    """What clients call, by operation id."""
    return {
        operation["operationId"]: f"{method.upper()} {path}"
        for path, methods in description()["paths"].items()
        for method, operation in methods.items()
    }


def models() -> dict[str, list[str]]:
    """The models of bodies and answers, with their members."""
    schemas = description()["components"]["schemas"]
    return {name: sorted(schema.get("properties", {})) for name, schema in schemas.items()}


def definition_folders() -> list[str]:
    """The folders that a city's own definitions may have, as the package ships them."""
    root = Path(citybrain.__file__).parent / "definitions"
    return [file.parent.name for pattern in ("*.yaml", "*.geojson") for file in root.rglob(pattern)]


@cache
def texts() -> frozenset[str]:
    """Every text in our code, and every text in quotes within one: SQL names locks so."""
    found: set[str] = set()
    for module in modules():
        for node in ast.walk(ast.parse(Path(module.__file__ or "").read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
                found.update(node.value.split("'")[1::2])
    return frozenset(found)


FOUND: dict[str, Callable[[], dict[str, Any] | list[str]]] = {
    "topics": topics,
    "projections": projection_versions,
    "processes": process_names,
    "commands": command_names,
    "codes": codes,
    "environment": environment,
    "operations": operations,
    "models": models,
    "definition_folders": definition_folders,
    "texts": lambda: sorted(texts()),
}


def gone(kind: str) -> list[str]:
    """What was frozen and is not found as it was."""
    frozen, found = FROZEN[kind], FOUND[kind]()
    if isinstance(frozen, dict):
        assert isinstance(found, dict)
        return [name for name in frozen if found.get(name) != frozen[name]]
    return sorted(set(frozen) - set(found))


def test_topics_and_class_versions_are_the_storage_format() -> None:
    assert gone("topics") == []


def test_read_models_keep_their_schemas_and_need_no_rebuild() -> None:
    assert gone("projections") == []


def test_process_managers_find_their_checkpoints() -> None:
    assert gone("processes") == []


def test_idempotency_keys_that_were_used_are_still_recognised() -> None:
    assert gone("commands") == []


def test_codes_of_refusals_are_what_clients_act_on() -> None:
    assert gone("codes") == []


def test_environment_variables_are_what_a_city_has_set() -> None:
    assert gone("environment") == []


def test_operations_and_their_models_are_what_clients_were_generated_from() -> None:
    assert gone("operations") == []
    assert gone("models") == []


def test_folders_of_a_citys_definitions() -> None:
    assert gone("definition_folders") == []


def test_a_junctions_day_finds_the_file_that_it_was_opened_under() -> None:
    """A file that is in force is never edited: another version stands beside it."""
    found = load_definitions().of(SignalDefinitions).junctions
    for code, versions in FROZEN["junctions"].items():
        assert set(versions) <= {each.junction.version for each in found[code]}, code


def test_seals_and_locks_go_by_the_same_texts() -> None:
    """A seal opens for the purpose it was made for; two releases side by side share their locks."""
    assert gone("texts") == []
