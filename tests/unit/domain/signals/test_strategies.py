"""The plain strategies, and what all of them have in common."""

from pathlib import Path

import pytest

from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.signal_events import StageApplied
from citybrain.domain.signals.strategies import STRATEGIES
from citybrain.domain.signals.strategies.strategy import digest
from tests.given.signals.advised import Advised, nothing_seen
from tests.given.signals.x1 import X1, Street, loaded, violations


def test_the_fixed_plan_shows_what_the_junction_shows_by_itself(tmp_path: Path) -> None:
    dated = loaded(tmp_path)
    advised = Advised(Street.green(dated, "A"), STRATEGIES["fixed"])
    local = Street.green(dated, "A")
    local.heard = None
    advised.run(0, 400, nothing_seen)
    for t in range(400):
        local.wake(float(t))
    changes = [each for each in local.collect() if isinstance(each, StageApplied)]
    assert len(changes) > 8
    for group in dated.junction.groups:
        for t in range(90, 390):  # the first cycle is joined
            assert advised.street.shown(group, t + 0.5) == local.shown(group, t + 0.5)


def test_the_fixed_plan_serves_every_stage_within_a_cycle(tmp_path: Path) -> None:
    advised = Advised(Street.green(loaded(tmp_path), "A"), STRATEGIES["fixed"])
    green: set[str] = set()
    for t in range(180):
        advised.decide(float(t), nothing_seen(t))
        for group in advised.street.junction.groups:
            if advised.street.shown(group, float(t)) is Shown.GREEN:
                green.add(group)
    assert green == set(X1["groups"])
    assert not advised.refused
    assert violations(X1, advised.street.events + advised.street.collect(), 180) == []


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_strategy_is_found_by_its_name_and_says_how_it_is_set(name: str) -> None:
    strategy = STRATEGIES[name]
    assert strategy.name == name
    assert strategy.version
    again = dict(sorted(strategy.parameters.items(), reverse=True))
    assert digest(strategy.parameters) == digest(again)


def test_another_parameter_is_another_digest() -> None:
    assert digest({"horizon": 40}) != digest({"horizon": 41})
