"""A city's workers that die at each step of a process manager: once before it, and once after.

`python -m tests.given.parking.dying_city PROCESS…`: the read models and process managers of parking
over the database of the settings, as a server runs them. A step is whatever leaves the process: an
append, a write to a table, a message, what the gateway or a registry is told. Those of the named
process managers are fatal; a file in the data folder says where somebody died, and the next one
goes on from there. In `make test` each kind of step is fatal the first time, in a storm every one.
"""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from citybrain.app import open_services
from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.eventstore import EventStore, leadership
from citybrain.exchange import Exchange
from citybrain.notifications import FileNotifier
from citybrain.observability import configure_logging
from citybrain.payments import Payments
from citybrain.settings import Settings
from citybrain.systems.parking import PARKING
from commands.parking.pricing import STREET
from commands.processes import alarms, side_by_side
from commands.processes.runner import Process
from commands.services import Services
from projections.runner import ProjectionRunner
from tests.given.parking.reaching_back import PUBLISHED, reaching_back
from tests.given.services import DEFINITIONS
from tests.given.storm import STORM

CLOCK, DEATHS = "clock", "deaths"
BEFORE, AFTER = "before", "after"
WRITES = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM) (\w+)")
QUICK_SECONDS = 0.02

acting: ContextVar[str] = ContextVar("acting", default="")
"""The process manager at work."""


class Deaths:
    """Where somebody died, a line each."""

    def __init__(self, file: Path, fatal: frozenset[str]) -> None:
        self._file, self._fatal = file, fatal
        self._known = set(file.read_text().splitlines()) if file.exists() else set()
        self._new: set[str] = set()

    def at(self, when: str, step: str, which: str) -> None:
        """Die here, unless somebody has.

        To die after a step is to die before the next one: nothing is written between them. In a
        storm there is a death for each.
        """
        process = acting.get()
        if process not in self._fatal:
            return
        line = f"{process}: {when} {step}" + (f" {which}" if STORM > 1 else "")
        if line not in self._known:
            self._new.add(line)
        if self._new and (when == BEFORE or STORM > 1):
            with self._file.open("a") as file:
                file.writelines(f"{each}\n" for each in sorted(self._new))
            os.kill(os.getpid(), signal.SIGKILL)

    def step(self, cls: type, name: str, called: Callable[..., tuple[str, str] | None]) -> None:
        """Let this method be fatal; `called` says what kind of step a call is, and which one."""
        work = getattr(cls, name)

        async def deadly(self_: Any, *arguments: Any, **named: Any) -> Any:
            what = called(*arguments)
            if what is not None:
                self.at(BEFORE, *what)
            found = await work(self_, *arguments, **named)
            if what is not None:
                self.at(AFTER, *what)
            return found

        pytest.MonkeyPatch().setattr(cls, name, deadly)


def _appended(stream_id: str, expected: int, events: Any) -> tuple[str, str]:
    topics = " ".join(dict.fromkeys(event.topic for event in events))
    return f"append {topics}", f"{stream_id}@{expected}"


def _written(query: str, *_: Any) -> tuple[str, str] | None:
    found = WRITES.match(query)
    return None if found is None else (f"{found[1].lower()} {found[2]}", "")


def deadly(folder: Path, fatal: frozenset[str]) -> None:
    """Let the steps of these process managers be fatal."""
    deaths = Deaths(folder / DEATHS, fatal)
    deaths.step(EventStore, "append", _appended)
    deaths.step(asyncpg.Pool, "execute", _written)
    deaths.step(FileNotifier, "send", lambda _, __, message_id: ("send", str(message_id)))
    deaths.step(Exchange, "fetch", lambda asked, _: ("ask", str(asked.request_id)))
    for name in ("instruct", "cancel"):
        deaths.step(
            Payments, name, lambda told, name=name: (f"{name} {told.kind}", str(told.payment_id))
        )


def quickly(patch: pytest.MonkeyPatch) -> None:
    """Nothing waits longer than it has to."""
    patch.setattr(leadership, "STANDBY_SECONDS", QUICK_SECONDS)
    patch.setattr(side_by_side, "CHECKPOINT_SECONDS", QUICK_SECONDS)
    patch.setattr(alarms, "CLOCK_SECONDS", QUICK_SECONDS)
    patch.setattr("citybrain.app.load_definitions", lambda _: DEFINITIONS)


async def main(fatal: frozenset[str]) -> None:
    """Run the workers until killed."""
    settings = Settings()
    configure_logging("WARNING", "console")
    deadly(settings.data_dir, fatal)
    quickly(pytest.MonkeyPatch())
    async with open_services(settings) as services:
        services.clock = partial(_now, settings.data_dir / CLOCK, services)
        models = ProjectionRunner(services.store, PARKING.projections)
        await asyncio.gather(
            models.run(), *(_started(each, services) for each in PARKING.processes)
        )


def _now(clock: Path, services: Services) -> datetime:
    """The time that the test has set; what has been published by then is known."""
    now = datetime.fromisoformat(clock.read_text())
    publish(now, services)
    return now


def publish(now: datetime, services: Services) -> None:
    """From its day on a tariff version is known that reaches back."""
    if now >= PUBLISHED and len(tariff_of(services.definitions, STREET).versions) == 1:
        services.definitions = reaching_back(services.definitions)


def _started(process: Process, services: Services) -> "asyncio.Task[None]":
    context = copy_context()
    context.run(acting.set, process.manager.name)
    return asyncio.create_task(process.run(services.store, services), context=context)


if __name__ == "__main__":
    asyncio.run(main(frozenset(sys.argv[1:])))
