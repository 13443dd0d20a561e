"""What a system of the city consists of, said once: a value, put to work by `citybrain.app`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from citybrain.definitions import Definitions
from citybrain.definitions.loading import Loader
from citybrain.domain.stream import StreamAggregate
from citybrain.http.access_texts import Words
from citybrain.http.board import BoardPart
from citybrain.http.reach import Rows
from citybrain.http.routing import Route
from citybrain.intake.taking import Intake
from commands.processes.runner import Process
from commands.services import Services
from projections.projection import Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One system. Every name is one click away: no base class, no decorator, no string path."""

    name: str
    """The name of its rooms, the same on every floor."""

    knows: tuple[str, ...] = ()
    """The systems whose doors it uses."""

    streams: tuple[type[StreamAggregate], ...] = ()
    """Its aggregates; each lists its events."""

    definitions: tuple[Loader, ...] = ()
    """How what a city configures of it is loaded."""

    words: Callable[[Definitions], Words] | None = None
    """What codes of its definitions are called where people read who used their data."""

    processes: tuple[Process, ...] = ()
    """Its process managers, each with how it is run."""

    projections: tuple[Projection, ...] = ()
    """Its read models."""

    routes: tuple[Route, ...] = ()
    """Its operations of the API."""

    reach: Rows = field(default_factory=dict)
    """To whose data each operation reaches; one without a row is not served."""

    development_routes: tuple[Route, ...] = ()
    """Operations that exist beside a development issuer only."""

    development_reach: Rows = field(default_factory=dict)
    """The same of those."""

    registers: Callable[[Mapping[str, Any], Services], Awaitable[str]] | None = None
    """Registers a made-up person who signs in where things are tried out, once; gives their id."""

    intakes: tuple[Intake, ...] = ()
    """What it takes in of device topics."""

    mounts: tuple[Callable[[web.Application], None], ...] = ()
    """Foreign protocols, and what its routes keep in the application."""

    board: BoardPart | None = None
    """Its part of the live snapshot."""

    beside_others: Callable[[Services], None] | None = None
    """Called in a process that only serves, and leaves the work to others."""

    at_start: tuple[Callable[[Services], Awaitable[None]], ...] = ()
    """What follows from its definitions: done when a server starts with them, and once an hour."""

    upkeep: tuple[Callable[[Services], Awaitable[None]], ...] = ()
    """What is done once an hour, as a rule: forgetting what was kept for a time."""
