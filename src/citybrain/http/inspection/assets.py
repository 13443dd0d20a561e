"""Things in the street over HTTP: the register, and which of them a case is about."""

import re
from operator import itemgetter

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.domain.inspection import reading_rights as rights
from citybrain.eventstore import StreamNotFound
from citybrain.geo.distance import degrees_around
from citybrain.http.commanding import on
from citybrain.http.inspection.case import step_route
from citybrain.http.paging import ReadModelQuery, page_by, wait_for_position
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Code
from commands.inspection import asset as commands
from commands.inspection.asset import AssetCode
from projections.inspection import assets
from projections.inspection.assets import AssetRow

ASSET_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,39}")
AROUND_M = 100.0


class AssetAnswer(BaseModel):
    """What is known of a thing now."""

    asset_code: str
    retired: bool
    version: int


class AssetPage(BaseModel):
    """A page of things, by their code."""

    assets: list[AssetRow]
    next: str | None = Field(description="`after` of the next page; null on the last one")


class AssetQuery(ReadModelQuery):
    """Which things: all that stand, of an owner, of a kind, near a place."""

    owner: Code | None = None
    kind: Code | None = None
    retired: bool | None = Field(False, description="true: those that are there no more")
    latitude: float | None = Field(None, ge=-90, le=90, allow_inf_nan=False)
    longitude: float | None = Field(None, ge=-180, le=180, allow_inf_nan=False)
    radius_m: float = Field(AROUND_M, gt=0, le=5000, allow_inf_nan=False)
    after: AssetCode | None = None
    limit: int = Field(50, ge=1, le=500)


def asset_code_of(call: Call) -> str:
    """The code in the path; raises `StreamNotFound` for what cannot be one."""
    code = call.request.match_info["asset_code"]
    if not ASSET_CODE.fullmatch(code):
        raise StreamNotFound("there is no such thing")
    return code


async def list_assets(call: Call) -> web.Response:
    """A page of things."""
    query: AssetQuery = call.query
    await wait_for_position(call.runtime, "assets", query.min_position)
    rows = await assets.page(
        call.runtime.store.models,
        retired=query.retired,
        owner=query.owner,
        kind=query.kind,
        box=_box(query),
        after=query.after,
        limit=query.limit + 1,
    )
    shown, following = page_by(rows, query.limit, itemgetter("asset_code"))
    return json_response(AssetPage(assets=[AssetRow(**row) for row in shown], next=following))


def _box(query: AssetQuery) -> tuple[float, float, float, float] | None:
    """South, west, north, east around the place; raises `Malformed` for half of one."""
    if query.latitude is None and query.longitude is None:
        return None
    if query.latitude is None or query.longitude is None:
        raise Malformed("latitude and longitude are given together")
    north, east = degrees_around(query.latitude, query.radius_m)
    south_west = query.latitude - north, query.longitude - east
    return (*south_west, query.latitude + north, query.longitude + east)


ROUTES = (
    Route(
        method="PUT",
        path="/v1/assets/{asset_code}",
        summary="A thing in the street: what it is, where it stands, whose it is",
        tag="assets",
        handler=on(asset_code_of, commands.put_asset),
        roles=(Role.OPERATOR,),
        body=commands.PutAsset,
        answers={200: Answer("known", AssetAnswer)},
    ),
    Route(
        method="POST",
        path="/v1/assets/{asset_code}/removal",
        summary="It is there no more",
        tag="assets",
        handler=on(asset_code_of, commands.take_away_asset),
        roles=(Role.OPERATOR,),
        body=commands.TakeAwayAsset,
        idempotent=True,
        answers={200: Answer("known", AssetAnswer)},
    ),
    Route(
        method="GET",
        path="/v1/assets",
        summary="Things in the street, by their code",
        tag="assets",
        handler=list_assets,
        roles=rights.STAFF,
        query=AssetQuery,
        answers={200: Answer("a page", AssetPage)},
    ),
    step_route(
        "asset",
        commands.NameAsset,
        commands.name_asset,
        "Say which thing it is about: routing sends it to who looks after that",
        Role.OPERATOR,
        if_match=False,
    ),
)
