"""What is wrong with the lanes, exits, movements and detectors of a junction's file.

A file may say nothing of its streets. What says something says all: each lane, exit and group of
vehicles has its movements, and nobody in a lane is held by somebody else's lamp for ever.
"""

from collections.abc import Iterable, Iterator, Mapping

from citybrain.definitions.signals.checking import Finding, Place
from citybrain.definitions.signals.junction_file import (
    DetectorPart,
    JunctionFile,
    MovementPart,
    PedestrianGroup,
    VehicleGroup,
)
from citybrain.domain.signals.layout import DetectorKind, Turn


def wrong_layout(file: JunctionFile) -> list[Finding]:
    """All that is wrong; of what is not defined nothing else is said."""
    unknown = list(_unknown(file))
    if unknown:
        return unknown
    return [
        *_lanes(file),
        *_movements(file),
        *_yielding(file),
        *_crossings(file),
        *_buses(file),
        *(finding for code in file.detectors for finding in _detector(file, code)),
    ]


def dangling(file: JunctionFile, lanes: Mapping[str, set[str]]) -> Iterator[Finding]:
    """Exits that lead to a lane which none of the files has; `lanes` by junction."""
    for code, exit_ in file.exits.items():
        if exit_.leads_to is None:
            continue
        junction, lane = exit_.leads_to
        place: Place = ("exits", code, "leads_to")
        if junction not in lanes:
            yield place, f"there is no junction {junction!r}"
        elif lane not in lanes[junction]:
            yield place, f"junction {junction} has no lane {lane!r}"


def _unknown(file: JunctionFile) -> Iterator[Finding]:
    """Lanes, exits, groups and movements that are named and not defined."""
    for code, lane in file.lanes.items():
        for place, behind in enumerate(lane.upstream):
            yield from _named("lane", behind, file.lanes, ("lanes", code, "upstream", place))
    further = {each for lane in file.lanes.values() for each in lane.upstream}
    for code in file.to_stop_line:
        yield from _named("lane behind a short one", code, further, ("to_stop_line", code))
    for code, movement in file.movements.items():
        at: Place = ("movements", code)
        yield from _named("lane", movement.lane, file.lanes, (*at, "lane"))
        yield from _named("exit", movement.exit, file.exits, (*at, "exit"))
        yield from _named("group", movement.group, file.groups, (*at, "group"))
        for place, other in enumerate(movement.yields_to):
            yield from _named("movement", other, file.movements, (*at, "yields_to", place))
    for code, detector in file.detectors.items():
        at = ("detectors", code)
        yield from _named(
            "lane or exit", detector.lane, {**file.lanes, **file.exits}, (*at, "lane")
        )
        yield from _named("group", detector.group, file.groups, (*at, "group"))
    for code, line in ({} if file.buses is None else file.buses.lines).items():
        yield from _named("group", line.group, file.groups, ("buses", "lines", code, "group"))
    for code in file.crossings:
        yield from _named("group", code, file.groups, ("crossings", code))


def _named(what: str, code: str | None, defined: Iterable[str], place: Place) -> Iterator[Finding]:
    if code is not None and code not in defined:
        yield place, f"there is no {what} {code!r}"


def _lanes(file: JunctionFile) -> Iterator[Finding]:
    for code in file.lanes.keys() & file.exits.keys():
        yield ("exits", code), f"{code} is a lane and an exit: name one of them otherwise"
    begins = {each.lane for each in file.movements.values()}
    behind = {each for lane in file.lanes.values() for each in lane.upstream}
    for code, lane in file.lanes.items():
        if code in lane.upstream:
            yield ("lanes", code, "upstream"), f"{code} does not lie behind itself"
        if len(set(lane.upstream)) < len(lane.upstream):
            yield ("lanes", code, "upstream"), "a lane stands here twice: each is seen once (S25)"
        if code not in begins | behind:
            yield ("lanes", code), f"no movement begins on lane {code}, nor on one before it"
        yield from _shared(file, code)
    reached = {each.exit for each in file.movements.values()}
    for code in file.exits:
        if code not in reached:
            yield ("exits", code), f"no movement leads to exit {code}"


def _shared(file: JunctionFile, lane: str) -> Iterator[Finding]:
    """A lane whose movements are never green together is blocked by its first vehicle."""
    groups = {each.group for each in file.movements.values() if each.lane == lane and each.group}
    if not any(groups <= set(stage) for stage in file.stages.values()):
        yield (
            ("lanes", lane),
            f"no stage has all groups of lane {lane} green together, {', '.join(sorted(groups))}: "
            "its first vehicle blocks the others",
        )


def _movements(file: JunctionFile) -> Iterator[Finding]:
    seen: dict[tuple[str, str], str] = {}
    for code, movement in file.movements.items():
        at: Place = ("movements", code)
        first = seen.setdefault((movement.lane, movement.exit), code)
        if first != code:
            yield at, f"{code} goes from {movement.lane} to {movement.exit}, as {first} does"
        if movement.on_red and movement.turn is not Turn.RIGHT:
            yield (*at, "on_red"), f"{code} turns {movement.turn}: only a right turn goes on red"
        if movement.group is None:
            continue
        if isinstance(file.groups[movement.group], PedestrianGroup):
            yield (
                (*at, "group"),
                f"{movement.group} is a group of people on foot: a vehicle's is needed",
            )
        if not any(movement.group in stage for stage in file.stages.values()):
            yield (
                at,
                f"no stage serves movement {code}: one with {movement.group} is needed (rule 6)",
            )
    used = {each.group for each in file.movements.values()}
    for code, group in file.groups.items():
        if file.movements and isinstance(group, VehicleGroup) and code not in used:
            yield ("groups", code), f"no movement has group {code}: its green serves nobody"


def _yielding(file: JunctionFile) -> Iterator[Finding]:
    """Who yields, and what `permissive` says of it, are the same."""
    backed = set()
    said = {(each.turn, each.against) for each in file.permissive}
    for code, movement in file.movements.items():
        for place, name in enumerate(movement.yields_to):
            at, other = ("movements", code, "yields_to", place), file.movements[name]
            if name == code:
                yield at, f"{code} does not yield to itself"
            if movement.group is None or other.group is None:
                continue
            pair = (movement.group, other.group)
            backed.add(pair)
            if _together(file, movement, other) and pair not in said:
                yield (
                    at,
                    f"{code} turns left through {name}, both are green: say so in `permissive` "
                    f"(turn: {pair[0]}, against: {pair[1]}), or let them conflict",
                )
    for place, each in enumerate(file.permissive):
        if file.movements and (each.turn, each.against) not in backed:
            yield (
                ("permissive", place),
                f"no movement of {each.turn} `yields_to` one of {each.against}",
            )


def _together(file: JunctionFile, one: MovementPart, other: MovementPart) -> bool:
    """Whether a left turn and those whom it crosses are green at once, by groups of their own."""
    return (
        one.turn is Turn.LEFT
        and other.turn is Turn.THROUGH
        and one.group != other.group
        and any({one.group, other.group} <= set(stage) for stage in file.stages.values())
    )


def _buses(file: JunctionFile) -> Iterator[Finding]:
    """Buses go by lamps for vehicles, and not two cycles in a row before all others."""
    if file.buses is None:
        return
    for code, line in file.buses.lines.items():
        if isinstance(file.groups[line.group], PedestrianGroup):
            yield ("buses", "lines", code, "group"), f"{line.group} is for people on foot"
    longest = max(plan.cycle for plan in file.plans.values())
    if file.buses.again_after < longest:
        yield ("buses",), f"again_after is {longest:g} s at least, the longest cycle of a plan"


def _crossings(file: JunctionFile) -> Iterator[Finding]:
    for code in file.crossings:
        if not isinstance(file.groups[code], PedestrianGroup):
            yield ("crossings", code), f"{code} is no group of people on foot"


def _detector(file: JunctionFile, code: str) -> Iterator[Finding]:
    said, at = file.detectors[code], ("detectors", code)
    if said.kind is DetectorKind.BUTTON:
        if said.group is None or not isinstance(file.groups[said.group], PedestrianGroup):
            yield at, f"button {code} needs the `group` of people on foot whom it calls for"
        if said.lane is not None or said.zone is not None:
            yield at, f"button {code} has no lane and no zone"
        return
    if said.group is not None:
        yield (*at, "group"), f"only a button has a group; {code} sees a lane"
    yield from _zone(file, code, said)


def _zone(file: JunctionFile, code: str, said: DetectorPart) -> Iterator[Finding]:
    at: Place = ("detectors", code)
    if said.lane is None or said.zone is None:
        yield at, f"{said.kind} {code} needs its `lane` and its `zone`, from and to in metres"
        return
    begin, end = said.zone
    seen = file.lanes.get(said.lane) or file.exits[said.lane]
    if begin >= end:
        yield (*at, "zone"), f"the zone of {code} ends at {end:g} m, before it begins: {begin:g} m"
    elif end > seen.length:
        yield (
            (*at, "zone"),
            f"the zone of {code} reaches {end:g} m, {said.lane} is {seen.length:g} m long",
        )
