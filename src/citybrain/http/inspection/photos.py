"""The photos of a case, for whoever may read it: those who reported it see what was mended."""

from aiohttp import web

from citybrain.domain.inspection import reading_rights as rights
from citybrain.domain.inspection.views import photos_seen
from citybrain.http.inspection.case import case_id_of, view_of_case
from citybrain.http.photo_showing import SHOWN, PhotoQuery, photo_response
from citybrain.http.routing import Call, Route
from citybrain.photos.store import PhotoNotFound


async def show(call: Call) -> web.Response:
    """A photo that the case names, as far as whoever asks sees it."""
    case_id, digest = case_id_of(call), call.request.match_info["sha256"]
    view = await view_of_case(call, case_id)
    events = await call.runtime.store.read(case_id)
    if digest not in photos_seen(((event.topic, event.data) for event in events), view):
        raise PhotoNotFound("there is no such photo")
    return await photo_response(call, digest)


ROUTES = (
    Route(
        method="GET",
        path="/v1/cases/{case_id}/photos/{sha256}",
        summary="A photo of a case: who reported it sees those of the report and the work done",
        tag="cases",
        handler=show,
        roles=rights.ONE_CASE,
        query=PhotoQuery,
        answers=SHOWN,
    ),
)
