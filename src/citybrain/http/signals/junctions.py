"""Junctions over HTTP: how they stand now, who decides, who waits, and what is wrong.

For the office and for auditors: it names who has a junction in hand, and for which vehicle it is
held. What the lamps show is everybody's: `spat`.
"""

from datetime import datetime

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.actor import Role
from citybrain.domain.signals.buses import Status
from citybrain.domain.signals.junction import Kind
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.priority import expected, in_order
from citybrain.domain.signals.signal import NEVER, Signal
from citybrain.domain.signals.signal_events import milliseconds, moment
from citybrain.domain.signals.waiting import waiting_at
from citybrain.eventstore import StreamNotFound
from citybrain.http.paging import PagedQuery, ReadModelQuery, page_by, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from projections.signals import junctions
from projections.signals.junctions import Standing

MODEL = "signal_junctions"
READERS = (Role.OFFICIAL, Role.SUPERVISOR, Role.AUDITOR)


class SignalGroupState(BaseModel):
    """A signal group's lamps, and who waits at it."""

    group: str
    kind: Kind | None = Field(description="null where its definition is gone")
    shown: Shown
    green_from: AwareDatetime | None = Field(description="of the present or coming green")
    green_ends: AwareDatetime | None = Field(description="where it is decided")
    red_from: AwareDatetime | None = Field(description="of the last or coming red")
    waits_since: AwareDatetime | None = Field(description="who called and was not green since")
    button_lamp: bool | None = Field(description="lit while a call waits; null: no pedestrians")


class SignalHand(BaseModel):
    """Who decides by hand."""

    by: str
    reason: str
    until: AwareDatetime


class SignalPreemption(BaseModel):
    """An emergency vehicle that asks for a stage."""

    preemption: str
    stage: str
    level: int
    vehicle: str
    asked_at: AwareDatetime
    until: AwareDatetime
    granted: bool
    expected_at: AwareDatetime | None = Field(
        description="its turn at the latest; null where it has the junction, or a person does"
    )


class SignalBus(BaseModel):
    """A bus that asks for priority, and what it was told."""

    request: str
    line: str
    group: str = Field(description="that lets it through")
    status: Status
    because: str
    late_s: float | None = Field(description="behind its timetable")
    gap_s: float | None = Field(description="to the bus before")
    arrives_at: AwareDatetime
    until: AwareDatetime


class SignalFlash(BaseModel):
    """Flashing that a person ends."""

    kind: str
    since: AwareDatetime


class JunctionState(BaseModel):
    """How a junction stands at a moment."""

    junction: str
    name: str | None
    name_en: str | None
    simulated: bool = Field(description="it is made up")
    at: AwareDatetime
    day: str
    definition_version: str
    standing: str = Field(
        description="flashing, dark, starting; or who decides: hand, preemption, centre, local"
    )
    mode: str = Field(description="who decides where no person and no vehicle does")
    mode_reason: str
    strategy: str = Field(description="by what the centre controls it: plan, or a strategy")
    stage: str | None
    groups: list[SignalGroupState]
    plan: str | None
    offset_from_ms: int | None = Field(description="the offset that the plan began with")
    plan_began_at: AwareDatetime | None
    epoch: int
    last_sequence: int
    hand: SignalHand | None
    preemptions: list[SignalPreemption] = Field(description="who is first comes first")
    buses: list[SignalBus] = Field(description="that ask for priority; who comes first is first")
    flash: SignalFlash | None
    flashing_until: AwareDatetime | None = Field(description="while it starts")
    all_red_until: AwareDatetime | None = Field(description="while it starts")
    faults: dict[str, str] = Field(description="what each is about")
    version: int
    position: int = Field(description="of the last event that counts here")
    recorded_at: AwareDatetime


class JunctionStates(BaseModel):
    """A page of junctions, by code."""

    junctions: list[JunctionState]
    next: str | None = Field(description="send as `after` for the next page")


class JunctionsQuery(PagedQuery):
    """Which junctions."""

    after: str | None = Field(None, max_length=32, description="`next` of the page before")


async def show_all(call: Call) -> web.Response:
    """How all junctions stand."""
    query: JunctionsQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    pool, services = call.runtime.store.models, call.runtime.services
    found = await junctions.page(pool, after=query.after, limit=query.limit + 1)
    shown, following = page_by(found, query.limit, lambda each: each.signal.junction)
    definitions, now = services.definitions.of(SignalDefinitions), services.clock()
    states = [state_of(each, definitions, now) for each in shown]
    return json_response(JunctionStates(junctions=states, next=following))


async def show(call: Call) -> web.Response:
    """How a junction stands."""
    query: ReadModelQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    services = call.runtime.services
    found = await junctions.one(call.runtime.store.models, call.request.match_info["junction"])
    if found is None:
        raise StreamNotFound("this junction was never in service")
    state = state_of(found, services.definitions.of(SignalDefinitions), services.clock())
    return json_response(state, headers={"ETag": f'"{found.position}"'})


def state_of(standing: Standing, definitions: SignalDefinitions, now: datetime) -> JunctionState:
    """A junction's state at `now`."""
    signal, at = standing.signal, milliseconds(now)
    dated = definitions.of_version(signal.junction, signal.definition_version)
    kinds = (
        {} if dated is None else {code: group.kind for code, group in dated.junction.groups.items()}
    )
    starting = at < signal.all_red_until < NEVER
    return JunctionState(
        junction=signal.junction,
        name=None if dated is None else dated.file.name,
        name_en=None if dated is None else dated.file.name_en,
        simulated=signal.simulated,
        at=now,
        day=signal.day,
        definition_version=signal.definition_version,
        standing=signal.standing_at(at),
        mode=signal.mode,
        mode_reason=signal.mode_reason,
        strategy=signal.strategy_at(at),
        stage=signal.stage,
        groups=_groups(signal, kinds, at),
        plan=signal.plan or None,
        offset_from_ms=signal.offset[0] if signal.offset else None,
        plan_began_at=moment(signal.offset[1]) if signal.offset else None,
        epoch=signal.epoch,
        last_sequence=signal.last_sequence,
        hand=_hand(signal),
        preemptions=_preemptions(signal),
        buses=_buses(signal),
        flash=None
        if signal.flash is None
        else SignalFlash(kind=signal.flash["kind"], since=moment(signal.flash["since"])),
        flashing_until=moment(signal.flash_until) if starting else None,
        all_red_until=moment(signal.all_red_until) if starting else None,
        faults=signal.faults,
        version=signal.version,
        position=standing.position,
        recorded_at=standing.recorded_at,
    )


def _groups(signal: Signal, kinds: dict[str, Kind], at: int) -> list[SignalGroupState]:
    lamps = signal.lamps
    waiting = waiting_at(lamps, signal.calls, at)
    return [
        SignalGroupState(
            group=code,
            kind=kinds.get(code),
            shown=signal.shown(code, at),
            green_from=_moment(lamp.green_from),
            green_ends=_moment(lamp.end_of_green),
            red_from=_moment(lamp.red_from),
            waits_since=_moment(waiting.get(code)),
            button_lamp=code in waiting if kinds.get(code) is Kind.PEDESTRIAN else None,
        )
        for code, lamp in sorted(lamps.items())
    ]


def _hand(signal: Signal) -> SignalHand | None:
    hand = signal.hand
    if hand is None:
        return None
    return SignalHand(by=hand["by"], reason=hand["reason"], until=moment(hand["until"]))


def _preemptions(signal: Signal) -> list[SignalPreemption]:
    return [
        SignalPreemption(
            preemption=code,
            stage=asked["stage"],
            level=asked["level"],
            vehicle=asked["vehicle"],
            asked_at=moment(asked["asked_at"]),
            until=moment(asked["until"]),
            granted=code == signal.granted,
            expected_at=_expected(signal, code),
        )
        for code in in_order(signal)
        for asked in (signal.preemptions[code],)
    ]


def _buses(signal: Signal) -> list[SignalBus]:
    asked = sorted(signal.priorities.items(), key=lambda each: (each[1]["arrives"], each[0]))
    return [
        SignalBus(
            request=request,
            line=each["line"],
            group=each["group"],
            status=Status(each["status"]),
            because=each["because"],
            late_s=None if each["late_ms"] is None else each["late_ms"] / 1000,
            gap_s=None if each["gap_ms"] is None else each["gap_ms"] / 1000,
            arrives_at=moment(each["arrives"]),
            until=moment(each["until"]),
        )
        for request, each in asked
    ]


def _expected(signal: Signal, preemption: str) -> datetime | None:
    """When a vehicle has the junction at the latest; None for the one that has it.

    Also where it is the first and a person has the junction: nobody knows until when.
    """
    known = expected(signal, preemption)
    return moment(known) if known and preemption != signal.granted else None


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else moment(ms)


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/junctions",
        tag="signals",
        summary="How junctions stand now: lamps, who decides, who waits, what is wrong",
        handler=show_all,
        roles=READERS,
        query=JunctionsQuery,
        answers={200: Answer("a page, by code", JunctionStates)},
    ),
    Route(
        method="GET",
        path="/v1/signals/junctions/{junction}",
        tag="signals",
        summary="How a junction stands now",
        handler=show,
        roles=READERS,
        query=ReadModelQuery,
        answers={200: Answer("the state; ETag is the position of its last event", JunctionState)},
    ),
)
