"""Junctions as the domain takes them: dated files of the folder `signal-junction`, checked."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil

import orjson

from citybrain.definitions.loading import Definitions, Files, in_force
from citybrain.definitions.signals.checking import warnings, wrong
from citybrain.definitions.signals.junction_file import (
    WALKING_M_PER_S,
    JunctionFile,
    PedestrianGroup,
    PlanPart,
    VehicleGroup,
)
from citybrain.definitions.yaml_file import DefinitionError, read_yaml
from citybrain.domain.signals.junction import Group, Junction, Kind, Plan, StartUp

FOLDER = "signal-junction"


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


@dataclass(frozen=True, slots=True)
class SignalDefinitions:
    """All junctions by their code; the versions of each, the oldest first."""

    junctions: Mapping[str, tuple[DatedJunction, ...]]

    def at(self, code: str, moment: datetime) -> DatedJunction | None:
        """What is in force on the city's day of `moment`; None where there is no such junction."""
        versions = self.junctions.get(code)
        return None if versions is None else in_force(versions, moment)


def load_signals(files: Files, _: Definitions) -> SignalDefinitions:
    """The folder `signal-junction`; raises `DefinitionError` with file and line."""
    found: dict[str, dict[date, DatedJunction]] = {}
    for path in files.of(FOLDER):
        file, lines = read_yaml(path, JunctionFile)
        problems = [f"{path}:{lines.of(place)}: {text}" for place, text in wrong(file)]
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
    return SignalDefinitions(
        {code: tuple(each[day] for day in sorted(each)) for code, each in found.items()}
    )


def dated(file: JunctionFile, said: tuple[str, ...] = ()) -> DatedJunction:
    """A file that is right, as the domain takes it."""
    content = orjson.dumps(file.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
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


def _plan(code: str, said: PlanPart) -> Plan:
    cycle = ms(said.cycle)
    splits = tuple((each.stage, ms(each.seconds)) for each in said.splits)
    return Plan(code, cycle, ms(said.offset) % cycle, splits)
