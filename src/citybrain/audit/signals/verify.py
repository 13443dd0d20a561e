"""An independent checker of signals: was anything unsafe shown, or done that must not be done?

It shares no code with the decisions: it reads the events and the same definition file, lays out
what every lamp showed, and holds that against the thirteen rules. Zero findings is the only result
that passes. All times are milliseconds, so no clock tick changes a verdict.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from citybrain.audit.signals.conduct import conduct
from citybrain.audit.signals.timeline import ENDING, FLASH, GREEN, RED, Logged, Phase, Timeline
from citybrain.audit.signals.waits import waits
from citybrain.definitions.signals.junction_file import (
    WALKING_M_PER_S,
    JunctionFile,
    PedestrianGroup,
)

MOST_YELLOW_MS, LEAST_YELLOW_MS = 6000, 3000


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that was broken: by its number, when, and by which two events."""

    rule: int
    at: int
    groups: tuple[str, ...]
    text: str
    first: Logged
    second: Logged


def verify(file: JunctionFile, events: Sequence[Logged], until: int) -> list[Violation]:
    """All violations in a junction's events, in the order of time.

    `events`: of one junction, day after day, in the order of the log. `until`: up to when what was
    decided counts as shown, in milliseconds since 1970.
    """
    timeline = Timeline(sorted(file.groups))
    for event in events:
        timeline.read(event)
    shown = {code: line.phases() for code, line in timeline.lines.items()}
    shown = {
        code: [each for each in phases if each.begin <= until] for code, phases in shown.items()
    }
    found = [
        *(each for code, phases in shown.items() for each in _alone(file, code, phases, until)),
        *_together(file, shown),
        *_traps(file, shown, until),
        *(Violation(*each) for each in waits(file, events, shown, until)),
        *(Violation(*each) for each in conduct(file, events)),
    ]
    return sorted(found, key=lambda each: (each.at, each.rule, each.groups))


def _alone(
    file: JunctionFile, code: str, phases: Sequence[Phase], until: int
) -> Iterator[Violation]:
    """One group: the order of its colours, and how long each lasts."""
    allowed = {GREEN: (ENDING, FLASH), ENDING: (RED, FLASH), RED: (GREEN, FLASH), FLASH: (RED,)}
    for place, phase in enumerate(phases):
        if phase.end is None or phase.end > until:
            continue
        following = phases[place + 1] if place + 1 < len(phases) else phase
        if following is not phase and following.colour not in allowed[phase.colour]:
            yield Violation(
                7,
                phase.end,
                (code,),
                f"{phase.colour} to {following.colour}",
                phase.by,
                following.by,
            )
        if following.colour != FLASH:
            yield from _lasts(file, code, phase, following)


def _lasts(file: JunctionFile, code: str, phase: Phase, following: Phase) -> Iterator[Violation]:
    """A colour that is followed by the next one, not cut off by flashing."""
    group, length = file.groups[code], phase.lasts(phase.begin)

    def violation(rule: int, needed: float) -> Violation:
        text = f"{phase.colour} of {length} ms, {needed:g} are needed"
        return Violation(rule, phase.begin, (code,), text, phase.by, following.by)

    if isinstance(group, PedestrianGroup):
        clearance = ceil(group.width / WALKING_M_PER_S) * 1000
        if phase.colour == ENDING and length < clearance:
            yield violation(8, clearance)
        if phase.colour == GREEN and length < group.walk * 1000 and not _may_cut(file, following):
            yield violation(8, group.walk * 1000)
        return
    if phase.colour == ENDING:
        needed = group.yellow * 1000
        if length < needed or not LEAST_YELLOW_MS <= length <= MOST_YELLOW_MS:
            yield violation(3, needed)
    if phase.colour == GREEN and length < group.minimum * 1000:
        yield violation(4, group.minimum * 1000)
    reverted = phase.colour == RED and phase.by.topic == "signal.stage_applied"
    if reverted and length < file.limits.red_revert * 1000:
        yield violation(7, file.limits.red_revert * 1000)


def _may_cut(file: JunctionFile, following: Phase) -> bool:
    """Whether a walk was ended by a pre-emption, where the definition allows that."""
    return file.limits.preemption_cuts_walk and following.by.data.get("source") == "preemption"


def _together(file: JunctionFile, shown: dict[str, list[Phase]]) -> Iterator[Violation]:
    """Groups that conflict: never together, and far enough apart; all red before a start."""
    for one, other in file.conflicts:
        for ending, starting in ((one, other), (other, one)):
            needed = file.intergreens[ending][starting] * 1000
            for green in (each for each in shown[starting] if each.colour == GREEN):
                yield from _pair(ending, starting, green, shown[ending], needed)
    for code, phases in shown.items():
        for before, phase, following in zip(phases, phases[1:], phases[2:], strict=False):
            length = phase.lasts(phase.begin)
            started = (before.colour, phase.colour, following.colour) == (FLASH, RED, GREEN)
            if started and length < file.start.all_red * 1000:
                text = f"all red of {length} ms after flashing"
                yield Violation(9, phase.begin, (code,), text, before.by, phase.by)


def _traps(file: JunctionFile, shown: dict[str, list[Phase]], until: int) -> Iterator[Violation]:
    """Yellow traps: a turn that yields has yellow, and those to whom it yields have green."""
    for said in file.permissive:
        for yellow in (each for each in shown[said.turn] if each.colour == ENDING):
            ends = until if yellow.end is None else min(yellow.end, until)
            for green in (each for each in shown[said.against] if each.colour == GREEN):
                if green.begin < ends and (green.end is None or green.end > yellow.begin):
                    text = f"yellow trap: {said.turn} has yellow, {said.against} green"
                    pair = (said.turn, said.against)
                    yield Violation(2, yellow.begin, pair, text, yellow.by, green.by)


def _pair(
    ending: str, starting: str, green: Phase, others: Sequence[Phase], needed: float
) -> Iterator[Violation]:
    for other in others:
        if other.colour != GREEN or other.begin > green.begin:
            continue
        pair = (ending, starting)
        if other.end is None or other.end > green.begin:
            yield Violation(1, green.begin, pair, "green together", other.by, green.by)
        elif green.begin - other.end < needed:
            text = f"{green.begin - other.end} ms after the end of green, {needed:g} are needed"
            yield Violation(2, green.begin, pair, text, other.by, green.by)
