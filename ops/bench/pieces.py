"""`citybrain bench pieces`: what the pieces of a command cost by themselves, in one process.

The least of many short rounds: in one of them at least nobody else has the core, however busy the
machine is. So the figures of two releases may be compared where rates and means may not. All of it
is warm; in a server that does other things in between, a piece takes up to twice as long. Each is a
JSON object: `bench`, `line` and `us`, microseconds.
"""

import gc
import secrets
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from rich.console import Console
from rich.table import Table

from citybrain.definitions.calendars import BusinessCalendar
from citybrain.definitions.inspection.cases import cases_at
from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.deadlines import Stage
from citybrain.domain.stream import StreamAggregate
from citybrain.eventstore import Appended
from citybrain.eventstore.aggregates import own_copy
from citybrain.eventstore.codec import stored
from citybrain.random_ids import random_uuid
from citybrain.systems import load_definitions, register_streams
from citybrain.vault.keys import KEY_BYTES, keyed
from commands.handling import CommandContext
from commands.inspection.case import ReportCase, report_case
from commands.inspection.placing import place_of_command
from commands.services import Services
from ops.bench.http_client import report_body

IN_A_ROUND: Final = 5
PASSES: Final = 10
"""Over all pieces: a core may be another's for longer than one of them takes."""
CAMERA = Actor("camera-1", frozenset({Role.GATEWAY}))
OPERATOR = Actor("operator-1", frozenset({Role.OPERATOR}))

Piece = Callable[[], object]


class Nowhere:
    """A store that keeps the last state and nothing else."""

    def __init__(self) -> None:
        self.last: Any = None

    async def save(self, aggregate: StreamAggregate, **_: object) -> Appended:
        """The bytes of its events are made, as by the event store."""
        self.last = aggregate
        for event in aggregate.pending_events:
            stored(event)
        return Appended(aggregate.id, aggregate.version, 1)


class Digests:
    """A vault that only digests."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(KEY_BYTES)

    async def digest(self, purpose: str, value: bytes) -> bytes:
        """A keyed digest."""
        return keyed(self._key, value, purpose)


def pieces() -> dict[str, Piece]:
    """What is measured, by the name of its line."""
    store: Any = Nowhere()
    vault: Any = Digests()
    nobody: Any = None
    definitions = load_definitions()
    services = Services(store, definitions, vault, nobody)
    context = CommandContext(
        CAMERA, "http", random_uuid(), random_uuid(), idempotency_key=str(random_uuid())
    )
    said = orjson.loads(report_body(1))
    command = ReportCase.model_validate(said)
    now = datetime.now(UTC)
    cases, calendar = cases_at(definitions, now), definitions.of(BusinessCalendar)

    def reported() -> None:
        """Nothing in it waits."""
        try:
            report_case(command, context, services).send(None)
        except StopIteration:
            return
        raise AssertionError("a report waited")

    reported()
    case = store.last
    (event,) = case.pending_events
    plain = own_copy(case)

    def filed() -> None:
        own_copy(plain).file(OPERATOR, now, definitions_version=cases.version)

    return {
        "validate": lambda: ReportCase.model_validate(said),
        "report": reported,
        "report.place": lambda: place_of_command(command, services, now),
        "report.deadlines": lambda: cases.deadlines(
            command.class_code, (Stage.FILING,), now, calendar
        ),
        "report.event": lambda: type(event)(**vars(event)),
        "report.state": lambda: event.mutate(None),
        "report.bytes": lambda: stored(event),
        "step.copy": lambda: own_copy(plain),
        "step": filed,
    }


def least_us(piece: Piece, rounds: int) -> float:
    """The least that a call takes, µs."""
    least = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(IN_A_ROUND):
            piece()
        least = min(least, time.perf_counter() - began)
    return least / IN_A_ROUND * 1e6


def run(rounds: int) -> None:
    """Measure all and print."""
    register_streams()
    found = pieces()
    measured = dict.fromkeys(found, float("inf"))
    gc.disable()
    try:
        for _ in range(PASSES):
            for line, piece in found.items():
                measured[line] = min(measured[line], least_us(piece, rounds // PASSES))
    finally:
        gc.enable()
    table = Table("piece", "µs", title="bench pieces", title_justify="left")
    for line, us in measured.items():
        print(orjson.dumps({"bench": "pieces", "line": line, "us": round(us, 2)}).decode())
        table.add_row(line, f"{us:.1f}")
    Console(file=sys.stderr).print(table)
