"""The checker finds each rule that is switched off: one mutation of the decisions for each."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals import lamps, people, plans, requesting, rules, waking
from citybrain.domain.signals.junction import Junction, Kind
from citybrain.domain.signals.rules import Rule, Source
from citybrain.domain.signals.signal import Signal
from tests.given.signals.attack import CITY, Attack, at_random
from tests.given.signals.x1 import Street, loaded, violations

MUTATE = pytest.MonkeyPatch


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DatedJunction:
    return loaded(Path(tmp_path_factory.mktemp("city")), CITY)


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


@pytest.mark.parametrize(
    ("rule", "mutation"),
    [
        (1, _no_conflicts),
        (2, _no_intergreens),
        (3, _short_yellow),
        (4, _no_minimum),
        (5, _no_maximum),
        (6, _no_order),
        (7, _no_red_revert),
        (8, _short_clearance),
        (9, _flash_is_nothing),
        (10, _silence_is_nothing),
        (11, _offsets_jump),
        (12, _any_number),
        (13, _anybody_writes),
    ],
)
def test_a_rule_that_is_switched_off_is_found(
    rule: int,
    mutation: Callable[[MUTATE, DatedJunction], DatedJunction],
    city: DatedJunction,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mutated = mutation(monkeypatch, city)
    found: set[int] = set()
    for seed in range(20):
        attack = Attack(Street(mutated))
        attack.go(at_random(Random(seed), 250))
        found |= {each.rule for each in violations(CITY, attack.street.events, attack.now)}
        if rule in found:
            return
    pytest.fail(f"rule {rule} was switched off, and only {sorted(found)} were found")
