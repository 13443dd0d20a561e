"""Who used a citizen's data, as the citizen sees it."""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.actor import WATCHERS, Role
from citybrain.domain.citizens.reading_rights import ACCESS_READERS, may_read_accesses
from citybrain.domain.citizens.refusals import NotYourOwn
from citybrain.http.access_texts import said
from citybrain.http.accessing import opened
from citybrain.http.citizens.citizen import citizen_id_of
from citybrain.http.paging import PagedQuery, decode_time_cursor, page, wait_for_position
from citybrain.http.problem_texts import CONTENT_LANGUAGE, language_of
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from projections.citizens import data_accesses
from projections.citizens.data_accesses import REQUESTED, AccessFacts
from projections.reading import Row

PEOPLE = frozenset(Role) - {Role.SYSTEM, Role.KIOSK, *WATCHERS}


class AccessRow(AccessFacts):
    """Who used the data, which, and for what: codes, and what they say by `Accept-Language`."""

    by: Literal["person", "process"] = Field(
        description="a person who looked, or what runs by itself because somebody applied"
    )
    role_text: str
    what_text: str
    purpose_text: str


class Accesses(BaseModel):
    """A page, newest first."""

    accesses: list[AccessRow]
    next: str | None = Field(description="send as `after` for the next page")


async def accesses(call: Call) -> web.Response:
    """Who used a citizen's data; that anybody else looks is a use of it."""
    query: PagedQuery = call.query
    citizen_id = citizen_id_of(call)
    if not may_read_accesses(call.authenticated, citizen_id):
        raise NotYourOwn("citizens act for themselves only")
    await wait_for_position(call.runtime, "data_accesses", query.min_position)
    await opened(call, [(citizen_id, citizen_id)])
    rows = await data_accesses.page(
        call.runtime.store.models,
        citizen_id,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    shown, following = page(rows, query.limit, "at", "access_id")
    language = language_of(call.request.headers.get("Accept-Language", ""))
    return json_response(
        Accesses(
            accesses=[_shown(call, row, citizen_id, language) for row in shown], next=following
        ),
        headers={"Content-Language": CONTENT_LANGUAGE[language]},
    )


def _shown(call: Call, row: Row, citizen_id: str, language: str) -> AccessRow:
    """A row in words."""
    names = call.runtime.names
    whats = ("records", "whats") if row["through"] == REQUESTED else ("whats",)
    return AccessRow(
        **{name: row[name] for name in AccessFacts.model_fields},
        by="person" if _is_persons(row, citizen_id) else "process",
        role_text=", ".join(said(role, language, names, "roles") for role in _roles(row)),
        what_text=said(row["what"], language, names, *whats),
        purpose_text=said(row["purpose"], language, names, "purposes"),
    )


def _is_persons(row: Row, citizen_id: str) -> bool:
    """Whether another person looked: neither the system nor a device, nor the citizen at one."""
    return row["who"] != citizen_id and not PEOPLE.isdisjoint(_roles(row))


def _roles(row: Row) -> list[str]:
    """What a command was sent in may be several."""
    return (row["role"] or "").split(",")


ROUTES = (
    Route(
        method="GET",
        path="/v1/citizens/{citizen_id}/accesses",
        tag="citizens",
        summary="Who used a citizen's data",
        handler=accesses,
        roles=ACCESS_READERS,
        query=PagedQuery,
        answers={200: Answer("a page, newest first", Accesses)},
        opens=Opens(what="accesses", purpose="access-question"),
    ),
)
