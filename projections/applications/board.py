"""Applications on the board: who waits, the city's day, the law's day, payouts that failed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from citybrain.city_day import CITY_ZONE
from citybrain.domain.applications import application_events
from citybrain.domain.applications.application_events import awaited_after, status_after
from citybrain.domain.applications.message_events import unanswered_after
from citybrain.domain.applications.statuses import FINAL, Status, has_ended, waits_for_officer
from citybrain.domain.applications.waiting import appeal_day, legal_day
from citybrain.domain.times import as_text, moment
from citybrain.eventstore import RecordedEvent
from projections.applications.application_days import TOPICS as COUNTED
from projections.applications.application_days import begun, counts_of
from projections.board import BoardModel, Concern, State
from projections.buckets import bucket_of

LEGAL_DAY, PAYOUT_FAILED, PAYOUT_TO_REPEAT = "legal-day", "payout-failed", "payout-to-repeat"
SECONDS = "seconds:"
"""Counts of payouts by how long they took, since the submission: the bucket follows."""
GIVEN_BACK_WITHIN = timedelta(minutes=1)
"""In which the claim of a payout that failed is free again, with nobody's help."""
A_DAY = timedelta(days=1)


class Applied:
    """All applications, one state each, until they are withdrawn or expire."""

    topics = application_events.TOPICS
    keeps_unseen = False

    def keys(self, event: RecordedEvent) -> Iterable[str]:
        """The application."""
        return (event.stream_id,)

    def take(
        self, state: State | None, event: RecordedEvent, key: str, counts: Counter[str]
    ) -> State | None:
        """Fold the event into where the application stands."""
        data, topic = event.data, event.topic
        if topic == "application.submitted":
            state = begun(event) | _submitted(event)
        if state is None:
            return None  # withdrawn or expired: who looks at it later changes nothing here
        state["awaited"] = awaited_after(topic, data, state["awaited"])
        if status := status_after(topic, data, state["awaited"], state["status"]):
            state["status"] = status.value
        state["unanswered"] = unanswered_after(topic, data, state["unanswered"])
        _follow(state, topic, data)
        if topic in COUNTED:
            counts.update(counts_of(event, state))
        if topic == "application.payout_confirmed":
            taken = (data["timestamp"] - moment(state["submitted_at"])).total_seconds()
            counts[f"{SECONDS}{bucket_of(taken)}"] += 1
        return None if state["status"] in FINAL else state

    def concerns(self, state: State) -> Iterable[Concern]:
        """The law's day of one that an officer has, and a payout that failed."""
        said: dict[str, Any] = {
            "stream_id": state["application_id"],
            "owner": state["department"],
            "about": state["service"],
            "simulated": state["simulated"],
        }
        if _waits(state):
            begins, ends = _day(date.fromisoformat(state["legal_due_on"]))
            yield Concern(
                kind=LEGAL_DAY,
                limited_at=begins,
                now_at=ends,
                due_at=ends,
                counts_at=begins,
                **said,
            )
        if state["status"] == Status.PAYOUT_FAILED and state["failed_at"] is not None:
            failed_at = moment(state["failed_at"])
            if state["compensated"]:
                yield Concern(kind=PAYOUT_TO_REPEAT, limited_at=failed_at, **said)
            else:
                yield Concern(kind=PAYOUT_FAILED, now_at=failed_at + GIVEN_BACK_WITHIN, **said)

    def standing(self, state: State) -> Mapping[str, int]:
        """One that has not ended, and whether it waits for an officer."""
        found = {}
        if not has_ended(state["status"], pays=state["pays"]):
            found["open"] = 1
        if _waits(state):
            found["waiting"] = 1
        return found


def _submitted(event: RecordedEvent) -> State:
    data = event.data
    return {
        "application_id": event.stream_id,
        "department": data["department"],
        "simulated": data["simulated"],
        "legal_due_on": str(legal_day(data["legal_due_on"], data["timestamp"])),
        "status": Status.SUBMITTED.value,
        "awaited": [],
        "unanswered": False,
        "payout_delayed": False,
        "compensated": True,
        "failed_at": None,
    }


def _follow(state: State, topic: str, data: Mapping[str, Any]) -> None:
    step = topic.partition(".")[2]
    if step in ("payout_confirmed", "payout_delayed", "payout_failed"):
        state["payout_delayed"] = step == "payout_delayed"
    if step == "payout_failed":
        state["compensated"], state["failed_at"] = False, as_text(data["timestamp"])
    elif step == "compensated":
        state["compensated"] = True
    elif step == "appealed":
        state["legal_due_on"] = str(appeal_day(data["timestamp"]))
    elif step == "resubmitted" and data["legal_due_on"] is not None:
        state["legal_due_on"] = str(legal_day(data["legal_due_on"], data["timestamp"]))


def _waits(state: State) -> bool:
    return waits_for_officer(
        state["status"], payout_delayed=state["payout_delayed"], unanswered=state["unanswered"]
    )


def _day(day: date) -> tuple[datetime, datetime]:
    """When the city's day begins and ends."""
    begins, ends = (datetime.combine(each, time(), CITY_ZONE) for each in (day, day + A_DAY))
    return begins, ends


APPLICATIONS_BOARD = BoardModel("applications_board", 1, (Applied(),))
