"""What is wrong with a junction's file: each finding with its place, the rule, and what it needs.

Nothing that is loaded can bring the domain to a change that is not safe, nor leave anybody waiting
for ever: every group is served, all intergreens are there and long enough, one round through all
stages takes less than anybody waits at most, and plans add up.
"""

from collections.abc import Iterator
from itertools import combinations, product
from math import ceil

from citybrain.definitions.signals.junction_file import (
    WALKING_M_PER_S,
    JunctionFile,
    PedestrianGroup,
    PlanPart,
    VehicleGroup,
)
from citybrain.domain.signals.junction import serving_round

Place = tuple[str | int, ...]
Finding = tuple[Place, str]


def wrong(file: JunctionFile) -> list[Finding]:
    """All that is wrong, in the order of the file; of what is not defined nothing else is said."""
    unknown = list(_unknown(file))
    if unknown:
        return unknown
    return [
        *_groups(file),
        *_conflicts(file),
        *_intergreens(file),
        *_stages(file),
        *_traps(file),
        *(finding for code in file.plans for finding in _plan(file, code)),
        *_round(file),
    ]


def warnings(file: JunctionFile) -> list[Finding]:
    """What is read otherwise than it is written."""
    return [
        (
            ("plans", code, "offset"),
            f"an offset of {plan.offset:g} in a cycle of {plan.cycle:g}"
            f" is read as {plan.offset % plan.cycle:g}",
        )
        for code, plan in file.plans.items()
        if plan.offset >= plan.cycle
    ]


def ending(group: VehicleGroup | PedestrianGroup) -> float:
    """Seconds of yellow, or of the clearance of people on foot."""
    if isinstance(group, PedestrianGroup):
        return float(ceil(group.width / WALKING_M_PER_S))
    return group.yellow


def minimum(group: VehicleGroup | PedestrianGroup) -> float:
    """The least green or walk, in seconds."""
    return group.walk if isinstance(group, PedestrianGroup) else group.minimum


def _unknown(file: JunctionFile) -> Iterator[Finding]:
    """Groups and stages that are named and not defined."""
    named: list[tuple[Place, str]] = [
        *(
            (("conflicts", place), each)
            for place, pair in enumerate(file.conflicts)
            for each in pair
        ),
        *((("intergreens", one), one) for one in file.intergreens),
        *(
            (("intergreens", one, other), other)
            for one, by in file.intergreens.items()
            for other in by
        ),
        *(
            (("stages", code, place), each)
            for code, groups in file.stages.items()
            for place, each in enumerate(groups)
        ),
        *(
            (("permissive", place), each)
            for place, said in enumerate(file.permissive)
            for each in (said.turn, said.against)
        ),
    ]
    for where, code in named:
        if code not in file.groups:
            yield where, f"there is no group {code!r}"
    stages = [
        (("start", "stage"), file.start.stage),
        *(
            (("plans", code, "splits", place, "stage"), split.stage)
            for code, plan in file.plans.items()
            for place, split in enumerate(plan.splits)
        ),
    ]
    for where, code in stages:
        if code not in file.stages:
            yield where, f"there is no stage {code!r}"


def _groups(file: JunctionFile) -> Iterator[Finding]:
    for code, group in file.groups.items():
        if group.maximum < minimum(group):
            yield (
                ("groups", code, "maximum"),
                f"maximum green of {group.maximum:g} s is below the minimum: {minimum(group):g} s",
            )


def _conflicts(file: JunctionFile) -> Iterator[Finding]:
    seen = set()
    for place, (one, other) in enumerate(file.conflicts):
        if one == other:
            yield ("conflicts", place), f"{one} does not conflict with itself"
        if frozenset((one, other)) in seen:
            yield ("conflicts", place), f"{one} and {other} stand here twice"
        seen.add(frozenset((one, other)))


def _pairs(file: JunctionFile) -> set[tuple[str, str]]:
    """All ordered pairs that conflict."""
    return {pair for one, other in file.conflicts for pair in ((one, other), (other, one))}


def _intergreens(file: JunctionFile) -> Iterator[Finding]:
    conflicting = _pairs(file)
    for one, other in sorted(conflicting):
        if other not in file.intergreens.get(one, {}):
            yield (
                ("intergreens", one),
                f"{one} and {other} conflict: intergreen {one} to {other} is missing, "
                f"{ending(file.groups[one]):g} s at least",
            )
    for one, by_other in file.intergreens.items():
        for other, seconds in by_other.items():
            place, least = ("intergreens", one, other), ending(file.groups[one])
            if (one, other) not in conflicting:
                yield place, f"{one} and {other} have an intergreen and are no conflict"
            elif seconds < least:
                what = "yellow" if isinstance(file.groups[one], VehicleGroup) else "clearance"
                yield (
                    place,
                    (
                        f"intergreen {one} to {other} of {seconds:g} s is shorter than the {what} "
                        f"of {one}: {least:g} s"
                    ),
                )


def _stages(file: JunctionFile) -> Iterator[Finding]:
    conflicting = _pairs(file)
    for code, groups in file.stages.items():
        for one, other in combinations(groups, 2):
            if one == other:
                yield ("stages", code), f"{one} stands in stage {code} twice"
            if (one, other) in conflicting:
                yield (
                    ("stages", code),
                    f"stage {code} has {one} and {other}, which conflict (rule 1)",
                )
    served = {each for groups in file.stages.values() for each in groups}
    for code in file.groups.keys() - served:
        yield ("groups", code), f"no stage serves {code} (rule 6)"


def _traps(file: JunctionFile) -> Iterator[Finding]:
    """A yielding left turn that ends while the opposite direction goes on: a yellow trap."""
    for place, said in enumerate(file.permissive):
        for code, following, where in _changes(file, place):
            groups, later = file.stages[code], file.stages[following]
            together = said.turn in groups and said.against in groups
            if together and said.against in later and said.turn not in later:
                yield (
                    where,
                    (
                        f"yellow trap: from stage {code} to {following} {said.turn} ends while "
                        f"{said.against} goes on; protect it, bar it, or end both together"
                    ),
                )


def _changes(file: JunctionFile, permissive: int) -> Iterator[tuple[str, str, Place]]:
    """Changes from stage to stage: those of the plans, or all that a strategy may make."""
    if not file.yellow_traps_by_plan:
        for code, following in product(file.stages, repeat=2):
            yield code, following, ("permissive", permissive)
        return
    for plan, said in file.plans.items():
        for place, split in enumerate(said.splits):
            following = said.splits[(place + 1) % len(said.splits)].stage
            yield split.stage, following, ("plans", plan, "splits", place)


def _plan(file: JunctionFile, code: str) -> Iterator[Finding]:
    plan = file.plans[code]
    total = round(sum(split.seconds for split in plan.splits), 1)
    if total != plan.cycle:
        yield (
            ("plans", code, "cycle"),
            f"the splits add up to {total:g}, the cycle is {plan.cycle:g}",
        )
    for place, (split, (least, group)) in enumerate(
        zip(plan.splits, least_splits(file, plan), strict=True)
    ):
        if split.seconds < least:
            yield (
                ("plans", code, "splits", place, "seconds"),
                f"stage {split.stage} has {split.seconds:g} s and needs {least:g}: {group}",
            )
    served = [each for split in plan.splits for each in file.stages[split.stage]]
    for each in file.groups:
        if each not in served:
            yield ("plans", code, "splits"), f"plan {code} never serves {each} (rule 6)"
        elif _times_green(file, plan, each) > 1 and each not in plan.twice:
            yield ("plans", code, "splits"), f"plan {code} serves {each} twice: say so in `twice`"


def _times_green(file: JunctionFile, plan: PlanPart, group: str) -> int:
    """How often a group becomes green in a cycle."""
    green = [group in file.stages[split.stage] for split in plan.splits]
    return sum(now and not before for before, now in zip([green[-1], *green], green, strict=False))


def least_splits(file: JunctionFile, plan: PlanPart) -> list[tuple[float, str]]:
    """For each split the least seconds from green to the next stage's green, and whose they are."""
    return [_least_split(file, plan, place) for place in range(len(plan.splits))]


def _least_split(file: JunctionFile, plan: PlanPart, place: int) -> tuple[float, str]:
    """What those need who are to be red when the next stage is green, less what they had before."""
    stages = [file.stages[split.stage] for split in plan.splits]
    stage, following = stages[place], stages[(place + 1) % len(stages)]
    starting = set(following) - set(stage)
    least, whose = 0.0, ""
    for code, group in file.groups.items():
        if code in following or (isinstance(group, PedestrianGroup) and plan.walk == "by-call"):
            continue
        clearing = _clearing(file, code, starting)
        if code in stage:
            had = _seconds_before(plan, stages, place, code)
            clearing = max(clearing, 0.0 if isinstance(group, PedestrianGroup) else ending(group))
            needs = clearing + max(0.0, minimum(group) - had)
            text = f"{code} needs {minimum(group):g} + {clearing:g}"
        else:
            needs = clearing - _seconds_red(file, plan, stages, place, code)
            text = f"{code} needs {clearing:g} to clear"
        if needs > least:
            least, whose = needs, text
    return round(least, 1), whose


def _clearing(file: JunctionFile, code: str, starting: set[str]) -> float:
    return max((file.intergreens.get(code, {}).get(each, 0.0) for each in starting), default=0.0)


def _seconds_before(plan: PlanPart, stages: list[tuple[str, ...]], place: int, code: str) -> float:
    """How long a group has been green in the stages just before this one."""
    total = 0.0
    for back in range(1, len(stages)):
        if code not in stages[place - back]:
            break
        total += plan.splits[place - back].seconds
    return total


def _seconds_red(
    file: JunctionFile, plan: PlanPart, stages: list[tuple[str, ...]], place: int, code: str
) -> float:
    """How long ago a group ended, when this stage is green that has it no more."""
    total = 0.0
    for back in range(1, len(stages) + 1):
        before, after = stages[place - back], stages[place - back + 1]
        if code in before:
            ended, started = set(before) - set(after), set(after) - set(before)
            return total + max(_clearing(file, each, started) for each in ended)
        total += plan.splits[place - back].seconds
    return total


def needed_wait(file: JunctionFile) -> float:
    """Seconds in which everybody is served, in the worst order of the stages of the round."""
    total = 0.0
    for stage in serving_round(file.stages):
        groups = file.stages[stage]
        changes = [
            seconds
            for following, others in file.stages.items()
            if following != stage
            for seconds in _change_seconds(file, set(groups), set(others))
        ]
        total += max(minimum(file.groups[each]) for each in groups) + max(changes, default=0.0)
    return round(total + 2 * file.limits.margin, 1)


def _change_seconds(file: JunctionFile, before: set[str], after: set[str]) -> Iterator[float]:
    """How long those who begin wait for those who end, also for a turn that yields to them."""
    for one in before - after:
        for other in after - before:
            yield file.intergreens.get(one, {}).get(other, 0.0)
    for each in file.permissive:
        if each.turn in before - after and each.against in after:
            yield ending(file.groups[each.turn])
            if each.against in before:  # interrupted, so that it is no yellow trap
                yield ending(file.groups[each.against]) + file.limits.red_revert


def _round(file: JunctionFile) -> Iterator[Finding]:
    """One round that serves everybody takes less than anybody waits at most."""
    needed = needed_wait(file)
    for code, group in file.groups.items():
        if group.longest_wait < needed:
            yield (
                ("groups", code, "longest_wait"),
                f"one round that serves all groups takes up to {needed:g} s: "
                f"longest_wait of {code} is {group.longest_wait:g} (rule 6)",
            )
