"""Legal notices over HTTP: two officers make a debt public, and everybody reads what it says."""

from collections.abc import Sequence
from datetime import date

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.city_day import city_day
from citybrain.domain.actor import Role
from citybrain.domain.parking.looking import DECIDERS
from citybrain.domain.parking.notice import (
    NoticePublished,
    NoticeSays,
    NoticeStatus,
    NoticeWithdrawn,
)
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.http.commanding import Handler, on
from citybrain.http.paging import PagedQuery, decode_time_cursor, page, wait_for_position
from citybrain.http.parking.claims import claim_id_of
from citybrain.http.parking.office import of_the_office
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.handling import Command
from commands.parking import notice as commands
from commands.parking.plates import PlateKeeper
from projections.parking import notices
from projections.parking.notices import NoticeRow
from projections.reading import Row

MODEL = "parking_notices"


class PublicNotice(BaseModel):
    """What a notice says; null is what it does not say."""

    notice_id: str
    published_on: date
    until: AwareDatetime
    plate: str | None
    amount_fen: int | None = Field(description="what of it is open now")
    due_on: date | None


class PublicNotices(BaseModel):
    """A page, the newest first."""

    notices: list[PublicNotice]
    next: str | None = Field(description="send as `after` for the next page")


class NoticeDesk(BaseModel):
    """A page, the newest proposals first."""

    notices: list[NoticeRow]
    next: str | None = Field(description="send as `after` for the next page")


class NoticeDeskQuery(PagedQuery):
    """Which notices."""

    status: NoticeStatus | None = None


class NoticeAnswer(BaseModel):
    """What a command on a notice answers."""

    notice_id: str
    claim_id: str
    status: NoticeStatus
    until: AwareDatetime
    version: int


async def show_public(call: Call) -> web.Response:
    """What is public now. A plate that was erased is said no more."""
    query: PagedQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    services = call.runtime.services
    rows = await notices.public(
        call.runtime.store.models,
        services.clock(),
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    shown, following = page(rows, query.limit, "published_at", "notice_id")
    shown = await _not_withdrawn(call, shown)
    sealed = [SealedPlate.of(row["plate"]) for row in shown if row["plate"] is not None]
    plates = iter(await PlateKeeper(services).open_many(sealed))
    found = []
    for row in shown:
        plate = None if row["plate"] is None else next(plates)
        found.append(_said(row, None if plate is None else plate.text))
    return json_response(PublicNotices(notices=found, next=following))


async def _not_withdrawn(call: Call, rows: Sequence[Row]) -> list[Row]:
    """What an officer has taken back is public no more, however far the read model has come."""
    topics = (NoticePublished.TOPIC, NoticeWithdrawn.TOPIC)
    ids = [row["notice_id"] for row in rows]
    events = await call.runtime.store.read_streams(ids, topics=topics)
    last = {event.stream_id: event.topic for event in events}
    return [row for row in rows if last.get(row["notice_id"]) == NoticePublished.TOPIC]


def _said(row: Row, plate: str | None) -> PublicNotice:
    says = row["says"]
    return PublicNotice(
        notice_id=row["notice_id"],
        published_on=city_day(row["published_at"]),
        until=row["until"],
        plate=plate,
        amount_fen=row["amount_fen"] if NoticeSays.AMOUNT in says else None,
        due_on=city_day(row["due_at"]) if NoticeSays.DUE_DAY in says else None,
    )


async def show_desk(call: Call) -> web.Response:
    """What is proposed, public or over, with who decided it."""
    of_the_office(call)
    query: NoticeDeskQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    rows = await notices.desk(
        call.runtime.store.models,
        status=query.status,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    keyed = [row.model_dump() for row in rows]
    _, following = page(keyed, query.limit, "proposed_at", "notice_id")
    return json_response(NoticeDesk(notices=rows[: query.limit], next=following))


def _command(step: str, body: type[Command], handler: Handler, summary: str) -> Route:
    return Route(
        method="POST",
        path=f"/v1/parking/claims/{{claim_id}}/notice{step}",
        tag="parking",
        summary=summary,
        handler=on(claim_id_of, handler),
        roles=DECIDERS,
        body=body,
        idempotent=True,
        answers={200: Answer("the notice as it is now", NoticeAnswer)},
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/parking/notices",
        tag="parking",
        summary="Debts that two officers have made public, and what their notices say",
        handler=show_public,
        roles=None,
        query=PagedQuery,
        answers={200: Answer("a page", PublicNotices)},
    ),
    Route(
        method="GET",
        path="/v1/parking/notices/desk",
        tag="parking",
        summary="Notices that are proposed, public or over, with who decided it",
        handler=show_desk,
        roles=(*DECIDERS, Role.AUDITOR),
        query=NoticeDeskQuery,
        answers={200: Answer("a page", NoticeDesk)},
    ),
    _command("", commands.ProposeNotice, commands.propose_notice, "Propose to make a debt public"),
    _command(
        "/publication",
        commands.PublishNotice,
        commands.publish_notice,
        "A second officer agrees: it is public until it ends",
    ),
    _command(
        "/denial", commands.DenyNotice, commands.deny_notice, "A second officer does not agree"
    ),
    _command(
        "/withdrawal",
        commands.WithdrawNotice,
        commands.withdraw_notice,
        "Take a notice back at once",
    ),
)
