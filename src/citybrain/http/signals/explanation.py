"""Why a light changed, over HTTP: in Chinese and in English."""

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.audit.signals.explanation import Explanation, explain
from citybrain.domain.signals.signal_events import milliseconds, moment
from citybrain.eventstore import StreamNotFound
from citybrain.http.paging import ReadModelQuery, wait_for_position
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.signals.history import READERS, SignalChange, SignalRefusal, check_kept
from commands.fields import Moment

MODELS = ("signal_lamps", "signal_changes")


class ServedWait(BaseModel):
    """Somebody who was served by the change."""

    group: str
    waited_s: float


class SignalExplanation(BaseModel):
    """The change of lamps that was in force, and what it rested on."""

    change: SignalChange
    stage_before: str | None
    served: list[ServedWait]
    refused: list[SignalRefusal] = Field(description="wishes since the change before it")
    text_zh: list[str]
    text_en: list[str]


class ExplanationQuery(ReadModelQuery):
    """At which moment."""

    at: Moment | None = Field(None, description="now where left out")


async def show(call: Call) -> web.Response:
    """Why lamps were as they were."""
    query: ExplanationQuery = call.query
    for model in MODELS:
        await wait_for_position(call.runtime, model, query.min_position)
    junction = call.request.match_info["junction"]
    now = call.runtime.services.clock()
    if query.at is not None and query.at > now:
        raise Malformed("what will be decided is not known yet")
    check_kept(query.at or now, now)
    found = await explain(call.runtime.store.models, junction, milliseconds(query.at or now))
    if found is None:
        raise StreamNotFound("nothing had happened to this junction then")
    return json_response(shown(found))


def shown(found: Explanation) -> SignalExplanation:
    """As it is told."""
    chinese, english = found.text
    return SignalExplanation(
        change=SignalChange(**found.change | {"at": moment(found.change["at"])}),
        stage_before=found.before and found.before["stage"],
        served=[
            ServedWait(group=each.group, waited_s=each.waited_ms / 1000) for each in found.served
        ],
        refused=[SignalRefusal(**row | {"at": moment(row["at"])}) for row in found.refused],
        text_zh=list(chinese),
        text_en=list(english),
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/junctions/{junction}/explanation",
        tag="signals",
        summary="Why a light changed then: who decided, what it rested on, what was refused before",
        handler=show,
        roles=READERS,
        query=ExplanationQuery,
        answers={200: Answer("the change that was in force", SignalExplanation)},
        may_be_missing=True,
    ),
)
