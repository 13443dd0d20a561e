"""How a case stands, folded from the plain values of its events: one home for whoever follows it.

The state of the case follows its events by the same fold as the read models do: a status that an
event leads to, and what else it changes here, is said in the class of the event and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from citybrain.domain.inspection.deadlines import RunningDeadline, Stage, follow
from citybrain.domain.inspection.statuses import CaseStatus

Data = Mapping[str, Any]
"""The values of an event, by the names of its fields."""


@dataclass(slots=True)
class Standing:
    """What follows from the events alone. The state of a case has all of it and more.

    A read model that keeps less begins with what it keeps, and leaves out of sight what follows
    from the rest.
    """

    status: str = CaseStatus.REPORTED.value
    lead: str | None = None
    departments: list[str] = field(default_factory=list)
    deadlines: list[RunningDeadline] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    deferred_until: str | None = None
    merged_into: str | None = None
    status_before_merge: str | None = None
    deadlines_before_merge: list[RunningDeadline] = field(default_factory=list)
    times_returned: int = 0
    times_reopened: int = 0
    visibility: str = "public"
    description_sealed: str | None = None
    public_photos: list[str] = field(default_factory=list)
    priority: str = "normal"
    assignees: dict[str, str] = field(default_factory=dict)
    rating: int | None = None
    asset_code: str | None = None


class Folded:
    """What an event means for how its case stands; the base of all events of a case."""

    leads_to: ClassVar[CaseStatus | None] = None
    """The status that it leads to; None where the case stays where it is."""

    ends: ClassVar[tuple[Stage, ...]] = ()
    """The stages that it completes: their deadlines are met."""

    drops: ClassVar[tuple[Stage, ...]] = ()
    """The stages that it leaves: their deadlines end without being met."""

    @classmethod
    def reached(cls, standing: Standing, data: Data) -> CaseStatus | None:
        """The status that a case which stands so reaches by it, if any."""
        return cls.leads_to

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        """Bring the standing up to the event."""
        follow(standing.deadlines, data)
        reached = cls.reached(standing, data)
        if reached is not None:
            standing.status = str(reached)

    @classmethod
    def adds_detections(cls, data: Data) -> int:
        """How many more detections are evidence of the case, or fewer."""
        return 0
