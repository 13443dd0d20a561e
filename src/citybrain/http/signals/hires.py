"""A junction's high-resolution log over HTTP, as CSV that ATSPM tools read."""

from datetime import timedelta

from aiohttp import web

from citybrain.audit.signals.hires_csv import written
from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.signals.signal_events import moment
from citybrain.eventstore import StreamNotFound
from citybrain.http.paging import wait_for_position
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route
from citybrain.http.signals.history import READERS, Span

MODELS = ("signal_lamps", "signal_changes")
LONGEST = timedelta(days=2)


async def show(call: Call) -> web.Response:
    """The events of a junction's lamps."""
    query: Span = call.query
    for model in MODELS:
        await wait_for_position(call.runtime, model, query.min_position)
    services, junction = call.runtime.services, call.request.match_info["junction"]
    since, until = query.span(services.clock())
    if moment(until) - moment(since) > LONGEST:
        raise Malformed("a file has two days at most")
    dated = services.definitions.of(SignalDefinitions).at(junction, moment(since))
    if dated is None:
        raise StreamNotFound("there was no such junction then")
    text = await written(call.runtime.store.models, dated, since, until)
    return web.Response(
        text=text,
        content_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{junction}-hires.csv"'},
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/junctions/{junction}/hires.csv",
        tag="signals",
        summary="The high-resolution log with Indiana event codes, as CSV for ATSPM tools",
        handler=show,
        roles=READERS,
        query=Span,
        answers={200: Answer("text/csv: SignalID, Timestamp, EventCode, EventParam")},
        may_be_missing=True,
    ),
)
