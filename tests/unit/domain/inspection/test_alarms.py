"""Alarms: each deadline is warned of and missed once."""

from datetime import timedelta

from citybrain.domain.inspection import alarms
from tests.given.case_changes import HOUR, SYSTEM, accepted
from tests.given.cases import NOW
from tests.given.streams import events_of, topics


def test_each_deadline_is_warned_of_and_missed_once() -> None:
    case = accepted()
    times: list[float] = []
    while (alarm := alarms.alarm_at(case)) is not None and len(times) < 9:
        times.append((alarm - NOW) / HOUR)
        alarms.raise_alarms(case, SYSTEM, alarm)
        alarms.raise_alarms(case, SYSTEM, alarm)
    assert times == [1.5, 2, 9, 12]
    assert topics(case) == ["case.deadline_warned", "case.deadline_missed"] * 2
    assert {event.responsible for event in events_of(case)} == {"municipal-works"}


def test_after_a_long_silence_only_what_was_missed_is_said() -> None:
    case = accepted()
    alarms.raise_alarms(case, SYSTEM, NOW + timedelta(days=9))
    assert topics(case) == ["case.deadline_missed"] * 2
    assert alarms.alarm_at(case) is None
