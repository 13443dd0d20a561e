"""Junctions of the definitions run in the server: day after day, whoever leads."""

from datetime import UTC, datetime, timedelta

from citybrain.audit.signals.exports import read_log
from citybrain.domain.signals import people
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.eventstore import EventStore
from commands.signals.streams import definition_of
from tests.given.services import context
from tests.given.signals.controlled import OFFICER, RENMIN, Centre, in_service

NOON = datetime(2026, 9, 14, 4, 0, tzinfo=UTC)
"""Noon in the city."""
MIDNIGHT = datetime(2026, 9, 14, 16, 0, tzinfo=UTC)


async def call(centre: Centre, group: str) -> None:
    """Somebody presses the button at `group` of the first junction."""
    store, signal_id = centre.services.store, centre.control.signal("renmin_1").id
    signal = await store.load(Signal, signal_id)
    junction = definition_of(centre.services, signal).junction
    assert people.call(signal, junction, centre.clock(), group, by="button")
    await store.save(signal, metadata=context(OFFICER).metadata())
    await centre.hear()


async def test_four_junctions_follow_their_plans(store: EventStore) -> None:
    centre = await Centre.over(store, NOON)
    await in_service(centre, *RENMIN)
    await centre.run(900)
    journals = await read_log(store)
    for code in RENMIN:
        stages = [each.data["stage"] for each in journals[code] if "stage" in each.data]
        assert stages[:7] == ["A", "B", "C", "A", "B", "C", "A"], "as its plan says"
        assert 29 <= len(stages) <= 33, "three in a cycle of ninety seconds"
        signal = centre.control.signal(code)
        assert signal.version == (await store.load(Signal, signal.id)).version
    assert await centre.violations() == {code: [] for code in RENMIN}


async def test_greens_begin_where_the_plan_says(store: EventStore) -> None:
    centre = await Centre.over(store, NOON)
    await in_service(centre, "renmin_1")
    await centre.run(900)
    starts = [
        each.data["starts"]["V1"]
        for each in (await read_log(store))["renmin_1"]
        if "V1" in each.data.get("starts", {})
    ]
    assert len(starts) > 8
    assert {start % 90_000 for start in starts[1:]} == {0}, "cycle 90 s, offset 0"


async def test_s19_midnight_in_the_middle_of_a_green(store: EventStore) -> None:
    """The new day begins at midnight, no minimum begins anew, and who waits is served in time."""
    centre = await Centre.over(store, MIDNIGHT - timedelta(seconds=200))
    await in_service(centre, "renmin_1")
    await centre.run_until(MIDNIGHT - timedelta(seconds=20))
    await call(centre, "P1")
    called = milliseconds(centre.clock())
    await centre.run_until(MIDNIGHT - timedelta(milliseconds=1))
    before = centre.control.signal("renmin_1")
    assert before.day == "2026-09-14"
    lamps, epoch, calls = before.lamps, before.epoch, dict(before.calls)
    await centre.run_until(MIDNIGHT)
    after = centre.control.signal("renmin_1")
    assert (after.day, after.epoch, after.calls) == ("2026-09-15", epoch, calls)
    assert after.lamps == lamps, "a green goes on with the moment at which it began"
    await centre.run(200)
    starts = [
        event.data["starts"]["P1"]
        for event in (await read_log(store))["renmin_1"]
        if "P1" in event.data.get("starts", {})
    ]
    assert any(called < start <= called + 90_000 for start in starts)
    old = [event.topic for event in await store.read("signal-renmin_1-2026-09-14")]
    assert old.count("signal.day_closed") == 1
    assert old[-1] == "signal.day_closed"
    assert await centre.violations() == {"renmin_1": []}


async def test_a_day_is_closed_when_no_lamp_is_between_two_colours(store: EventStore) -> None:
    centre = await Centre.over(store, MIDNIGHT - timedelta(seconds=10))
    await in_service(centre, "renmin_1")  # flashing and all red until midnight and behind it
    await centre.run(120)
    first = await store.read("signal-renmin_1-2026-09-14")
    second = await store.read("signal-renmin_1-2026-09-15")
    opened = ["signal.day_opened", "signal.powered_up"]
    assert [each.topic for each in first] == [*opened, "signal.day_closed"]
    green_from = second[0].data["carried"]["lamp_times"]["V1"][0]
    assert green_from > milliseconds(MIDNIGHT)
    assert milliseconds(first[-1].data["timestamp"]) == green_from, "once the lamps have settled"
    assert await centre.violations() == {"renmin_1": []}


async def test_what_a_crash_left_between_two_days_is_made_good(store: EventStore) -> None:
    centre = await Centre.over(store, MIDNIGHT - timedelta(seconds=200))
    await in_service(centre, "renmin_1")
    await centre.run(150)
    signal = centre.control.signal("renmin_1")
    centre.clock.now = MIDNIGHT
    signal.close(centre.clock(), next_day="2026-09-15")
    await store.save(signal, metadata=context(OFFICER).metadata())
    await centre.take_over()  # the process died before it opened the next day
    await centre.run(60)
    assert centre.control.signal("renmin_1").day == "2026-09-15"
    assert await centre.violations() == {"renmin_1": []}


async def test_days_that_nobody_saw_are_left_out(store: EventStore) -> None:
    centre = await Centre.over(store, NOON)
    await in_service(centre, "renmin_1")
    await centre.run(60)
    centre.clock.now += timedelta(days=3)
    await centre.take_over()
    await centre.run(1)
    assert centre.control.signal("renmin_1").day == "2026-09-17"


async def test_what_others_append_is_followed(store: EventStore) -> None:
    """A person takes the junction in hand: the plan rests from that moment on."""
    centre = await Centre.over(store, NOON)
    await in_service(centre, "renmin_1")
    await centre.run(100)
    held = await store.load(Signal, centre.control.signal("renmin_1").id)
    until = centre.clock() + timedelta(seconds=200)
    people.take_in_hand(held, centre.clock(), by="o-1", reason="accident", until=until)
    await store.save(held, metadata=context(OFFICER).metadata())
    before = held.version
    await centre.run(190)
    signal = centre.control.signal("renmin_1")
    assert (signal.version, signal.hand is not None) == (before, True)
    await centre.run(120)
    assert centre.control.signal("renmin_1").hand is None
    assert centre.control.signal("renmin_1").version > before + 1, "the plan goes on"


async def test_who_came_first_is_not_overwritten(store: EventStore) -> None:
    """An append that the process has not heard of yet: it reads again, and decides anew."""
    centre = await Centre.over(store, NOON)
    await in_service(centre, "renmin_1")
    await centre.run(100)
    other = await store.load(Signal, centre.control.signal("renmin_1").id)
    people.flash(other, centre.clock(), kind="by-hand", detail="")
    await store.save(other, metadata=context(OFFICER).metadata())
    control = centre.control
    for _ in range(200):
        centre.clock.now += timedelta(seconds=1)
        await control.tick()
    signal = control.signal("renmin_1")
    assert signal.flash is not None
    assert signal.shown("V1", milliseconds(centre.clock())) is Shown.FLASH
    assert (await store.read(signal.id))[-1].topic == "signal.flash_begun"
