"""The strategies by their names. A process that controls a junction takes one from here."""

from collections.abc import Mapping

from citybrain.domain.signals.strategies.adaptive import Adaptive
from citybrain.domain.signals.strategies.fixed import FixedPlan
from citybrain.domain.signals.strategies.max_pressure import MaxPressure
from citybrain.domain.signals.strategies.strategy import Strategy

STRATEGIES: Mapping[str, Strategy] = {
    each.name: each for each in (FixedPlan(), MaxPressure(), Adaptive())
}
