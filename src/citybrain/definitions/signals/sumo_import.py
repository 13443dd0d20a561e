"""Makes junctions' definitions of a SUMO network: `import_net`.

What a network knows is taken from it: lanes, ways, who yields, its plan, yellows, right turns on
red. Stages are made of it (`sumo_stages`), intergreens are computed (`clearing`), or are those of
its plan. What it does not know is assumed, and the file says so.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import atan2, degrees
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from citybrain.definitions.signals.checking import least_splits, needed_wait, wrong
from citybrain.definitions.signals.checking_layout import wrong_layout
from citybrain.definitions.signals.clearing import intergreen_s
from citybrain.definitions.signals.junction_file import (
    LEAST_GREEN,
    LEAST_YELLOW,
    MOST_YELLOW,
    JunctionFile,
)
from citybrain.definitions.signals.sumo_groups import Grouping, grouping_of
from citybrain.definitions.signals.sumo_layout import Streets, streets_of
from citybrain.definitions.signals.sumo_links import Signal, signals_of
from citybrain.definitions.signals.sumo_net import Net, read_net
from citybrain.definitions.signals.sumo_stages import Links
from citybrain.definitions.yaml_file import DefinitionError

PLAN = "day"
LONGEST_GREEN_S, LONGEST_WAIT_S, LONGEST_WAIT_ON_FOOT_S = 120.0, 120.0, 90.0
FIRST_DAY = date(2020, 1, 1)


@dataclass(frozen=True, slots=True)
class SafetyTimes:
    """What is decided of safety when a network is imported; seconds.

    `minimum`: green. `yellow`: None as the network has it. `all_red`: after the yellow;
    "computed" from the ways through the junction, "network" as its own plan has it.
    """

    minimum: float = 7.0
    yellow: float | None = None
    all_red: float | Literal["computed", "network"] = "computed"


NETWORKS_OWN = SafetyTimes(minimum=LEAST_GREEN, all_red="network")
"""The least that is allowed, and else as the network's own plan has it: for comparisons."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A junction of a network, and how the network calls what it has.

    `links`: for each link of the signal the movements that it holds, or none; `crossings`: the
    group of people on foot by link. `free`: links that no lamp holds. `lanes`, `exits`: codes by
    the network's lane. `seen`: for each approach lane the network's lanes up to its stop line and
    how many metres before it each ends, those inside junctions among them. `beyond`: for each exit
    the network's lanes and how many metres behind the junction each begins. `notes`: what is
    otherwise than in the network.
    """

    file: JunctionFile
    tl: str
    links: tuple[tuple[str, ...], ...]
    crossings: Mapping[int, str]
    free: frozenset[int]
    lanes: Mapping[str, str]
    exits: Mapping[str, str]
    seen: Mapping[str, Mapping[str, float]]
    beyond: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...]


def import_net(path: Path, times: SafetyTimes | None = None) -> dict[str, Imported]:
    """The junctions of a network by code; raises `DefinitionError` with the file and the line."""
    net = read_net(path)
    signals = signals_of(net)
    codes = _codes([each.program.tl for each in signals])
    streets = streets_of(net, {codes[each.program.tl]: each for each in signals})
    return {
        codes[each.program.tl]: _imported(
            net, each, codes[each.program.tl], streets[codes[each.program.tl]], times
        )
        for each in signals
    }


def _codes(names: list[str]) -> dict[str, str]:
    """A junction's code for each signal: small letters, at most 32, each another one."""
    codes: dict[str, str] = {}
    for name in names:
        code = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        code = code if code[:1].isalpha() else f"j{code}"
        if len(code) > 32 or code in codes.values():
            code = f"{code[:23]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        codes[name] = code
    return codes


def _imported(
    net: Net, signal: Signal, code: str, streets: Streets, times: SafetyTimes | None
) -> Imported:
    grouping = grouping_of(signal, streets)
    notes = list(streets.notes)
    if signal.program.rings:
        notes.append(f"plan {PLAN}: the network's phases of two rings (NEMA) follow one another")
    said = _said(net, signal, code, streets, grouping, times or SafetyTimes())
    try:
        file = _fitted(JunctionFile.model_validate(said), notes)
    except ValidationError as error:
        raise DefinitionError(f"{net.path}:{signal.program.line}: {code}: {error}") from error
    problems = [*wrong(file), *wrong_layout(file)]
    if problems:
        raise DefinitionError(
            "\n".join(
                f"{net.path}:{signal.program.line}: {code}: {'.'.join(map(str, place))}: {text}"
                for place, text in problems
            )
        )
    return Imported(
        file=file,
        tl=signal.program.tl,
        links=streets.links,
        crossings=grouping.on_foot,
        free=signal.free,
        lanes=streets.lane_codes,
        exits=streets.exit_codes,
        seen=streets.seen,
        beyond=streets.beyond,
        notes=tuple(notes),
    )


def _said(
    net: Net, signal: Signal, code: str, streets: Streets, grouping: Grouping, times: SafetyTimes
) -> dict[str, Any]:
    """The file's members, before what its own plan needs more is added."""
    yellow = {group: _yellow(signal, links, times) for group, links in grouping.groups.items()}
    pairs = _conflicts(signal, grouping)
    members = streets.members(grouping.group_of, f"{code}-cameras")
    device = f"{code}-buttons"
    members["detectors"] |= {
        f"B{group}": {"kind": "button", "device": device, "group": group}
        for group in dict.fromkeys(grouping.on_foot.values())
    }
    return {
        "valid_from": FIRST_DAY,
        "junction": code,
        "name": signal.program.tl,
        "source": f"SUMO network {net.path.name}; limits of green and red, detectors: assumed",
        "groups": {
            group: _group(signal, grouping, group, yellow[group], times)
            for group in grouping.groups
        },
        "conflicts": pairs,
        "intergreens": _intergreens(signal, grouping, pairs, yellow, times),
        "stages": grouping.stages,
        "plans": {PLAN: _plan(signal, grouping, times)},
        "start": {"stage": grouping.first_stage},
        "permissive": _permissive(streets, grouping),
        "yellow_traps_by_plan": True,
        "crossings": _crossings(signal, grouping),
        **members,
    }


def _yellow(signal: Signal, links: Links, times: SafetyTimes) -> float:
    """The longest of the network for these links, within what is allowed."""
    own = [seconds for link in links if (seconds := signal.yellow(link)) is not None]
    seconds = max(own, default=LEAST_YELLOW) if times.yellow is None else times.yellow
    return round(min(MOST_YELLOW, max(LEAST_YELLOW, seconds)), 1)


def _group(
    signal: Signal, grouping: Grouping, group: str, yellow: float, times: SafetyTimes
) -> dict[str, Any]:
    if group in grouping.on_foot.values():
        lanes = signal.net.lanes
        width = max(lanes[signal.by_link[link][0].end].length for link in grouping.groups[group])
        return {
            "kind": "pedestrian",
            "width": round(width, 1),
            "maximum": LONGEST_GREEN_S,
            "longest_wait": LONGEST_WAIT_ON_FOOT_S,
        }
    return {
        "kind": "bus" if grouping.only_buses(signal, group) else "vehicle",
        "minimum": times.minimum,
        "yellow": yellow,
        "maximum": LONGEST_GREEN_S,
        "longest_wait": LONGEST_WAIT_S,
    }


def _conflicts(signal: Signal, grouping: Grouping) -> list[tuple[str, str]]:
    names = list(grouping.groups)
    return [
        (one, other)
        for place, one in enumerate(names)
        for other in names[place + 1 :]
        if any(
            signal.ways.conflict(a, b) for a in grouping.groups[one] for b in grouping.groups[other]
        )
    ]


def _intergreens(
    signal: Signal,
    grouping: Grouping,
    pairs: list[tuple[str, str]],
    yellow: Mapping[str, float],
    times: SafetyTimes,
) -> dict[str, dict[str, float]]:
    """For each ordered pair that conflicts; of people on foot never less than their clearance."""
    own = signal.all_red() if times.all_red == "network" else 0.0
    found: dict[str, dict[str, float]] = {}
    for one, other in (*pairs, *((b, a) for a, b in pairs)):
        if one in grouping.on_foot.values():
            seconds = grouping.clearance(signal, one)
        elif times.all_red == "computed":
            seconds = max(
                intergreen_s(signal.way(a), signal.way(b), yellow[one])
                for a in grouping.groups[one]
                for b in grouping.groups[other]
                if signal.ways.conflict(a, b)
            )
        else:
            seconds = yellow[one] + (own if isinstance(times.all_red, str) else times.all_red)
        found.setdefault(one, {})[other] = round(seconds, 1)
    return found


def _plan(signal: Signal, grouping: Grouping, times: SafetyTimes) -> dict[str, Any]:
    """The network's own plan: a split is from green to green, through the yellow between them.

    Where nothing becomes green, the turn of the next stage begins with the yellow of what ends.
    """
    turns = _turns(signal, grouping, times.yellow)
    cycle = round(sum(seconds for seconds, _ in signal.phases), 1)
    ends = [begin for begin, _ in turns[1:]] + [turns[0][0] + cycle]
    splits = [(stage, end - begin) for (begin, stage), end in zip(turns, ends, strict=True)]
    return {
        "cycle": cycle,
        "offset": round((signal.program.offset + turns[0][0]) % cycle, 1),
        "splits": [{"stage": stage, "seconds": round(each, 1)} for stage, each in splits],
        "twice": grouping.more_than_once([stage for stage, _ in splits]),
    }


def _turns(signal: Signal, grouping: Grouping, yellow: float | None) -> list[tuple[float, str]]:
    """When in its program the turn of each stage begins, in seconds, and the stage.

    With a yellow shorter than the network's, the green before it is longer.
    """
    stages = [None if green is None else grouping.stage(green) for _, green in signal.phases]
    before = next(stage for stage in reversed(stages) if stage is not None)
    last = next(place for place, stage in enumerate(reversed(stages)) if stage is not None)
    at, ended = 0.0, -sum(seconds for seconds, _ in signal.phases[len(stages) - last :])
    turns: list[tuple[float, str]] = []
    for (seconds, _), stage in zip(signal.phases, stages, strict=True):
        if stage is not None and (stage != before or not turns):
            starts = set(grouping.stages[stage]) - set(grouping.stages[before])
            ends = ended if yellow is None else max(ended, at - yellow)
            turns.append((at if starts else ends, stage))
            before = stage
        at += seconds
        ended = at if stage is not None else ended
    return turns


def _crossings(signal: Signal, grouping: Grouping) -> dict[str, list[float]]:
    """Where people cross, seen from the middle of the stop lines: degrees from north."""
    lanes = signal.net.lanes
    stops = [
        lanes[each.begin].shape[-1]
        for link, ways in signal.by_link.items()
        if link not in signal.crossings
        for each in ways
    ]
    middle = tuple(sum(each[axis] for each in stops) / len(stops) for axis in (0, 1))
    found: dict[str, set[float]] = {}
    for link, group in grouping.on_foot.items():
        shape = lanes[signal.by_link[link][0].end].shape
        x, y = ((shape[0][axis] + shape[-1][axis]) / 2 - middle[axis] for axis in (0, 1))
        found.setdefault(group, set()).add(float(round(degrees(atan2(x, y))) % 360))
    return {group: sorted(bearings) for group, bearings in found.items()}


def _permissive(streets: Streets, grouping: Grouping) -> list[dict[str, str]]:
    """Groups whose turns go through those of another one while both are green."""
    found: dict[tuple[str, str], None] = {}
    for one, other in streets.crossing_turns():
        turn, against = grouping.group_of(one), grouping.group_of(other)
        if turn and against and turn != against and grouping.together(turn, against):
            found[turn, against] = None
    return [{"turn": turn, "against": against} for turn, against in sorted(found)]


def _fitted(file: JunctionFile, notes: list[str]) -> JunctionFile:
    """The file with splits and waits that are long enough for its safety times."""
    plan = file.plans[PLAN]
    splits = []
    for split, (least, whose) in zip(plan.splits, least_splits(file, plan), strict=True):
        seconds = max(split.seconds, least)
        if seconds > split.seconds:
            notes.append(
                f"plan {PLAN}: stage {split.stage} has {seconds:g} s, "
                f"in the network {split.seconds:g}: {whose}"
            )
        splits.append(split.model_copy(update={"seconds": seconds}))
    cycle = round(sum(each.seconds for each in splits), 1)
    plan = plan.model_copy(
        update={"splits": tuple(splits), "cycle": cycle, "offset": plan.offset % cycle}
    )
    file = file.model_copy(update={"plans": {PLAN: plan}})
    needed = max(needed_wait(file), cycle)
    if needed > LONGEST_WAIT_S:
        notes.append(f"longest_wait is {needed:g} s, as its stages need with these safety times")
    groups = {
        code: each.model_copy(update={"longest_wait": max(each.longest_wait, needed)})
        for code, each in file.groups.items()
    }
    return file.model_copy(update={"groups": groups})
