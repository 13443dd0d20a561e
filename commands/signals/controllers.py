"""Controllers in the street: what they are told, and what they tell.

A controller asks again and again what is to be shown, and each answer is a sign of life for the
other side. It says what its lamps show, by its own clock, and which command it follows. When each
was heard is kept in a table that no evidence rests on: whoever leads looks there for the silent.
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.domain.actor import Actor
from citybrain.domain.signals import people
from citybrain.domain.signals.controllers import (
    agrees,
    check_controls,
    connect,
    controls,
    device_of,
    hear,
)
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.plans import offset_at
from citybrain.domain.signals.signal import Signal, junction_and_day
from citybrain.domain.signals.signal_events import milliseconds, moment
from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore
from commands.fields import Flag, Moment
from commands.handling import Command, CommandContext
from commands.services import Services
from commands.signals.controlled import controlled
from commands.signals.moves import Moves, moves
from commands.signals.office import Name, change_junction
from commands.signals.sharing import shards_of
from commands.signals.streams import definition_of, newest_streams, plan_of

MOST_REPORTS = 500
MOST_JUNCTIONS = 1000
HEARD = """
INSERT INTO signal_heard (who, heard_at) SELECT unnest($1::text[]), $2
ON CONFLICT (who) DO UPDATE SET heard_at = greatest(signal_heard.heard_at, excluded.heard_at)
"""
HEARD_OF = "SELECT who, heard_at FROM signal_heard WHERE who = ANY($1)"
HEARD_SINCE = "SELECT who, heard_at FROM signal_heard WHERE heard_at > $1"
MOVED = """
SELECT stream AS originator_id FROM unnest($1::text[]) AS stream WHERE (
    SELECT notification_id FROM stored_events WHERE originator_id = stream
    ORDER BY originator_version DESC LIMIT 1
) > $2
"""
CENTRE = "centre:"
"""Of each shard of junctions (`sharing`), by its number."""
AHEAD = timedelta(seconds=2)
"""By how much the clocks of our own processes may differ."""

Number = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d/\d{1,9}$")]


class ControllerReport(Command):
    """What a controller says of a junction."""

    junction: Name
    clock: Moment = Field(description="its own clock, at the moment of the lamps")
    lamps: dict[Name, Shown] = Field(max_length=64, description="of each of its groups")
    command: Number | None = Field(None, description="the command that it follows, or cannot")
    followed: Flag = True
    restarted: Flag = Field(False, description="its power came back: it flashes first")
    conflict: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="its monitor saw lamps that must not be on together; it flashes"
    )
    pressed: list[Name] = Field(default_factory=list, max_length=64, description="buttons")


async def tell(
    reports: Sequence[ControllerReport], context: CommandContext, services: Services
) -> list[CitybrainError | None]:
    """Take in what controllers say; each for itself. What is wrong with one costs no other one.

    Most say again and again what is known: of those is only kept that they were heard.
    """
    news = [each for each in reports if not _is_known(each, context.actor, services)]
    told = await asyncio.gather(*(_one(each, context, services) for each in news))
    errors = {id(each): error for each, error in zip(news, told, strict=True)}
    said = [errors.get(id(each)) for each in reports]
    heard = [each.junction for each, error in zip(reports, said, strict=True) if error is None]
    await note_heard(services.store, heard, services.clock())
    return said


async def note_heard(store: EventStore, junctions: Collection[str], now: datetime) -> None:
    """Keep when the controllers of these junctions were heard, or the centre."""
    if junctions:
        await store.pool.execute(HEARD, sorted(set(junctions)), now)


async def heard_since(store: EventStore, since: datetime) -> dict[str, datetime]:
    """Who was heard after `since`, and when."""
    return {row["who"]: row["heard_at"] for row in await store.pool.fetch(HEARD_SINCE, since)}


async def note_centre(store: EventStore, shards: Collection[int], now: datetime) -> None:
    """Keep when the centre last decided at the junctions of these shards."""
    await note_heard(store, [f"{CENTRE}{shard}" for shard in shards], now)


async def centres_heard(store: EventStore, shards: Collection[int]) -> dict[int, datetime]:
    """When the centre last decided, by shard, as far as that is known."""
    rows = await store.pool.fetch(HEARD_OF, [f"{CENTRE}{shard}" for shard in shards])
    return {int(row["who"].removeprefix(CENTRE)): row["heard_at"] for row in rows}


async def centre_heard(store: EventStore, junctions: tuple[str, ...]) -> datetime | None:
    """Up to when the centre has decided at each of these; None where that is not known."""
    shards = _shards_of(junctions)
    found = await centres_heard(store, shards)
    return min(found.values()) if found and len(found) == len(shards) else None


@lru_cache(maxsize=1000)
def _shards_of(junctions: tuple[str, ...]) -> frozenset[int]:
    return frozenset(shards_of(junctions))


async def centre_decided(services: Services, junctions: tuple[str, ...]) -> datetime | None:
    """The same as a sign of life: none where our clock was set back since, and nothing is decided.

    A controller counts from it how long the centre is silent, and must not count into the future.
    """
    found = await centre_heard(services.store, junctions)
    return None if found is None or found > services.clock() + AHEAD else found


def _is_known(report: ControllerReport, actor: Actor, services: Services) -> bool:
    """Whether a report says nothing from which anything would follow."""
    state = controlled(services).of(report.junction)
    if state is None or not controls(actor, report.junction):
        return False
    if report.restarted or report.pressed or report.conflict is not None:
        return False
    signal, dated = state
    now = services.clock()
    return agrees(signal, dated.junction, now, said_at=report.clock, lamps=report.lamps)


async def _one(
    report: ControllerReport, context: CommandContext, services: Services
) -> CitybrainError | None:
    def decide(signal: Signal, dated: DatedJunction, now: datetime) -> None:
        take_report(signal, dated, now, report)

    try:
        check_controls(context.actor, report.junction)
        await change_junction(report.junction, report, context, services, decide, {})
    except CitybrainError as error:
        return error
    return None


def take_report(
    signal: Signal, dated: DatedJunction, now: datetime, report: ControllerReport
) -> None:
    """What follows from a report for the junction's state."""
    junction = dated.junction
    connect(signal, now, device_of(signal.junction))
    if report.restarted:
        people.power_up(signal, junction, now, dated.first_stage)
    if report.conflict is not None:
        people.report_conflict(signal, now, shown=report.conflict)
    for group in report.pressed:
        people.call(signal, junction, now, group, by="button")
    people.hear_clock(signal, junction, now, report.clock)
    hear(
        signal,
        junction,
        now,
        command=report.command,
        followed=report.followed,
        said_at=report.clock,
        lamps=report.lamps,
    )


def owned(actor: Actor, services: Services, named: Collection[str]) -> tuple[str, ...]:
    """The junctions of a controller: those that are named, else all that its token names.

    Raises `NotYourDevice` where one is not its own.
    """
    for code in named:
        check_controls(actor, code)
    return tuple(sorted(named)) or services.held(_Owners, _Owners).of(actor)


class _Owners:
    """Which junctions each token names: they ask again and again, and nothing of it changes."""

    def __init__(self, services: Services) -> None:
        self._codes = services.definitions.of(SignalDefinitions).codes
        self.of = lru_cache(maxsize=1000)(self._of)

    def _of(self, actor: Actor) -> tuple[str, ...]:
        return tuple(code for code in self._codes if controls(actor, code))[:MOST_JUNCTIONS]


async def commands_for(
    junctions: Sequence[str], services: Services, *, after: int, wait_seconds: float
) -> tuple[int, list[dict[str, Any]]]:
    """What is to be shown at these junctions, where that changed behind the position `after`.

    Waits for a change as long as it is told to. The position goes with the next question.
    """
    store, ends, known = services.store, time.monotonic() + wait_seconds, moves(services)
    while True:
        notices = store.listener.notices
        await known.look()
        head, moved = known.position, known.of(junctions, after)
        if after < known.since:
            moved = await _moved(junctions, services, after)
        found = await _commands(moved, known, services)
        left = ends - time.monotonic()
        if found or left <= 0:
            return head, found
        await store.listener.wait(notices, left)


async def _moved(junctions: Sequence[str], services: Services, after: int) -> list[str]:
    """Those of the junctions whose streams have something behind a position, by looking at each."""
    streams = await newest_streams(services.store, junctions)
    rows = await services.store.pool.fetch(MOVED, list(streams.values()), after)
    return [junction_and_day(row["originator_id"])[0] for row in rows]


async def _commands(
    junctions: Sequence[str], known: Moves, services: Services
) -> list[dict[str, Any]]:
    """The commands of junctions, as their newest streams say.

    Where this process controls one and has all of the stream that is known in memory, that says it.
    """
    found, others = list[dict[str, Any]](), list[str]()
    for code in junctions:
        signal = _in_memory(code, known, services)
        if signal is None:
            others.append(code)
        else:
            found.append(command_of(services, signal))
    if others:
        streams = await newest_streams(services.store, others)
        signals = await services.store.load_all(Signal, list(streams.values()))
        found += [command_of(services, each) for each in signals]
    return found


def _in_memory(junction: str, known: Moves, services: Services) -> Signal | None:
    """A junction's state that has all that is known of its stream, and no more than that."""
    state, last = controlled(services).of(junction), known.last(junction)
    if state is None or last is None:
        return None
    signal, _ = state
    is_whole = signal.id == last.stream and signal.version >= last.version
    return signal if is_whole and not signal.pending_events else None


def command_of(services: Services, signal: Signal) -> dict[str, Any]:
    """What a controller is to do at a junction, as its state says now."""
    now = services.clock()
    at, dated = milliseconds(now), definition_of(services, signal)
    commanded, plan = signal.commanded, plan_of(dated, signal)
    sent_at = at if commanded is None else commanded["at"]
    lamps = signal.lamps
    return {
        "junction": signal.junction,
        "command": None if commanded is None else commanded["number"],
        "decides": signal.standing_at(at),
        "groups": sorted(signal.groups),
        "preempts": signal.granted is not None,
        "greens": {
            code: moment(lamp.green_from)
            for code, lamp in sorted(lamps.items())
            if lamp.green_from is not None and lamp.is_coming(at)
        },
        "sent_at": moment(sent_at),
        "expires_at": moment(sent_at + dated.junction.watchdog_ms),
        "acknowledge": signal.unacknowledged is not None,
        "plan": plan.code,
        "offset_ms": offset_at(dated.junction, plan, signal.offset, at),
        "definition_version": signal.definition_version,
    }
