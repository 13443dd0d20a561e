"""All read models, by name."""

from citybrain.errors import InvalidInput
from projections.application_days import ApplicationDays
from projections.applications import Applications
from projections.cameras import Cameras
from projections.case_days import CaseDays
from projections.case_desk import CaseDesk
from projections.case_timeline import CaseTimeline
from projections.data_accesses import DataAccesses
from projections.detections import Detections
from projections.evaluation_days import EvaluationDays
from projections.heat_grid import HeatGrid
from projections.identity_days import IdentityDays
from projections.projection import Projection
from projections.refusal_days import RefusalDays
from projections.service_requests import ServiceRequests
from projections.source_days import SourceDays
from projections.streams import Streams
from projections.suspected_duplicates import SuspectedDuplicates

PROJECTIONS: tuple[Projection, ...] = (
    CaseDesk(), CaseTimeline(), CaseDays(), EvaluationDays(), HeatGrid(), Streams(),
    SuspectedDuplicates(), IdentityDays(),
    Applications(), ApplicationDays(), SourceDays(), RefusalDays(), DataAccesses(),
    ServiceRequests(), Detections(), Cameras(),
)  # fmt: skip


class UnknownProjection(InvalidInput):
    """There is no projection of this name."""

    code = "unknown-projection"


def projection_named(name: str) -> Projection:
    """The projection; raises `UnknownProjection`."""
    for projection in PROJECTIONS:
        if projection.name == name:
            return projection
    known = ", ".join(projection.name for projection in PROJECTIONS)
    raise UnknownProjection(f"there is no projection {name!r}; there are {known}")
