"""What the queue-responsive strategy is set to: one set for every junction of every network."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Seconds, metres and vehicles, where nothing else is said.

    `saturation`: vehicles a second from one lane, before anything is learned. `start_loss`: what
    the first vehicle loses after green. `yellow_used`: how long of a yellow is still driven.
    `stop_cost`: for each vehicle that has to stop. `left_cost`: for each that still stands at the
    horizon, and at least; else as long as who stands here waits still, up to `left_most`.
    `switch_gain`: what a change must gain at least, in vehicle-seconds. `standing_m_per_s`
    and slower is a queue. `rate_memory`: of the arrival rate. `turn_weight`: vehicles that the
    first guess of turn shares counts for. `gap_power`: of how a lane is held up by its turns that
    yield. `discharge_gain`: how fast the discharge of a lane in a stage is learned.
    `box_hold`: how long after the end of green
    others may be held for who is still in their way. `box_stuck`: who stands so long in the box
    does not leave it soon. `refill`: vehicles a second for which an exit gets room, before that is
    learned; `drains`: from which on a full one is expected to get some; `reach`: how long who
    starts is on his way to it. `shut_for`: for how long what is in the way now is expected to stay;
    `shut_cost`: vehicle-seconds for each second of green that nobody can use. `walkers`: people
    that a call stands for. `backed`: what a lane weighs for whose room somebody stands in the box
    behind it: he holds up a whole junction. `sends`: for how many seconds behind the first change
    that is planned the next junctions are told who comes.

    Of crowding: `crowd_memory`: over which time signs are averaged; `crowd_share`: of it, from
    which on they count; `crowd_greens`: greens in a row that leave a queue. Then `kept_free`: the
    share of an exit's places that is not filled; `long_green`: up to which a used green is gone on
    with; `plan_after`: how long somebody stands in the box before the plan is followed.
    """

    horizon: int = 40
    saturation: float = 0.55
    start_loss: float = 1.5
    yellow_used: float = 1.0
    stop_cost: float = 3.0
    left_cost: float = 8.0
    left_most: float = 120.0
    switch_gain: float = 1.0
    standing_m_per_s: float = 2.0
    acceleration: float = 2.6
    seen_m: float = 150.0
    rate_memory: float = 300.0
    turn_weight: float = 4.0
    gap_power: float = 2.0
    discharge_gain: float = 0.02
    box_hold: float = 12.0
    box_stuck: float = 8.0
    refill: float = 0.1
    drains: float = 0.15
    reach: float = 3.0
    shut_for: float = 8.0
    shut_cost: float = 10.0
    walkers: float = 2.0
    backed: float = 10.0
    sends: int = 15
    crowd_memory: float = 60.0
    crowd_share: float = 0.3
    crowd_greens: int = 3
    kept_free: float = 0.2
    long_green: float = 20.0
    plan_after: float = 180.0

    @property
    def parameters(self) -> Mapping[str, float]:
        return asdict(self)
