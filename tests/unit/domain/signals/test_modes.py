"""Who decides: power, flashing, a silent centre, clocks, commands, and the seam of two days."""

from pathlib import Path
from typing import Any

import pytest

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals import controllers, people
from citybrain.domain.signals.days import next_day, put_in_service
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.rules import Rule, Source
from citybrain.domain.signals.signal import CARRIED, LOCAL, DayIsClosed, Signal
from citybrain.domain.signals.signal_events import Called, StageApplied, milliseconds
from tests.given.signals.x1 import X1, Street, at, loaded, violations


@pytest.fixture
def x1(tmp_path: Path) -> DatedJunction:
    return loaded(tmp_path)


def test_s13_power_comes_back(x1: DatedJunction) -> None:
    street = Street.green(x1, "B", since=-60)
    street.command(-20, "C", 7)
    people.power_up(street.signal, street.junction, at(0), "A")
    assert [street.shown("L1", t) for t in (0, 9.9, 10, 15.9)] == [
        Shown.FLASH,
        Shown.FLASH,
        Shown.RED,
        Shown.RED,
    ]
    assert street.command(2, "C", 6, until=1) is Rule.COMMAND
    assert street.command(4, "C", 8) is Rule.START_AND_FLASH
    assert street.collect()[-1].broken == [int(Rule.START_AND_FLASH)]
    assert street.green_from("V1") == 16
    assert street.command(17, "C", 9) is Rule.WRITER
    assert not violations(X1, street.events, 100)


def test_s13_three_restarts_within_ten_minutes_leave_it_flashing(x1: DatedJunction) -> None:
    street = Street(x1)
    for t in (0, 200, 400):
        people.power_up(street.signal, street.junction, at(t), "A")
    assert street.shown("V1", 4000) is Shown.FLASH
    assert street.signal.faults == {"restarts": "3 restarts"}
    slow = Street(x1)
    for t in (0, 400, 1001, 1402):
        people.power_up(slow.signal, slow.junction, at(t), "A")
    assert slow.shown("V1", 4000) is Shown.GREEN


def test_s14_a_conflict_flashes_until_a_person_resets_it(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-60)
    people.report_conflict(street.signal, at(0), shown="V1 and V2 green")
    signal, junction = street.signal, street.junction
    with pytest.raises(people.OutOfService) as refused:
        people.change_mode(signal, at(1), "centre", by="centre", reason="again")
    assert refused.value.details["rule"] == 9
    with pytest.raises(people.OutOfService):
        people.take_in_hand(signal, at(2), by="o-1", reason="look", until=at(60))
    assert street.wish(3, "A") is Rule.START_AND_FLASH
    people.power_up(signal, junction, at(4), "A")
    carried = signal.carried
    signal.close(at(5), next_day="2026-09-15")
    street.collect()
    street.signal = signal = Signal.open(at(5), junction, day="2026-09-15", carried=carried)
    assert street.shown("V1", 500) is Shown.FLASH
    people.reset(signal, junction, at(600), "A", by="o-7", reason="cable replaced")
    assert [street.shown("V1", t) for t in (600, 605.9, 606)] == [Shown.RED, Shown.RED, Shown.GREEN]
    assert signal.faults == {}
    street.collect()
    assert not violations(X1, street.events, 610)


def test_s16_a_command_expires_by_our_clock(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-60)
    assert street.command(7, "B", 1, until=5) is Rule.COMMAND
    assert street.collect()[-1].detail == "expired"
    people.hear_clock(street.signal, street.junction, at(8), at(6.1))
    assert street.signal.faults == {}
    people.hear_clock(street.signal, street.junction, at(8), at(4))
    assert street.signal.faults == {"clock": "-4.0 s"}
    assert street.signal.mode == LOCAL
    assert street.command(3, "B", 2, until=5) is Rule.COMMAND, "no older clock makes it valid"


def test_s17_a_silent_centre(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-60)
    street.heard = 0
    street.run(0, 9.9)
    assert street.signal.mode == "centre"
    street.run(9.9, 10)
    assert (street.signal.mode, street.signal.mode_reason) == (LOCAL, "centre-silent")
    assert street.command(11, "B", 1, until=22) is Rule.CENTRE_SILENT
    people.change_mode(street.signal, at(12), "centre", by="centre", reason="back")
    street.heard = 12
    assert street.command(12, "C", 1) is None
    street.collect()
    assert not violations(X1, street.events, 60)


def test_s17_the_plan_is_joined_with_all_clearances(x1: DatedJunction) -> None:
    street = Street.green(x1, "B", since=-8)
    street.heard = -5
    street.run(0, 400)
    street.collect()
    applied = [each for each in street.events if isinstance(each, StageApplied)]
    assert {each.stage for each in applied} == {"A", "B", "C"}
    assert not violations(X1, street.events, 400)


def test_s19_midnight_in_the_middle_of_a_green(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-10)
    street.call(-9, "V2")
    street.command(-2, "A", 1)
    carried = street.signal.carried
    street.signal.close(at(0), next_day="2026-09-15")
    with pytest.raises(DayIsClosed):
        street.wish(0, "B")
    street.collect()
    street.signal = Signal.open(at(0), street.junction, day="2026-09-15", carried=carried)
    assert street.signal.carried == carried
    assert street.wish(0, "B") is None, "the minimum was over in the old day"
    assert street.command(1, "C", 1) is None, "known, and answered as before"
    assert street.command(1, "C", 2, until=9) is None
    assert "V2" in street.signal.calls
    street.collect()
    assert not violations(X1, street.events, 60)


def test_s19_who_waited_is_served_across_midnight(x1: DatedJunction) -> None:
    """V1 green since 23:59:50; V2 has waited since 23:58:10 and is green by 00:00:10."""
    street = Street.green(x1, "B", since=-60)
    signal = street.signal
    waits = milliseconds(at(-110))
    signal.trigger_event(Called, timestamp=at(-59), group="V2", since=waits, by="detector")
    assert street.wish(-15, None, groups=frozenset({"V1"})) is None
    assert street.green_from("V1") == -10
    street.run(-10, 0)
    carried = signal.carried
    signal.close(at(0), next_day="2026-09-15")
    street.collect()
    street.signal = Signal.open(at(0), street.junction, day="2026-09-15", carried=carried)
    street.run(0, 20)
    assert -3 < street.green_from("V2") <= 10
    street.collect()
    assert not violations(X1, street.events, 20)


def test_all_of_the_state_goes_on_into_the_next_day(x1: DatedJunction) -> None:
    of_the_day = {"junction", "day", "definition_version", "closed", "reason", "simulated"}
    members = {name for name in vars(Signal.open(at(0), x1.junction, day="d")) if name[0] != "_"}
    assert members - of_the_day == set(CARRIED)


def test_a_made_up_junction_is_made_up_on_each_day(x1: DatedJunction) -> None:
    signal = put_in_service(x1.junction, at(0), "A", "new", simulated=True)
    following = next_day(signal, x1.junction, at(86_400), "A")
    assert following.simulated
    state = dict[str, Any]()
    Signal.upcast_v2_v3(state)
    assert state == {"simulated": False}, "of before anybody could say so"


def test_s42_refusals_can_be_counted_and_move_no_timer(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=0)
    before = street.signal.carried
    for number in range(1, 8):
        assert street.command(1 + number / 2, "B", number) is Rule.PEDESTRIANS
    for number in range(8, 11):
        assert street.command(6, "B", number, until=5) is Rule.COMMAND
    for number in range(11, 13):
        assert street.command(6, "B", number, epoch=99) is Rule.COMMAND
    assert street.command(6.5, "B", 3) is Rule.PEDESTRIANS, "the same refusal again"
    refused = street.collect()
    assert [each.rule for each in refused] == [8] * 7 + [12] * 5
    after = street.signal.carried
    for member in set(CARRIED) - {"outcomes", "last_sequence"}:
        assert after[member] == before[member]
    assert street.command(7, "B", 20) is None
    assert street.command(7, "C", 19) is Rule.COMMAND
    assert not violations(X1, street.events, 60)


def test_the_ladder_of_who_decides(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-60)
    assert street.wish(0, "B", source=Source.LOCAL) is Rule.WRITER
    people.take_in_hand(street.signal, at(1), by="o-1", reason="accident", until=at(600))
    street.preempt(2, "B")
    assert street.signal.granted is None, "a person's hand goes before a vehicle"
    assert street.wish(3, "C") is Rule.WRITER
    assert street.wish(3, "C", source=Source.HAND) is None
    with pytest.raises(people.InAnotherHand):
        people.give_back(street.signal, at(4), by="o-2")
    people.give_back(street.signal, at(30), by="o-1")
    street.wake(30)
    assert street.signal.granted == "E1"
    street.collect()
    assert not violations(X1, street.events, 60)


def test_a_hand_ends_by_itself(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-60)
    with pytest.raises(people.HandTooLong):
        people.take_in_hand(street.signal, at(0), by="o-1", reason="look", until=at(20_000))
    people.take_in_hand(street.signal, at(0), by="o-1", reason="look", until=at(60))
    street.run(0, 61)
    assert street.signal.hand is None


def test_what_a_controller_shows_is_checked_beside_what_was_decided(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-60)
    controllers.connect(street.signal, at(0), "signal:x1")
    assert street.wish(0, "B") is None
    awaited = street.signal.unacknowledged
    assert awaited is not None
    shown = dict.fromkeys(street.junction.groups, Shown.RED)
    said: dict[str, Any] = {"command": awaited["number"], "followed": True, "said_at": at(1)}
    wrong = shown | {"V1": Shown.GREEN, "V2": Shown.GREEN}
    controllers.hear(street.signal, street.junction, at(1), lamps=wrong, **said)
    assert street.signal.unacknowledged is None
    assert street.signal.faults["lamps"] == "P1 red, V2 green"
    assert (street.signal.mode, street.signal.mode_reason) == (LOCAL, "lamps")
    street.collect()
    found = violations(X1, street.events, 2)
    assert [(each.rule, each.groups) for each in found] == [(1, ("V1", "V2"))]


def test_a_controller_that_does_not_acknowledge_is_silent(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-60)
    controllers.connect(street.signal, at(0), "signal:x1")
    assert street.wish(0, "B") is None
    for t in (5, 9.9):
        controllers.note_silence(street.signal, street.junction, at(t), milliseconds(at(t)))
        assert street.signal.faults == {}
    assert controllers.silent_from(street.signal, street.junction, None) == milliseconds(at(10))
    controllers.note_silence(street.signal, street.junction, at(10), milliseconds(at(10)))
    assert "not followed" in street.signal.faults["controller"]
    assert street.signal.mode == LOCAL
