"""MAP over HTTP: which lanes lead where through a junction, and by which signal group.

Members have the names of SAE J2735 (ISO/TS 19091). It is made of the layout that a junction's
definition has, which knows lengths and bearings and no coordinates: there is no `refPoint` and no
`nodeList`, rather than ones that nobody surveyed.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from aiohttp import web
from pydantic import Field

from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.domain.signals.layout import Movement, Turn
from citybrain.http.paging import page_by
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.signals.spat import J2735, IntersectionReferenceID, JunctionsPage

MANOEUVRES = {
    Turn.THROUGH: "maneuverStraightAllowed",
    Turn.LEFT: "maneuverLeftAllowed",
    Turn.RIGHT: "maneuverRightAllowed",
    Turn.U_TURN: "maneuverUTurnAllowed",
}


class ConnectingLane(J2735):
    """The lane that is reached, and how."""

    lane: int
    maneuver: list[str]


class Connection(J2735):
    """A movement: `signalGroup` as in SPaT, null where no lamp holds it."""

    connection_id: int = Field(alias="connectionID", ge=1, le=255)
    name: str = Field(description="the movement's code in the definition")
    connecting_lane: ConnectingLane = Field(alias="connectingLane")
    remote_intersection: IntersectionReferenceID | None = Field(alias="remoteIntersection")
    signal_group: int | None = Field(alias="signalGroup")


class LaneAttributes(J2735):
    """Which way it leads, and for whom it is."""

    directional_use: list[Literal["ingressPath", "egressPath"]] = Field(alias="directionalUse")
    lane_type: Literal["vehicle", "crosswalk"] = Field(alias="laneType")


class GenericLane(J2735):
    """A lane: of an approach, of an exit, or a crossing of a pedestrian group."""

    lane_id: int = Field(alias="laneID", ge=1, le=255)
    name: str = Field(description="its code in the definition; of a crossing the group's")
    ingress_approach: int | None = Field(alias="ingressApproach", description="by its bearing")
    egress_approach: int | None = Field(alias="egressApproach")
    lane_attributes: LaneAttributes = Field(alias="laneAttributes")
    maneuvers: list[str]
    connects_to: list[Connection] = Field(alias="connectsTo")


class IntersectionGeometry(J2735):
    """A junction's lanes, as its definition has them now."""

    name: str
    id: IntersectionReferenceID
    definition_version: str = Field(alias="definitionVersion")
    lane_set: list[GenericLane] = Field(alias="laneSet")


class MapData(J2735):
    """Junctions by code."""

    intersections: list[IntersectionGeometry]
    next: str | None = Field(description="send as `after` for the next page")


async def show(call: Call) -> web.Response:
    """The lanes of junctions."""
    query: JunctionsPage = call.query
    services = call.runtime.services
    definitions, now = services.definitions.of(SignalDefinitions), services.clock()
    wanted = query.codes()
    codes = [
        code
        for code in sorted(definitions.junctions)
        if (wanted is None or code in wanted) and (query.after is None or code > query.after)
    ]
    shown, following = page_by(codes[: query.limit + 1], query.limit, str)
    found = (definitions.at(code, now) for code in shown)
    numbers = {code: versions[-1].file.number for code, versions in definitions.junctions.items()}
    geometries = [geometry(each, numbers) for each in found if each is not None]
    return json_response(MapData(intersections=geometries, next=following))


def geometry(dated: DatedJunction, numbers: Mapping[str, int | None]) -> IntersectionGeometry:
    """A junction's lanes; `numbers` of all junctions, of which some lie beyond its exits."""
    file = dated.file
    return IntersectionGeometry(
        name=file.junction,
        id=IntersectionReferenceID(id=file.number),
        definition_version=dated.junction.version,
        lane_set=list(_lanes(dated, numbers)),
    )


def _lanes(dated: DatedJunction, numbers: Mapping[str, int | None]) -> Iterator[GenericLane]:
    file, layout = dated.file, dated.junction.layout
    crossings = [(code, arm) for code, arms in file.crossings.items() for arm in arms]
    ids = {code: place for place, code in enumerate([*layout.lanes, *layout.exits], 1)}
    bearings = [each.bearing for each in file.lanes.values()]
    bearings += [each.bearing for each in file.exits.values()]
    arms = sorted({each for each in bearings if each is not None} | {arm for _, arm in crossings})
    approach = {bearing: number for number, bearing in enumerate(arms, 1)}
    connections = dict(enumerate(layout.movements.values(), 1))
    for code, lane in file.lanes.items():
        yield _lane(
            ids[code],
            code,
            ingress=None if lane.bearing is None else approach[lane.bearing],
            connects=[
                _connection(number, each, dated, ids, numbers)
                for number, each in connections.items()
                if each.lane == code
            ],
        )
    for code, exit_ in file.exits.items():
        yield _lane(
            ids[code],
            code,
            egress=None if exit_.bearing is None else approach[exit_.bearing],
            outward=True,
        )
    for place, (code, arm) in enumerate(crossings, len(ids) + 1):
        yield _lane(place, code, ingress=approach[arm], egress=approach[arm], crosswalk=True)


def _lane(
    number: int,
    code: str,
    *,
    ingress: int | None = None,
    egress: int | None = None,
    outward: bool = False,
    crosswalk: bool = False,
    connects: list[Connection] | None = None,
) -> GenericLane:
    ways: list[Literal["ingressPath", "egressPath"]] = ["egressPath" if outward else "ingressPath"]
    if crosswalk:
        ways = ["ingressPath", "egressPath"]
    return GenericLane(
        lane_id=number,
        name=code,
        ingress_approach=ingress,
        egress_approach=egress,
        lane_attributes=LaneAttributes(
            directional_use=ways, lane_type="crosswalk" if crosswalk else "vehicle"
        ),
        maneuvers=sorted({each for one in connects or () for each in one.connecting_lane.maneuver}),
        connects_to=connects or [],
    )


def _connection(
    number: int,
    movement: Movement,
    dated: DatedJunction,
    ids: Mapping[str, int],
    numbers: Mapping[str, int | None],
) -> Connection:
    leads_to = dated.junction.layout.exits[movement.exit].leads_to
    groups = {code: place for place, code in enumerate(sorted(dated.junction.groups), 1)}
    return Connection(
        connection_id=number,
        name=movement.code,
        connecting_lane=ConnectingLane(
            lane=ids[movement.exit], maneuver=[MANOEUVRES[movement.turn]]
        ),
        remote_intersection=leads_to and IntersectionReferenceID(id=numbers.get(leads_to[0])),
        signal_group=movement.group and groups[movement.group],
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/map",
        tag="signals",
        summary="Lanes, movements and their signal groups, as SAE J2735 MAP",
        handler=show,
        roles=None,
        query=JunctionsPage,
        answers={200: Answer("a page, by code", MapData)},
    ),
)
