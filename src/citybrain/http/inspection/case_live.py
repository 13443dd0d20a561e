"""A case as it goes on, over HTTP: what happened to it so far, then each new entry as it comes.

What the timeline answers a page at a time; whoever follows sees no more of a case than there, and
none of it from the moment on at which it is not theirs to read any more.
"""

import re
from collections.abc import AsyncGenerator

import orjson
from aiohttp import web

from citybrain.domain.inspection import reading_rights as rights
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.statuses import is_over
from citybrain.eventstore import StreamNotFound
from citybrain.http.inspection.case import case_id_of, view_of_case
from citybrain.http.inspection.timeline import entries_told
from citybrain.http.looking import Looking
from citybrain.http.routing import Answer, Call, Opens, Route
from citybrain.http.sse import last_seen, message, stream_events
from projections.inspection import case_timeline
from projections.inspection.case_timeline import CaseTimeline

ENDED = "-end"
SEEN = re.compile(r"[0-9]{1,9}(-end)?")
MOST_AT_ONCE = 200


async def live(call: Call) -> web.StreamResponse:
    """The entries so far and each new one, until the case is over.

    Who connects again has those behind `Last-Event-ID`. 204 tells who has seen the end that there
    is no more; where the case was opened again, it goes on.
    """
    case_id = case_id_of(call)
    call.accounted = True  # by each look, below
    await view_of_case(call, case_id)
    case = await call.runtime.store.load(InspectionCase, case_id)
    last = last_seen(call.request, SEEN, "the id of a message of this stream") or "0"
    seen = int(last.removesuffix(ENDED))
    if last.endswith(ENDED) and is_over(case.status) and case.version <= seen:
        return web.Response(status=204)
    return await stream_events(call.request, call.runtime, _entries(call, case_id, seen))


async def _entries(call: Call, case_id: str, seen: int) -> AsyncGenerator[bytes, None]:
    """Looks again when the log has grown, until it is over or is not theirs any more."""
    store, noted, first = call.runtime.store, set[str](), True
    looking = Looking(store, CaseTimeline.name)
    while True:
        await looking.begin()
        rows = await case_timeline.newer(store.models, case_id, seen, limit=MOST_AT_ONCE)
        look_closer, first = bool(rows) or first, False
        if look_closer:
            try:
                view = await view_of_case(call, case_id)
            except StreamNotFound:
                return
            for entry in await entries_told(call, rows, view, noted):
                data = orjson.dumps(entry.model_dump(mode="json"))
                yield message("step", data, identity=entry.version)
            seen = rows[-1]["version"] if rows else seen
            case = await store.load(InspectionCase, case_id)
            if is_over(case.status) and case.version <= seen:
                end = orjson.dumps({"status": case.status})
                yield message("end", end, identity=f"{seen}{ENDED}")
                return
        await looking.rest(found=look_closer)


ROUTES = (
    Route(
        method="GET",
        path="/v1/cases/{case_id}/live",
        summary="The history of a case as it goes on (server-sent events)",
        tag="cases",
        handler=live,
        roles=rights.ONE_CASE,
        answers={200: Answer("text/event-stream of `step`, each a timeline entry, then `end`")},
        streaming=True,
        opens=Opens(what="report", purpose="street-case"),
    ),
)
