"""`citybrain systems`: which systems there are, and what each consists of, with its files."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.util import find_spec
from inspect import getmembers, getsourcefile, getsourcelines, isclass, unwrap
from pathlib import Path
from pkgutil import walk_packages
from typing import Annotated, Any

import typer

from citybrain.cli.shared.checkout import CHECKOUT
from citybrain.cli.shared.output import console, print_json
from citybrain.errors import InvalidInput
from citybrain.http.reach import table
from citybrain.systems import SYSTEMS
from citybrain.systems.system import System
from commands.handling import Command

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a system: what it is called, more about it, and where it is written."""

    name: str
    file: str
    more: dict[str, str] = field(default_factory=dict)


class UnknownSystem(InvalidInput):
    """There is no system of this name."""

    code = "unknown-system"


@app.command()
def reach() -> None:
    """Who reaches whose data: every operation and role, as docs/security.md has it."""
    routes = [route for system in SYSTEMS for route in system.routes]
    rows = {name: row for system in SYSTEMS for name, row in system.reach.items()}
    for line in table(routes, rows):
        print(line)


@app.command(name="list")
def list_command(as_json: Json = False) -> None:
    """All systems: what they are for, what they know, how much there is of what."""
    rows = [
        {
            "system": system.name,
            "about": _about(system),
            "knows": list(system.knows),
            **{kind: len(parts) for kind, parts in parts_of(system).items()},
        }
        for system in SYSTEMS
    ]
    if as_json:
        print_json(rows, indent=True)
        return
    for row in rows:
        counts = [f"{kind} {row[kind]}" for kind in PARTS if kind in row]
        console.print(f"[bold]{row['system']}[/]  {row['about']}")
        console.print(f"    {', '.join(counts)}", style="dim")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a system, as in `systems list`.")],
    as_json: Json = False,
) -> None:
    """What a system consists of, from top to bottom, with the file of each part."""
    system = next((each for each in SYSTEMS if each.name == name), None)
    if system is None:
        known = ", ".join(each.name for each in SYSTEMS)
        raise UnknownSystem(f"there is no system {name!r}; there are {known}")
    parts = parts_of(system)
    if as_json:
        shown = {kind: [asdict(part) for part in found] for kind, found in parts.items()}
        print_json({"system": name, "knows": system.knows, **shown}, indent=True)
        return
    console.print(f"[bold]{name}[/]  {_about(system)}")
    console.print(f"knows: {', '.join(system.knows) or 'no other system'}")
    for kind, found in parts.items():
        console.print(f"\n[bold]{kind}[/]")
        for part in found:
            more = "".join(f"  [dim]{value}[/]" for value in part.more.values())
            console.print(f"  {part.name}{more}\n      {part.file}", soft_wrap=True)


def parts_of(system: System) -> dict[str, list[Part]]:
    """The parts of a system by their kind, from the edge down."""
    found = {kind: list(PARTS[kind](system)) for kind in PARTS}
    return {kind: parts for kind, parts in found.items() if parts}


def _routes(system: System) -> Iterator[Part]:
    for route in (*system.routes, *system.development_routes):
        roles = " ".join(route.roles) if route.roles else "public"
        yield Part(f"{route.method} {route.path}", _file(route.handler), {"roles": roles})


def _mounts(system: System) -> Iterator[Part]:
    for mount in system.mounts:
        yield Part(mount.__module__.rpartition(".")[2], _file(mount))


def _streams(system: System) -> Iterator[Part]:
    for stream in system.streams:
        yield Part(stream.category, _file(stream), {"class": stream.__name__})


def _events(system: System) -> Iterator[Part]:
    for stream in system.streams:
        for event in stream.EVENTS:
            version = f"version {getattr(event, 'class_version', 1)}"
            yield Part(event.TOPIC, _file(event), {"version": version})


def _commands(system: System) -> Iterator[Part]:
    """The command classes of its room."""
    if find_spec(f"commands.{system.name}") is None:
        return
    room = import_module(f"commands.{system.name}")
    for found in walk_packages(room.__path__, f"{room.__name__}."):
        module = import_module(found.name)
        for name, cls in getmembers(module, isclass):
            if cls.__module__ == module.__name__ and issubclass(cls, Command):
                yield Part(name, _file(cls))


def _processes(system: System) -> Iterator[Part]:
    for process in system.processes:
        yield Part(process.manager.name, _file(type(process.manager)))


def _projections(system: System) -> Iterator[Part]:
    for projection in system.projections:
        version = f"version {projection.version}"
        yield Part(projection.name, _file(type(projection)), {"version": version})


def _definitions(system: System) -> Iterator[Part]:
    return (Part(loader.__name__, _file(loader)) for loader in system.definitions)


def _at_start(system: System) -> Iterator[Part]:
    return (Part(work.__name__, _file(work)) for work in system.at_start)


def _upkeep(system: System) -> Iterator[Part]:
    return (Part(work.__name__, _file(work)) for work in system.upkeep)


def _simulators(system: System) -> Iterator[Part]:
    """What makes up its input in a checkout; nothing in an installed package."""
    for path in sorted((CHECKOUT / "ops" / "simulators" / system.name).rglob("[!_]*.py")):
        yield Part(path.stem, str(path.relative_to(CHECKOUT)))


PARTS: dict[str, Callable[[System], Iterable[Part]]] = {
    "routes": _routes,
    "mounts": _mounts,
    "streams": _streams,
    "events": _events,
    "commands": _commands,
    "processes": _processes,
    "projections": _projections,
    "definitions": _definitions,
    "at_start": _at_start,
    "upkeep": _upkeep,
    "simulators": _simulators,
}


def _about(system: System) -> str:
    module = import_module(f"citybrain.systems.{system.name}")
    return (module.__doc__ or "").partition("\n")[0]


def _file(what: Any) -> str:
    """File and line of a class or function, from the root of a checkout."""
    what = unwrap(what)  # the command that a route sends
    path = Path(getsourcefile(what) or "")
    line = getsourcelines(what)[1]
    shown = path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path
    return f"{shown}:{line}"
