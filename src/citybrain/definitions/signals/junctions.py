"""Junctions as the domain takes them: dated files of the folder `signal-junction`, checked."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from math import ceil
from pathlib import Path
from typing import ClassVar

import orjson

from citybrain.definitions.kept import Kept
from citybrain.definitions.loading import Definitions, Files, in_force
from citybrain.definitions.signals.checking import Finding, warnings, wrong
from citybrain.definitions.signals.checking_layout import dangling, wrong_layout
from citybrain.definitions.signals.junction_file import (
    DEPARTMENT,
    WALKING_M_PER_S,
    BusesPart,
    DetectorPart,
    JunctionFile,
    PedestrianGroup,
    PlacePart,
    PlanPart,
    VehicleGroup,
)
from citybrain.definitions.signals.schedule import wrong_schedule
from citybrain.definitions.yaml_file import DefinitionError, Lines, read_yaml
from citybrain.domain.signals.junction import (
    BusLine,
    Group,
    Junction,
    Kind,
    Plan,
    StartUp,
    serving_round,
)
from citybrain.domain.signals.layout import Detector, Exit, Lane, Layout, Movement

FOLDER = "signal-junction"
WIDE_GAP = 1.25
"""So many headways behind the bus before, the gap is wide where a file does not say from when."""
LATER = (
    "name_en",
    "place",
    "department",
    "number",
    "schedule",
    "yellow_traps_by_plan",
    "lanes",
    "exits",
    "movements",
    "crossings",
    "to_stop_line",
    "detectors",
    "buses",
)
"""Members that came later: a file without them keeps the version that events name."""


@dataclass(frozen=True, slots=True)
class DatedJunction:
    """A version of a junction with its plans; `warnings`: what is read otherwise than written.

    `file` is what was written: the checker reads that, and not what we made of it.
    """

    valid_from: date
    file: JunctionFile
    junction: Junction
    first_stage: str
    plans: Mapping[str, Plan]
    warnings: tuple[str, ...]

    @property
    def department(self) -> str:
        """Whose officers look after it."""
        return self.file.department or DEPARTMENT

    def followed(self, plan: str) -> Plan:
        """The plan of this code; the first one where there is none, as before any is activated."""
        return self.plans.get(plan) or next(iter(self.plans.values()))

    def yields(self, group: str) -> bool:
        """Whether some who have this group's green give way to others who have theirs."""
        movements = self.junction.layout.of_group(group)
        permissive = any(each.turn == group for each in self.file.permissive)
        return permissive or any(each.yields_to for each in movements)


@dataclass(frozen=True, slots=True)
class SignalDefinitions:
    """All junctions by their code; the versions of each, the oldest first.

    `gone`: those whose file was edited or taken away. The day that began under one goes on under
    it, and so does a junction in service that no file has any more.
    """

    KIND: ClassVar[str] = "signal-junction"

    junctions: Mapping[str, tuple[DatedJunction, ...]]
    gone: Mapping[str, tuple[DatedJunction, ...]] = field(default_factory=dict)

    def at(self, code: str, moment: datetime) -> DatedJunction | None:
        """What is in force on the city's day of `moment`; None where there is no such junction.

        Of one that no file has any more what was in force last.
        """
        versions = self.junctions.get(code) or self.gone.get(code)
        return None if versions is None else in_force(versions, moment)

    def in_files(self, code: str, moment: datetime) -> DatedJunction | None:
        """What a file says is in force then; None where none does: it is for what begins."""
        return self.at(code, moment) if code in self.junctions else None

    def place(self, code: str) -> PlacePart | None:
        """Where it is, as the newest version that says so has it: junctions stay where they are."""
        versions = reversed((*self.gone.get(code, ()), *self.junctions.get(code, ())))
        return next((each.file.place for each in versions if each.file.place is not None), None)

    def of_version(self, code: str, version: str) -> DatedJunction | None:
        """The version that a junction's day went by; None where it was never kept."""
        versions = (*self.junctions.get(code, ()), *self.gone.get(code, ()))
        return next((each for each in versions if each.junction.version == version), None)

    @property
    def codes(self) -> list[str]:
        """All junctions, those that no file has any more among them."""
        return sorted({*self.junctions, *self.gone})

    def every_version(self) -> Iterator[DatedJunction]:
        """All versions of all junctions."""
        for versions in (*self.gone.values(), *self.junctions.values()):
            yield from versions

    def kept(self) -> list[Kept]:
        """Each version that a file holds, as it was written."""
        return [
            Kept(
                self.KIND,
                code,
                each.junction.version,
                each.file.model_dump_json(exclude_unset=True),
            )
            for code, versions in self.junctions.items()
            for each in versions
        ]

    def with_gone(self, gone: Iterable[Kept], definitions: Definitions) -> Definitions:
        """These with versions that no file holds any more."""
        found: dict[str, list[DatedJunction]] = {}
        for kept in gone:
            file = kept.read_again(JunctionFile.model_validate_json)
            if file is not None:
                again = dated(file)
                junction = replace(again.junction, version=kept.version)
                found.setdefault(kept.code, []).append(replace(again, junction=junction))
        by_day = {
            code: tuple(sorted(versions, key=lambda each: each.valid_from))
            for code, versions in found.items()
        }
        return definitions.extended(replace(self, gone=by_day))


def load_signals(files: Files, _: Definitions) -> SignalDefinitions:
    """The folder `signal-junction`; raises `DefinitionError` with file and line."""
    found: dict[str, dict[date, DatedJunction]] = {}
    read: list[tuple[Path, JunctionFile, Lines]] = []
    for path in files.versions_of(FOLDER, code="junction"):
        file, lines = read_yaml(path, JunctionFile)
        problems = [f"{path}:{lines.of(place)}: {text}" for place, text in _all_wrong(file)]
        if problems:
            raise DefinitionError("\n".join(problems))
        versions = found.setdefault(file.junction, {})
        if file.valid_from in versions:
            line = lines.of(("valid_from",))
            raise DefinitionError(
                f"{path}:{line}: {file.junction} of {file.valid_from} is defined twice"
            )
        said = tuple(f"{path}:{lines.of(place)}: {text}" for place, text in warnings(file))
        versions[file.valid_from] = dated(file, said)
        read.append((path, file, lines))
    if problems := [*_dangling(read), *_numbered_alike(read)]:
        raise DefinitionError("\n".join(problems))
    return SignalDefinitions(
        {code: tuple(each[day] for day in sorted(each)) for code, each in found.items()}
    )


def _all_wrong(file: JunctionFile) -> list[Finding]:
    return [*wrong(file), *wrong_schedule(file), *wrong_layout(file)]


def _dangling(read: list[tuple[Path, JunctionFile, Lines]]) -> Iterator[str]:
    """Exits that lead to a lane which no file has."""
    lanes: dict[str, set[str]] = {}
    for _, file, _ in read:
        lanes.setdefault(file.junction, set()).update(file.lanes)
    for path, file, lines in read:
        for place, text in dangling(file, lanes):
            yield f"{path}:{lines.of(place)}: {text}"


def _numbered_alike(read: list[tuple[Path, JunctionFile, Lines]]) -> Iterator[str]:
    """Junctions with the number of another."""
    first: dict[int, str] = {}
    for path, file, lines in read:
        if file.number is None:
            continue
        other = first.setdefault(file.number, file.junction)
        if other != file.junction:
            yield f"{path}:{lines.of(('number',))}: {other} has the number {file.number} already"


def dated(file: JunctionFile, said: tuple[str, ...] = ()) -> DatedJunction:
    """A file that is right, as the domain takes it."""
    said_in_file = file.model_dump(mode="json")
    decides = {key: value for key, value in said_in_file.items() if key not in LATER or value}
    content = orjson.dumps(decides, option=orjson.OPT_SORT_KEYS)
    limits, start = file.limits, file.start
    junction = Junction(
        code=file.junction,
        version=f"{file.valid_from}+{hashlib.sha256(content).hexdigest()[:8]}",
        groups={code: _group(code, each) for code, each in file.groups.items()},
        intergreens={
            (ending, starting): ms(seconds)
            for ending, by_starting in file.intergreens.items()
            for starting, seconds in by_starting.items()
        },
        stages={code: frozenset(groups) for code, groups in file.stages.items()},
        start_up=StartUp(
            ms(start.flash), ms(start.all_red), start.restarts, ms(start.restarts_within)
        ),
        red_revert_ms=ms(limits.red_revert),
        watchdog_ms=ms(limits.watchdog),
        clock_ms=ms(limits.clock),
        margin_ms=ms(limits.margin),
        offset_step_ms=ms(limits.offset_step),
        cycle_step_ms=ms(limits.cycle_step),
        preemption_cuts_walk=limits.preemption_cuts_walk,
        layout=_layout(file),
        round=serving_round(file.stages),
        bus_lines={} if file.buses is None else _bus_lines(file.buses),
        yields=frozenset((each.turn, each.against) for each in file.permissive),
    )
    plans = {code: _plan(code, each) for code, each in file.plans.items()}
    return DatedJunction(file.valid_from, file, junction, start.stage, plans, said)


def ms(seconds: float) -> int:
    """Tenths of a second are exact in milliseconds."""
    return round(seconds * 10) * 100


def _group(code: str, said: VehicleGroup | PedestrianGroup) -> Group:
    on_foot = isinstance(said, PedestrianGroup)
    minimum = said.walk if isinstance(said, PedestrianGroup) else said.minimum
    ending = (
        ceil(said.width / WALKING_M_PER_S) if isinstance(said, PedestrianGroup) else said.yellow
    )
    return Group(
        code=code,
        kind=Kind.PEDESTRIAN if on_foot else Kind(said.kind),
        minimum_ms=ms(minimum),
        ending_ms=ms(ending),
        maximum_ms=ms(said.maximum),
        longest_wait_ms=ms(said.longest_wait),
    )


def _bus_lines(said: BusesPart) -> dict[str, BusLine]:
    return {
        code: BusLine(
            code=code,
            group=each.group,
            headway_ms=ms(each.headway),
            late_ms=ms(each.late),
            gap_ms=ms(each.gap if each.gap is not None else WIDE_GAP * each.headway),
            extend_ms=ms(each.extend),
            early_ms=ms(each.early),
            again_after_ms=ms(said.again_after),
        )
        for code, each in said.lines.items()
    }


def _plan(code: str, said: PlanPart) -> Plan:
    cycle = ms(said.cycle)
    splits = tuple((each.stage, ms(each.seconds)) for each in said.splits)
    return Plan(code, cycle, ms(said.offset) % cycle, splits)


def _layout(file: JunctionFile) -> Layout:
    return Layout(
        lanes={
            code: Lane(code, each.length, each.speed, each.upstream, _to_stop_line(file, code))
            for code, each in file.lanes.items()
        },
        exits={code: Exit(code, each.length, each.leads_to) for code, each in file.exits.items()},
        movements={
            code: Movement(
                code, each.lane, each.exit, each.turn, each.group, each.yields_to, each.on_red
            )
            for code, each in file.movements.items()
        },
        detectors={code: _detector(code, each) for code, each in file.detectors.items()},
    )


def _to_stop_line(file: JunctionFile, code: str) -> float:
    """As the file says; else as if nothing lay between a lane and the short one before it."""
    before = (each.length for each in file.lanes.values() if code in each.upstream)
    return file.to_stop_line.get(code, min(before, default=0.0))


def _detector(code: str, said: DetectorPart) -> Detector:
    from_m, to_m = said.zone or (0.0, 0.0)
    return Detector(
        code=code,
        kind=said.kind,
        device=said.device,
        lane=said.lane,
        group=said.group,
        from_m=from_m,
        to_m=to_m,
        longest_presence_ms=ms(said.longest_presence),
        silent_after_ms=ms(said.silent_after),
        erratic_per_minute=said.erratic_per_minute,
    )
