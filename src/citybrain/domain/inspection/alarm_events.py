"""The events of deadlines that come near or have passed.

The topics below are the storage format: never rename one.
"""

from typing import ClassVar

from citybrain.domain.inspection.case_events import CaseEvent
from citybrain.domain.inspection.deadlines import mark
from citybrain.domain.inspection.standing import Data, Standing


class CaseAlarm(CaseEvent):
    """Somebody is told of a deadline; `responsible` is a department, or the centre."""

    code: str
    stage: str
    due_at: str
    responsible: str
    missed: ClassVar[bool]

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        mark(standing.deadlines, data["code"], missed=cls.missed)


class CaseDeadlineWarned(CaseAlarm):
    """A deadline comes near."""

    TOPIC: ClassVar[str] = "case.deadline_warned"
    missed = False


class CaseDeadlineMissed(CaseAlarm):
    """A deadline has passed: the case is the supervisor's concern now."""

    TOPIC: ClassVar[str] = "case.deadline_missed"
    missed = True


EVENTS: tuple[type[CaseEvent], ...] = (CaseDeadlineWarned, CaseDeadlineMissed)
