"""Two events that a later release may add to those of a case, one with a status of its own."""

from enum import StrEnum
from typing import Any, ClassVar, cast

import pytest
from eventsourcing.utils import register_topic

from citybrain.domain.inspection.case import EVENT_OF, InspectionCase
from citybrain.domain.inspection.case_events import CaseEvent, CaseStep
from citybrain.domain.inspection.statuses import CaseStatus
from tests.given.cases import NOW, OPERATOR


class Later(StrEnum):
    """A status of a later release."""

    FROZEN = "frozen"


class CaseFrozen(CaseStep):
    """Nothing is done before the thaw."""

    TOPIC: ClassVar[str] = "case.frozen"
    leads_to = cast(CaseStatus, Later.FROZEN)  # as if it were one of them already
    until: str


class CaseWashedAway(CaseStep):
    """The rain has solved it."""

    TOPIC: ClassVar[str] = "case.washed_away"
    leads_to = CaseStatus.CLOSED


def add_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both in the table of the domain, and nowhere else."""
    for event in (CaseFrozen, CaseWashedAway):
        monkeypatch.setitem(EVENT_OF, event.TOPIC, event)
        register_topic(event.TOPIC, event)


def took(case: InspectionCase, event: type[CaseEvent], **fields: Any) -> InspectionCase:
    case.step(OPERATOR, event, NOW, NOW, **fields)
    return case
