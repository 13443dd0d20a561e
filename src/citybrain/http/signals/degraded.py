"""Junctions that are not all they could be, each with the reasons: what to see to first."""

from enum import StrEnum

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.signals.detector_faults import PREFIX
from citybrain.domain.signals.detector_health import Standing
from citybrain.domain.signals.requesting import SILENT
from citybrain.domain.signals.signal import DARK, FLASHING, LOCAL, Signal
from citybrain.domain.signals.signal_events import moment
from citybrain.http.paging import PagedQuery, page_by, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.signals.junctions import MODEL, READERS
from commands.signals.observation_reads import Stands, standings
from commands.signals.streams import junctions_known
from projections.signals import junctions


class Why(StrEnum):
    """Why a junction is degraded."""

    FLASHING = "flashing"
    DARK = "dark"
    CENTRE_SILENT = "centre-silent"
    FAULT = "fault"  # of the controller, its clock or its lamps
    DETECTOR = "detector"  # its lane gets the plan's share


class DegradedReason(BaseModel):
    """One reason. `of`: the fault, or the detector; `detail`: what is wrong with it."""

    reason: Why
    of: str | None
    detail: str
    lane: str | None = Field(description="of a detector")
    since: AwareDatetime | None


class DegradedJunction(BaseModel):
    """A junction that is degraded."""

    junction: str
    reasons: list[DegradedReason]


class DegradedJunctions(BaseModel):
    """A page of junctions, by code."""

    junctions: list[DegradedJunction]
    next: str | None


class DegradedQuery(PagedQuery):
    """Which of them."""

    after: str | None = Field(None, max_length=32, description="`next` of the page before")


async def list_degraded(call: Call) -> web.Response:
    """The junctions that are degraded now."""
    query: DegradedQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    services = call.runtime.services
    reasons: dict[str, list[DegradedReason]] = {}
    for each in await junctions.troubled(call.runtime.store.models):
        reasons.setdefault(each.signal.junction, []).extend(_of_signal(each.signal))
    codes = await junctions_known(services)
    for found in await standings(services, codes):
        if found.judged.standing is Standing.FAILED:
            reasons.setdefault(found.junction, []).append(_of_detector(found))
    rows = [
        DegradedJunction(junction=code, reasons=why)
        for code, why in sorted(reasons.items())
        if why and (query.after is None or code > query.after)
    ]
    shown, following = page_by(rows[: query.limit + 1], query.limit, lambda each: each.junction)
    return json_response(DegradedJunctions(junctions=shown, next=following))


def _of_signal(signal: Signal) -> list[DegradedReason]:
    """What its stream says; of detectors it is known first-hand."""
    found = []
    if signal.standing == FLASHING and signal.flash is not None:
        since = moment(signal.flash["since"])
        found.append(_reason(Why.FLASHING, None, signal.flash["kind"], since=since))
    elif signal.standing == DARK:
        found.append(_reason(Why.DARK, None, "never powered up"))
    elif signal.mode == LOCAL and signal.mode_reason == SILENT:
        found.append(_reason(Why.CENTRE_SILENT, None, "follows its plan"))
    return found + [
        _reason(Why.FAULT, fault, detail)
        for fault, detail in sorted(signal.faults.items())
        if not fault.startswith(PREFIX)
    ]


def _of_detector(found: Stands) -> DegradedReason:
    judged = found.judged
    return _reason(
        Why.DETECTOR,
        found.detector.code,
        "" if judged.fault is None else judged.fault.value,
        lane=found.detector.lane,
        since=moment(judged.since),
    )


def _reason(
    reason: Why,
    of: str | None,
    detail: str,
    *,
    lane: str | None = None,
    since: AwareDatetime | None = None,
) -> DegradedReason:
    return DegradedReason(reason=reason, of=of, detail=detail, lane=lane, since=since)


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/degraded",
        tag="signals",
        summary="Junctions that are not all they could be, and why",
        handler=list_degraded,
        roles=READERS,
        query=DegradedQuery,
        answers={200: Answer("a page, by code", DegradedJunctions)},
    ),
)
