"""Roads of several junctions that are coordinated: dated files of the folder `signal-corridor`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from citybrain.definitions.loading import Definitions, Files, in_force
from citybrain.definitions.signals.checking import Finding, Place
from citybrain.definitions.signals.junction_file import (
    Code,
    JunctionFile,
    Metres,
    Name,
    Part,
    PedestrianGroup,
    Text,
)
from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.definitions.yaml_file import DefinitionError, Lines, read_yaml
from citybrain.domain.signals.corridor import Band, arcs, widest_band
from citybrain.domain.signals.plans import greens

FOLDER = "signal-corridor"


class Stop(Part):
    """A junction of the road. `outbound`, `inbound`: the groups for whoever drives along it.

    `distance` to the junction before it, from stop line to stop line, and the `speed` at which it
    is driven, in m/s; the first has neither.
    """

    junction: Code
    outbound: Name
    inbound: Name
    distance: Annotated[Metres, Field(gt=0)] | None = None
    speed: Annotated[float, Field(strict=True, gt=0, le=40)] | None = None


class CorridorFile(Part):
    """One version of one road, from a day on; junctions in the order of the way out.

    `plans`: those in which they are coordinated; each junction has each, and all one cycle in it.
    """

    valid_from: date
    corridor: Code
    name: Text
    name_en: Text | None = None
    source: Text
    plans: Annotated[tuple[Code, ...], Field(min_length=1)]
    junctions: Annotated[tuple[Stop, ...], Field(min_length=2)]

    @property
    def travel_ms(self) -> tuple[int, ...]:
        """When each is reached after the first, in milliseconds."""
        at, reached = 0.0, []
        for stop in self.junctions:
            if stop.distance is not None and stop.speed is not None:
                at += stop.distance / stop.speed * 1000
            reached.append(round(at))
        return tuple(reached)


@dataclass(frozen=True, slots=True)
class CorridorDefinitions:
    """All roads by their code; the versions of each, the oldest first."""

    corridors: Mapping[str, tuple[CorridorFile, ...]]

    def at(self, code: str, moment: datetime) -> CorridorFile | None:
        """What is in force on the city's day of `moment`; None where there is no such road."""
        versions = self.corridors.get(code)
        return None if versions is None else in_force(versions, moment)


@dataclass(frozen=True, slots=True)
class Wave:
    """The bands of a plan, in milliseconds. `greens`: of each junction the shorter of both ways.

    `outbound` and `inbound` begin at the first junction of their way, at a time of the cycle.
    """

    cycle: int
    outbound: Band
    inbound: Band
    shortest_green: tuple[int, int]


def wave(road: CorridorFile, junctions: Mapping[str, DatedJunction], plan: str) -> Wave:
    """How wide the green waves of a plan are, both ways; all its junctions have that plan."""
    cycle = junctions[road.junctions[0].junction].plans[plan].cycle_ms
    out = [green_arcs(junctions[each.junction], each.outbound, plan) for each in road.junctions]
    back = [green_arcs(junctions[each.junction], each.inbound, plan) for each in road.junctions]
    travel = road.travel_ms
    returning = [travel[-1] - each for each in reversed(travel)]
    return Wave(
        cycle,
        widest_band(out, travel, cycle),
        widest_band(back[::-1], returning, cycle),
        (_shortest(out), _shortest(back)),
    )


def green_arcs(dated: DatedJunction, group: str, plan: str) -> tuple[tuple[int, int], ...]:
    """When a group is green in the cycle, counted from 1970 on, in milliseconds."""
    said = dated.plans[plan]
    shown = greens(dated.junction, said)[group]
    return arcs(
        ((each.begin + said.offset_ms, each.end + said.offset_ms) for each in shown), said.cycle_ms
    )


def _shortest(roads: list[tuple[tuple[int, int], ...]]) -> int:
    return min(max((end - begin for begin, end in each), default=0) for each in roads)


def load_corridors(files: Files, definitions: Definitions) -> CorridorDefinitions:
    """The folder `signal-corridor`; raises `DefinitionError` with file and line."""
    signals = definitions.of(SignalDefinitions)
    read: dict[str, dict[date, tuple[Path, CorridorFile, Lines]]] = {}
    for path in files.versions_of(FOLDER, code="corridor"):
        file, lines = read_yaml(path, CorridorFile)
        versions = read.setdefault(file.corridor, {})
        if file.valid_from in versions:
            line = lines.of(("valid_from",))
            raise DefinitionError(
                f"{path}:{line}: {file.corridor} of {file.valid_from} is defined twice"
            )
        versions[file.valid_from] = (path, file, lines)
    problems = [
        f"{path}:{lines.of(place)}: {text}"
        for versions in read.values()
        for path, file, lines in versions.values()
        for place, text in wrong_corridor(file, signals, sorted(versions))
    ]
    if problems:
        raise DefinitionError("\n".join(problems))
    return CorridorDefinitions(
        {code: tuple(each[day][1] for day in sorted(each)) for code, each in read.items()}
    )


def wrong_corridor(
    file: CorridorFile, signals: SignalDefinitions, versions: list[date]
) -> list[Finding]:
    """What is wrong with a road; `versions`: the days from which it is in force anew."""
    unknown: list[Finding] = [
        (("junctions", place, "junction"), f"there is no junction {stop.junction!r}")
        for place, stop in enumerate(file.junctions)
        if stop.junction not in signals.junctions
    ]
    if unknown:
        return unknown
    found = list(_stops(file))
    until = min((day for day in versions if day > file.valid_from), default=date.max)
    for day in _days(file, signals, until):
        found += _on(file, {each.junction: _of(signals, each, day) for each in file.junctions})
    return list(dict.fromkeys(found))


def _days(file: CorridorFile, signals: SignalDefinitions, until: date) -> list[date]:
    """The days on which something of the road begins to hold."""
    changes = {
        version.valid_from
        for stop in file.junctions
        for version in signals.junctions[stop.junction]
        if file.valid_from < version.valid_from < until
    }
    return sorted({file.valid_from, *changes})


def _of(signals: SignalDefinitions, stop: Stop, day: date) -> JunctionFile:
    versions = signals.junctions[stop.junction]
    return next((x.file for x in reversed(versions) if x.valid_from <= day), versions[0].file)


def _stops(file: CorridorFile) -> Iterator[Finding]:
    seen: set[str] = set()
    for place, stop in enumerate(file.junctions):
        at: Place = ("junctions", place)
        if stop.junction in seen:
            yield (*at, "junction"), f"{stop.junction} stands on the road twice"
        seen.add(stop.junction)
        if place == 0 and (stop.distance is not None or stop.speed is not None):
            yield at, f"{stop.junction} is the first: it has no `distance` and no `speed`"
        elif place > 0 and (stop.distance is None or stop.speed is None):
            yield at, f"{stop.junction} needs `distance` and `speed` from the junction before it"


def _on(file: CorridorFile, junctions: Mapping[str, JunctionFile]) -> Iterator[Finding]:
    """What does not fit the junctions as they are on a day."""
    first = file.junctions[0].junction
    for place, stop in enumerate(file.junctions):
        at, junction = ("junctions", place), junctions[stop.junction]
        for way, code in (("outbound", stop.outbound), ("inbound", stop.inbound)):
            group = junction.groups.get(code)
            if group is None:
                yield (*at, way), f"{stop.junction} has no group {code!r}"
            elif isinstance(group, PedestrianGroup):
                yield (*at, way), f"{code} of {stop.junction} is a group of people on foot"
        for number, plan in enumerate(file.plans):
            if plan not in junction.plans:
                yield ("plans", number), f"{stop.junction} has no plan {plan!r}"
            elif plan in junctions[first].plans:
                cycle, needed = junction.plans[plan].cycle, junctions[first].plans[plan].cycle
                if cycle != needed:
                    yield (
                        ("plans", number),
                        f"plan {plan} of {stop.junction} has a cycle of {cycle:g} s, that of "
                        f"{first} {needed:g} s: a road has one",
                    )
        if place:
            yield from _linked(file, junctions, place)


def _linked(
    file: CorridorFile, junctions: Mapping[str, JunctionFile], place: int
) -> Iterator[Finding]:
    """Two junctions that follow one another, whose exits say where they lead, are linked."""
    before, stop = file.junctions[place - 1].junction, file.junctions[place].junction
    leads = {each.leads_to[0] for each in junctions[before].exits.values() if each.leads_to}
    if leads and stop not in leads:
        yield ("junctions", place), f"no exit of {before} leads to {stop}"
