"""The queue-responsive strategy: it sees, learns, predicts, and takes the first step of a plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.lamps import end_of_minimum
from citybrain.domain.signals.strategies.ahead import (
    bound,
    in_box_way,
    rooms,
    seen_by_the_next,
    shut_rows,
    without_gap_seekers,
)
from citybrain.domain.signals.strategies.approaches import (
    SECOND_MS,
    Approaches,
    approaches,
    backed_rows,
    weights,
)
from citybrain.domain.signals.strategies.bus_first import bus_first
from citybrain.domain.signals.strategies.crowding import (
    Crowding,
    begin_crowding,
    kept_free,
    last_resort,
    notice,
    stays,
)
from citybrain.domain.signals.strategies.doubting import Doubts, believed
from citybrain.domain.signals.strategies.estimating import (
    Learned,
    begin,
    clearing,
    learn,
    rates,
    yielding,
)
from citybrain.domain.signals.strategies.failing import failed_rows, keeps_the_turn, plan_turn
from citybrain.domain.signals.strategies.fixed import follow
from citybrain.domain.signals.strategies.planning import (
    LOSS,
    QUEUE,
    ROOM,
    Case,
    Costs,
    Floats,
    plan,
)
from citybrain.domain.signals.strategies.predicting import predict
from citybrain.domain.signals.strategies.settings import Settings
from citybrain.domain.signals.strategies.strategy import Advice, Observations, SignalView
from citybrain.domain.signals.strategies.telling import NOTHING_PLANNED, Planned, planned, tells
from citybrain.domain.signals.waiting import next_in_order

LEARNS_AFTER_MS = 3 * SECOND_MS
"""How long a stage has run before its discharge is measured."""


@dataclass(slots=True)
class Memory:
    """What is remembered of one junction. `ran_since`: since when `stage` has run unchanged.
    `planned`: what was to follow, when that was worked out last."""

    model: Approaches
    learned: Learned
    crowding: Crowding
    stage: str | None = None
    ran_since: int | None = None
    doubts: Doubts = field(default_factory=Doubts)
    planned: Planned = NOTHING_PLANNED


@dataclass(frozen=True, slots=True)
class Adaptive:
    """One set of parameters for every junction; all else is learned while it runs."""

    name: str = "adaptive"
    version: str = "13"
    settings: Settings = field(default_factory=Settings)

    @property
    def parameters(self) -> Mapping[str, float]:
        return self.settings.parameters

    def begin(self, junction: Junction) -> Memory:
        model = approaches(junction, self.settings.seen_m)
        return Memory(model, begin(model, self.settings), begin_crowding(model))

    def decide(
        self, seen: Observations, junction: Junction, signal: SignalView, memory: Memory
    ) -> Advice:
        seen = believed(memory.doubts, seen, junction, signal)
        seen = seen_by_the_next(seen, junction, self.settings.seen_m)
        advice = bus_first(self._decided(seen, junction, signal, memory), junction, signal)
        model, learned = memory.model, memory.learned
        said = tells(seen, junction, signal, model, learned, self.settings, memory.planned)
        advice = replace(advice, tells=said)
        if not memory.doubts.doubted:
            return advice
        reasons = {**advice.reasons, "doubted": list(memory.doubts.doubted)}
        return replace(advice, reasons=reasons)

    def _decided(
        self, seen: Observations, junction: Junction, signal: SignalView, memory: Memory
    ) -> Advice:
        model = memory.model
        stage = model.stages.index(signal.stage) if signal.stage in model.stages else None
        self._learn(seen, junction, signal, memory, stage)
        if stage is None or not model.lanes:
            return follow(junction, signal, "not-known")
        if not signal.settled:
            return self._changing(seen, junction, signal)
        if any(signal.at < end_of_minimum(junction, signal.lamps, each) for each in signal.green):
            return Advice(None, {"because": "minimum"})
        urgent = _urgent(junction, signal)
        if urgent is not None:
            return urgent
        failed = failed_rows(seen, junction, model)
        turn = plan_turn(junction, signal, model, failed)
        if turn is not None:
            return turn
        return self._planned(seen, junction, signal, memory, stage, failed)

    def _learn(
        self,
        seen: Observations,
        junction: Junction,
        signal: SignalView,
        memory: Memory,
        stage: int | None,
    ) -> None:
        if not signal.settled or signal.stage != memory.stage:
            memory.ran_since = None
        elif memory.ran_since is None:
            memory.ran_since = signal.at
        memory.stage = signal.stage
        since = memory.ran_since
        runs = since is not None and signal.at >= since + LEARNS_AFTER_MS
        learn(memory.learned, memory.model, junction, self.settings, seen, stage if runs else None)
        memory.learned.expected[:] = 0.0

    def _changing(self, seen: Observations, junction: Junction, signal: SignalView) -> Advice:
        """Hold what is to begin while somebody is in its way who is about to leave."""
        at, lamps, reasons = signal.at, signal.lamps, {"because": "changing"}
        coming = {
            code: lamp.green_from
            for code, lamp in lamps.items()
            if lamp.green_from is not None and at < lamp.green_from
        }
        ended = max((lamp.ends for lamp in lamps.values() if lamp.ends is not None), default=at)
        last = ended + self.settings.box_hold * SECOND_MS
        if signal.stage is None or not coming or min(coming.values()) > at + SECOND_MS:
            return Advice(None, reasons)
        later = max(*coming.values(), at + SECOND_MS) + SECOND_MS
        movement = in_box_way(seen, junction, signal, coming)
        if movement is None or later > last or not signal.allows(junction, signal.stage, later):
            return Advice(None, reasons)
        return Advice(signal.stage, {"because": "box", "movement": movement}, later)

    def _planned(
        self,
        seen: Observations,
        junction: Junction,
        signal: SignalView,
        memory: Memory,
        stage: int,
        failed: frozenset[int],
    ) -> Advice:
        """The first step of the best plan that is lawful now."""
        model, settings, crowding = memory.model, self.settings, memory.crowding
        queue, arrivals = predict(model, memory.learned, settings, seen, signal, failed)
        lanes = len(model.lanes)
        memory.learned.expected[:] = queue[:lanes] + arrivals[:2, :lanes].sum(axis=0)
        unbound = rooms(seen, junction, model, memory.learned, settings)
        room, refill = bound(seen, junction, model, memory.learned, unbound)
        blocked = without_gap_seekers(seen, junction, signal)
        shut = shut_rows(blocked, junction, model, room, refill, settings)
        notice(crowding, model, settings, blocked, stage, queue, unbound[0])
        crowded = {"crowded": list(crowding.signs)} if crowding.signs else {}
        if last_resort(seen, settings):
            return follow(junction, signal, "last-resort")
        if not queue.any() and not arrivals.any():
            return Advice(None, {"because": "nobody"})
        ran = 0 if memory.ran_since is None else signal.at - memory.ran_since
        backed = backed_rows(model, seen.backed)
        if not backed.any() and stays(crowding, model, settings, stage, ran, queue, shut):
            return Advice(None, {"because": "long-green", **crowded})
        room = kept_free(crowding, model, settings, room)
        case = self._case(memory, stage, queue, arrivals, room, refill, shut, backed)
        costs, goes_on = plan(case, costs_of(settings, memory.learned))
        memory.planned = planned(signal.at, stage, goes_on[stage])
        stay = float(costs[stage])
        reasons: dict[str, Any] = {"because": "plan", "stay": round(stay, 1), **crowded}
        reasons["queues"] = {
            lane.lane: round(float(count), 1)
            for lane, count in zip(model.lanes, queue, strict=False)
            if count > 0.0
        }
        if failed:
            reasons["plan-share"] = [model.lanes[row].lane for row in sorted(failed)]
        for place in np.argsort(costs, kind="stable"):
            if place == stage or costs[place] > stay - settings.switch_gain:
                break
            code = model.stages[place]
            in_time = keeps_the_turn(junction, signal, model, failed, code)
            if in_time and signal.allows(junction, code):
                memory.planned = planned(signal.at, int(place), goes_on[place])
                return Advice(code, reasons | {"cost": round(float(costs[place]), 1)})
        return Advice(None, reasons)

    def _case(
        self,
        memory: Memory,
        stage: int,
        queue: Floats,
        arrivals: Floats,
        room: Floats,
        refill: Floats,
        shut: Floats,
        backed: NDArray[np.bool_],
    ) -> Case:
        model, learned = memory.model, memory.learned
        rate = rates(learned, model)
        state = np.zeros((3, model.rows))
        state[QUEUE], state[ROOM], state[LOSS] = queue, room, 0.0
        return Case(
            stage=stage,
            state=state,
            arrivals=arrivals,
            rate=rate,
            green=model.green,
            yields=yielding(learned, model),
            opposed=model.opposed,
            begins=model.begins,
            lost=model.lost,
            least=model.least,
            weight=weights(model, queue) * np.where(backed, self.settings.backed, 1.0),
            shut=shut,
            refill=refill,
            clearing=clearing(rate),
        )


def costs_of(settings: Settings, learned: Learned) -> Costs:
    """Who stands at the horizon waits still for as long as who stands here now, on average."""
    return Costs(
        stop=float(settings.stop_cost),
        left=float(max(settings.left_cost, min(learned.wait, settings.left_most))),
        gap_power=float(settings.gap_power),
        start_loss=float(settings.start_loss),
        yellow_used=float(settings.yellow_used),
        shut=float(settings.shut_cost),
        shut_for=float(settings.shut_for),
    )


def _urgent(junction: Junction, signal: SignalView) -> Advice | None:
    """Who must be served now, so that nobody waits too long, in the order of the aggregate."""
    order = next_in_order(junction, signal.lamps, signal.calls, signal.at)
    if order is None or signal.at < order.latest - junction.margin_ms - SECOND_MS:
        return None
    reasons = {"because": "longest-wait", "latest": order.latest - signal.at}
    if order.stage == signal.stage or not signal.allows(junction, order.stage):
        return Advice(None, reasons)
    return Advice(order.stage, reasons)
