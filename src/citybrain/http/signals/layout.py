"""What a junction is made of, over HTTP: arms, stages, plans, and what a reset would do.

For whoever decides about it: the picture beside a decision, and the order of what follows. It is
the definition that the junction's day goes by, seconds as it says them.
"""

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.domain.signals import people
from citybrain.domain.signals.junction import Junction, Kind
from citybrain.domain.signals.layout import Turn
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies import STRATEGIES
from citybrain.eventstore import StreamNotFound
from citybrain.http.paging import ReadModelQuery, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.signals.junctions import MODEL, READERS
from projections.signals import junctions


class LayoutGroup(BaseModel):
    """A signal group with the times that its lamps keep."""

    group: str
    kind: Kind
    minimum_s: float = Field(description="least green, on foot the least walk")
    ending_s: float = Field(description="yellow, on foot the clearance, which is never cut")


class LayoutMovement(BaseModel):
    """Where one goes from a lane, by which group; null: no lamp holds it."""

    movement: str
    to_bearing: float | None
    turn: Turn
    group: str | None


class LayoutLane(BaseModel):
    """An approach lane."""

    lane: str
    length_m: float
    movements: list[LayoutMovement]


class LayoutArm(BaseModel):
    """What lies on one side, by its bearing: degrees from north, clockwise."""

    bearing: float
    lanes: list[LayoutLane] = Field(description="towards the junction, from the kerb inwards")
    exits: int
    crossings: list[str] = Field(description="the pedestrian groups that cross it")


class LayoutPlan(BaseModel):
    """A fixed-time plan."""

    plan: str
    cycle_s: float
    stages: list[str]


class Ahead(BaseModel):
    """A step that follows, and how long it lasts at least."""

    what: str = Field(description="all-red, green, or clearance of who walks")
    seconds: float
    stage: str | None
    groups: list[str]


class JunctionLayout(BaseModel):
    """A junction as its definition says it."""

    junction: str
    name: str
    name_en: str | None
    department: str = Field(description="whose officers decide about it")
    definition_version: str
    groups: list[LayoutGroup]
    stages: dict[str, list[str]]
    conflicts: list[list[str]] = Field(description="pairs of groups, never green together")
    plans: list[LayoutPlan]
    strategies: list[str] = Field(description="by which the centre may control it")
    arms: list[LayoutArm]
    after_reset: list[Ahead] = Field(description="in their order, were it reset now")


async def show(call: Call) -> web.Response:
    """The layout of a junction that is in service."""
    query: ReadModelQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    services = call.runtime.services
    found = await junctions.one(call.runtime.store.models, call.request.match_info["junction"])
    if found is None:
        raise StreamNotFound("this junction was never in service")
    signal = found.signal
    dated = services.definitions.of(SignalDefinitions).of_version(
        signal.junction, signal.definition_version
    )
    if dated is None:
        raise StreamNotFound("the definition of this junction is gone")
    return json_response(layout_of(dated, signal, milliseconds(services.clock())))


def layout_of(dated: DatedJunction, signal: Signal, now: int) -> JunctionLayout:
    """The layout, and what a reset at `now` would do; of one that flashes or not."""
    junction = dated.junction
    dark_since = now if signal.flash is None else int(signal.flash["since"])
    return JunctionLayout(
        junction=junction.code,
        name=dated.file.name,
        name_en=dated.file.name_en,
        department=dated.department,
        definition_version=junction.version,
        groups=[
            LayoutGroup(
                group=code,
                kind=group.kind,
                minimum_s=group.minimum_ms / 1000,
                ending_s=group.ending_ms / 1000,
            )
            for code, group in junction.groups.items()
        ],
        stages={code: sorted(groups) for code, groups in junction.stages.items()},
        conflicts=[list(pair) for pair in sorted({(min(p), max(p)) for p in junction.intergreens})],
        plans=[
            LayoutPlan(
                plan=code, cycle_s=plan.cycle_ms / 1000, stages=[stage for stage, _ in plan.splits]
            )
            for code, plan in dated.plans.items()
        ],
        strategies=sorted(STRATEGIES),
        arms=_arms(dated),
        after_reset=_after_reset(junction, dated.first_stage, dark_since, now),
    )


def _arms(dated: DatedJunction) -> list[LayoutArm]:
    file, layout = dated.file, dated.junction.layout
    arms: dict[float, LayoutArm] = {}

    def arm(bearing: float) -> LayoutArm:
        fresh = LayoutArm(bearing=bearing, lanes=[], exits=0, crossings=[])
        return arms.setdefault(bearing, fresh)

    for code, lane in file.lanes.items():
        if lane.bearing is None:
            continue
        movements = [
            LayoutMovement(
                movement=each.code,
                to_bearing=file.exits[each.exit].bearing,
                turn=each.turn,
                group=each.group,
            )
            for each in layout.of_lane(code)
        ]
        shown = LayoutLane(lane=code, length_m=lane.length, movements=movements)
        arm(lane.bearing).lanes.append(shown)
    for exit_ in file.exits.values():
        if exit_.bearing is not None:
            arm(exit_.bearing).exits += 1
    for group, bearings in file.crossings.items():
        for bearing in bearings:
            arm(bearing).crossings.append(group)
    return [arms[bearing] for bearing in sorted(arms)]


def _after_reset(junction: Junction, stage: str, dark_since: int, now: int) -> list[Ahead]:
    """All red, the first stage for as long as its groups want, and what clears at its end."""
    groups = sorted(junction.stages[stage])
    red_ms = people.all_red_until(junction, dark_since, now, stage) - now
    green_ms = max(junction.groups[each].minimum_ms for each in groups)
    walking = [each for each in groups if junction.groups[each].on_foot]
    steps = [
        Ahead(what="all-red", seconds=red_ms / 1000, stage=None, groups=[]),
        Ahead(what="green", seconds=green_ms / 1000, stage=stage, groups=groups),
    ]
    if walking:
        clear_ms = max(junction.groups[each].ending_ms for each in walking)
        steps.append(Ahead(what="clearance", seconds=clear_ms / 1000, stage=stage, groups=walking))
    return steps


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/junctions/{junction}/layout",
        tag="signals",
        summary="What a junction is made of, and what a reset would do",
        handler=show,
        roles=READERS,
        query=ReadModelQuery,
        answers={200: Answer("arms, stages, plans, and what follows a reset", JunctionLayout)},
    ),
)
