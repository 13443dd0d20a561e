"""Street problems on the board: how many are open, the city's day of them, deadlines that run."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from operator import attrgetter

from citybrain.domain.inspection.case import EVENT_OF
from citybrain.domain.inspection.case_events import CaseReported
from citybrain.domain.inspection.daily_events import CaseReclassified, CaseRelocated, Priority
from citybrain.domain.inspection.deadlines import RunningDeadline, Stage, responsible
from citybrain.domain.inspection.standing import Standing
from citybrain.domain.inspection.statuses import is_over
from citybrain.domain.times import moment
from citybrain.eventstore import RecordedEvent
from projections.board import SOON, BoardModel, Concern, State
from projections.inspection.evaluation_days import NOT_COUNTED, begun, counts_of

DEADLINE = "case-deadline"
URGENT_BEFORE = timedelta(minutes=30)
ROUND_THE_CLOCK = "hours"
"""The unit of deadlines that run in the night, too: of what cannot wait."""
KEPT = (
    "status",
    "lead",
    "departments",
    "deadlines",
    "deferred_until",
    "merged_into",
    "status_before_merge",
    "priority",
)
VALUES = attrgetter(*KEPT)


class Cases:
    """All cases, one state each; of each deadline that ran is kept when it did."""

    topics = frozenset(EVENT_OF)
    keeps_unseen = True

    def keys(self, event: RecordedEvent) -> Iterable[str]:
        """The case."""
        return (event.stream_id,)

    def take(
        self, state: State | None, event: RecordedEvent, key: str, counts: Counter[str]
    ) -> State | None:
        """Fold the event into how the case stands."""
        data, meaning = event.data, EVENT_OF[event.topic]
        if event.topic == CaseReported.TOPIC:
            state = begun(event) | {"standing": {}, "requests": {}, "case_id": event.stream_id}
            state["simulated"] = data["simulated"]
        assert state is not None
        if meaning is CaseReclassified:
            state["class_code"] = data["class_code"]
        if meaning in (CaseReported, CaseRelocated):
            state["place"] = [data["latitude"], data["longitude"]]
        requests = [
            {"request_id": request_id, "change": change}
            for request_id, change in state["requests"].items()
        ]
        standing = Standing(**state["standing"], requests=requests)
        meaning.fold(standing, data)
        state["standing"] = dict(zip(KEPT, VALUES(standing), strict=True))
        state["requests"] = {each["request_id"]: each["change"] for each in standing.requests}
        if meaning not in NOT_COUNTED:
            for what, n in counts_of(event, state).items():
                counts[what] += n
        return state

    def concerns(self, state: State) -> Iterable[Concern]:
        """Deadlines that run."""
        standing = state["standing"]
        if is_over(standing["status"]) or standing["deferred_until"] is not None:
            return
        latitude, longitude = state["place"]
        for deadline in standing["deadlines"]:
            due_at = moment(deadline["due_at"])
            urgent = _is_urgent(deadline, standing["priority"])
            yield Concern(
                kind=DEADLINE,
                code=deadline["code"],
                stream_id=state["case_id"],
                limited_at=due_at - URGENT_BEFORE if urgent else None,
                now_at=due_at,
                due_at=due_at,
                counts_at=due_at - SOON,
                owner=responsible(deadline["stage"], standing["lead"]),
                about=state["class_code"],
                latitude=latitude,
                longitude=longitude,
                simulated=state["simulated"],
            )

    def standing(self, state: State) -> Mapping[str, int]:
        """An open case; where it waits for an hour to come, that as well."""
        standing = state["standing"]
        if is_over(standing["status"]):
            return {}
        if standing["deferred_until"] is not None:
            return {"open": 1, "deferred": 1}
        return {"open": 1}


def _is_urgent(deadline: RunningDeadline, priority: str) -> bool:
    """A problem that is dealt with round the clock, or that the centre wants done first."""
    of_class = deadline["stage"] == Stage.HANDLING and deadline["unit"] == ROUND_THE_CLOCK
    return of_class or priority == Priority.URGENT


INSPECTION_BOARD = BoardModel("inspection_board", 2, (Cases(),))
