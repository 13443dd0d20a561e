"""Follows the schedule of a junction: which plan is due at which time of day.

What a person activated stays until the next plan becomes due. Whoever was away when it did makes
good for it.
"""

from datetime import datetime

from citybrain.definitions.calendars import BusinessCalendar
from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.definitions.signals.schedule import due_plan, next_due
from citybrain.domain.signals import people
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from commands.signals.streams import plan_of

BY, REASON = "schedule", "time-of-day"


def follow_schedule(
    signal: Signal, dated: DatedJunction, calendar: BusinessCalendar, now: datetime
) -> int | None:
    """Activate the plan that is due; when to ask again, in milliseconds since 1970.

    None where the junction has no schedule. A plan whose cycle differs too much from the one that a
    person activated is refused and recorded (rule 11), and the person's goes on.
    """
    schedule = dated.file.schedule
    due, following = due_plan(schedule, calendar, now), next_due(schedule, calendar, now)
    if due is None or following is None:
        return None
    current = plan_of(dated, signal)
    activated = -1 if signal.offset is None else signal.offset[1]
    if due.plan != current.code and activated < milliseconds(due.since):
        people.activate_plan(
            signal, dated.junction, now, dated.plans[due.plan], current, by=BY, reason=REASON
        )
    return milliseconds(following.since)
