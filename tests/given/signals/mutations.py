"""The rules of a junction, each switched off in the decisions; the checker has to find each.

What is switched off is in the decisions alone: the checker reads the file, as it stands.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals import lamps, people, plans, requesting, rules, waking
from citybrain.domain.signals.junction import Junction, Kind
from citybrain.domain.signals.rules import Rule, Source
from citybrain.domain.signals.signal import Signal
from tests.given.signals.attack import Attack, at_random
from tests.given.signals.x1 import Street

MUTATE = pytest.MonkeyPatch
MOST_ATTACKS, STEPS = 20, 250


def _times(
    dated: DatedJunction, kind: Kind, *, minimum_ms: int | None = None, ending_ms: int | None = None
) -> DatedJunction:
    """The same junction, some times of some groups other than its definition says."""
    groups = {
        code: replace(
            group, minimum_ms=minimum_ms or group.minimum_ms, ending_ms=ending_ms or group.ending_ms
        )
        if group.kind is kind
        else group
        for code, group in dated.junction.groups.items()
    }
    return replace(dated, junction=replace(dated.junction, groups=groups))


def _no_conflicts(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    mutate.setattr(Junction, "conflicting", lambda *_: None)
    return dated


def _no_intergreens(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    mutate.setattr(lamps, "earliest_green", lambda junction, lamps, code, at: at)
    return dated


def _short_yellow(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    return _times(dated, Kind.VEHICLE, ending_ms=2900)


def _no_minimum(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    return _times(dated, Kind.VEHICLE, minimum_ms=3000)


def _no_maximum(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    for module in (waking, rules):
        mutate.setattr(module, "over_maximum", lambda *_: None)
    return dated


def _no_order(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    mutate.setattr(waking, "_serve", lambda *_: False)
    mutate.setattr(rules, "_keeps_waiting", lambda *_: set())
    return dated


def _no_red_revert(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    return replace(dated, junction=replace(dated.junction, red_revert_ms=-1500))


def _short_clearance(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    return _times(dated, Kind.PEDESTRIAN, ending_ms=13_000)


def _flash_is_nothing(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    mutate.setattr(Signal, "writer", lambda signal, at: Source.LOCAL)
    return dated


def _silence_is_nothing(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    may_speak = requesting._may_speak

    def deaf(signal: Signal, source: Source, command: Any, at: int) -> tuple[set[Rule], str]:
        broken, detail = may_speak(signal, source, command, at)
        return broken - {Rule.CENTRE_SILENT}, detail

    mutate.setattr(requesting, "_may_speak", deaf)
    return dated


def _offsets_jump(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    for module in (people, plans, waking):
        mutate.setattr(module, "offset_at", lambda junction, plan, began, at: plan.offset_ms, False)
    return replace(dated, junction=replace(dated.junction, cycle_step_ms=1 << 40))


def _any_number(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    mutate.setattr(requesting, "_numbered_wrongly", lambda *_: "")
    return dated


def _anybody_writes(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    may_speak = requesting._may_speak

    def open_door(signal: Signal, source: Source, command: Any, at: int) -> tuple[set[Rule], str]:
        broken, detail = may_speak(signal, source, command, at)
        return broken - {Rule.WRITER}, detail

    mutate.setattr(requesting, "_may_speak", open_door)
    return dated


def no_interruption(mutate: MUTATE, dated: DatedJunction) -> DatedJunction:
    """Those to whom a turn yields go on while it has yellow."""
    return replace(dated, junction=replace(dated.junction, yields=frozenset()))


MUTATIONS: dict[str, tuple[Rule, Callable[[MUTATE, DatedJunction], DatedJunction]]] = {
    "groups that conflict are allowed": (Rule.CONFLICT, _no_conflicts),
    "no intergreen": (Rule.INTERGREEN, _no_intergreens),
    "yellow of 2.9 s": (Rule.YELLOW, _short_yellow),
    "minimum green of 3 s": (Rule.MINIMUM_GREEN, _no_minimum),
    "no maximum green": (Rule.MAXIMUM_GREEN, _no_maximum),
    "nobody must be served": (Rule.MAXIMUM_RED, _no_order),
    "no red after yellow": (Rule.COLOUR_ORDER, _no_red_revert),
    "clearance of people on foot of 13 s": (Rule.PEDESTRIANS, _short_clearance),
    "flashing and starting are nothing": (Rule.START_AND_FLASH, _flash_is_nothing),
    "a silent centre goes on": (Rule.CENTRE_SILENT, _silence_is_nothing),
    "offsets and cycles jump": (Rule.COORDINATION, _offsets_jump),
    "any number counts, also late": (Rule.COMMAND, _any_number),
    "anybody writes": (Rule.WRITER, _anybody_writes),
}
"""What is switched off, and the rule that it is."""


def found(
    mutation: Callable[[MUTATE, DatedJunction], DatedJunction], city: DatedJunction, rule: Rule
) -> tuple[int, set[int]]:
    """After how many attacks the checker has found the rule (0: never), and all that it found."""
    rules_found: set[int] = set()
    with MUTATE.context() as mutate:
        mutated = mutation(mutate, city)
        for number in range(1, MOST_ATTACKS + 1):
            attack = Attack(Street(mutated))
            attack.go(at_random(Random(number - 1), STEPS))
            rules_found |= {each.rule for each in attack.found()}
            if rule in rules_found:
                return number, rules_found
    return 0, rules_found
