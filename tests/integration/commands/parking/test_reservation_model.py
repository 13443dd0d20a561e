"""Anybody reserves anything in any order: no berth has two holders, and no fen is lost.

Three citizens want two berths at overlapping times; the bank refuses, says nothing or pays in
silence; cameras see whoever they see, early and late; steps of the process managers are left out,
taken again, and taken at once. After each of that the log is held against what was promised, by
eyes that know no state of ours: whose a berth was is read from the calendars' events, where the
money is from the bank's own book.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from citybrain.domain.parking.arrivals import Outcome
from citybrain.domain.parking.claim import claim_id
from citybrain.domain.parking.claim_events import RefundState
from citybrain.domain.parking.reservation import DEPOSIT
from citybrain.errors import CitybrainError
from citybrain.eventstore import StreamNotFound, open_event_store
from citybrain.payments import Kind
from citybrain.settings import Settings
from commands.parking.reductions import RefundAgain, refund_again
from commands.parking.reservations import (
    CancelReservation,
    MoveReservation,
    ReportObstruction,
    SettleConflict,
    cancel_reservation,
    move_reservation,
    report_obstruction,
    settle_conflict,
)
from tests.given.parking.deposit_bank import WAYS
from tests.given.parking.reservations import OFFICER, clock
from tests.given.parking.reserving import BERTHS, Street, sent
from tests.given.storm import examples

PLATES = ("豫A2W200", "豫A8X800", "豫B9Y911")
SEEN_PLATES = (*PLATES, "豫C3Z333", "A2W200", None)
SPANS = (("14:00", "15:00"), ("14:30", "15:30"), ("15:00", "16:00"), ("23:30", "25:00"))
ENDED = {"completed", "no-show", "cancelled", "lapsed", "lost", "given-back"}
RUNS: list[int] = []
CAME_OF_IT: Counter[str] = Counter()
"""How the reservations ended."""

some, person = st.integers(0, 9), st.integers(0, 2)
berth, span = st.sampled_from(BERTHS[:2]), st.sampled_from(SPANS)
late = st.integers(0, 900)  # seconds until something is told


class Reserving(RuleBasedStateMachine):
    """A street with two berths, three citizens and a bank."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    street: Street

    def __init__(self) -> None:
        super().__init__()
        RUNS.append(0)
        self.began = self.run(self.street.services.store.head())
        self.street.bank.forget()
        self.street.now = clock("13:00") + timedelta(days=10 * len(RUNS))
        self.midnight = self.street.now - timedelta(hours=13)
        self.people = [self.run(self.street.citizen()) for _ in range(3)]
        self.made: list[tuple[str, int]] = []

    # --- what people do

    @initialize(chosen=st.lists(st.tuples(person, berth, span), min_size=2, max_size=4))
    def some_have_reserved(self, chosen: list[tuple[int, str, tuple[str, str]]]) -> None:
        for each in chosen:
            self.reserve(*each)

    @rule(person=person, berth=berth, span=span)
    def reserve(self, person: int, berth: str, span: tuple[str, str]) -> None:
        """Hold, pay and go on, as far as the bank lets it."""
        before = len(self.made)
        self.run(self._hold(person, berth, span))
        for one, who in self.made[before:]:
            self._try(self.street.ask(self.people[who], one))
            self._try(self.street.go_on(one))

    @rule(one=person, other=person, berth=berth, span=span)
    def the_hold_runs_out_while_paying(
        self, one: int, other: int, berth: str, span: tuple[str, str]
    ) -> None:
        self.street.bank.way = "pays-in-silence"
        self.reserve(one, berth, span)
        self.street.now += timedelta(minutes=10)
        self.hold(other, berth, span)
        self.street.bank.way = "ok"
        self.all_go_on_at_once()

    @rule(person=person, berth=berth, span=span)
    def hold(self, person: int, berth: str, span: tuple[str, str]) -> None:
        self.run(self._hold(person, berth, span))

    @rule(one=person, other=person, berth=berth, span=span)
    def two_hold_at_once(self, one: int, other: int, berth: str, span: tuple[str, str]) -> None:
        self.run(self._together(self._hold(who, berth, span) for who in (one, other)))

    async def _hold(self, person: int, berth: str, span: tuple[str, str]) -> None:
        with suppress(CitybrainError):
            start, end = (self._at(each) for each in span)
            found = await self.street.hold_span(
                self.people[person], berth, start, end, PLATES[person]
            )
            self.made.append((found, person))

    @precondition(lambda self: self.made)
    @rule(which=some)
    def confirm(self, which: int) -> None:
        one, person = self._chosen(which)
        self._try(self.street.ask(self.people[person], one))

    @precondition(lambda self: self.made)
    @rule(which=some)
    def cancel(self, which: int) -> None:
        one, person = self._chosen(which)
        who = sent(self.people[person])
        self._try(cancel_reservation(one, CancelReservation(), who, self.street.services))

    @precondition(lambda self: self.made)
    @rule(which=some, berth=berth)
    def move(self, which: int, berth: str) -> None:
        one, person = self._chosen(which)
        who, wanted = sent(self.people[person]), MoveReservation(berth=berth)
        self._try(move_reservation(one, wanted, who, self.street.services))

    @precondition(lambda self: self.made)
    @rule(which=some)
    def report(self, which: int) -> None:
        one, person = self._chosen(which)
        who = sent(self.people[person])
        self._try(report_obstruction(one, ReportObstruction(), who, self.street.services))

    @precondition(lambda self: self.made)
    @rule(which=some, outcome=st.sampled_from(Outcome))
    def settle(self, which: int, outcome: Outcome) -> None:
        one, _ = self._chosen(which)
        said = SettleConflict(outcome=outcome, note="seen")
        self._try(settle_conflict(one, said, sent(OFFICER), self.street.services))

    # --- what happens

    @rule(berth=berth, plate=st.sampled_from(SEEN_PLATES), late=late)
    def a_vehicle_comes(self, berth: str, plate: str | None, late: int) -> None:
        self._note()
        at = self.street.now - timedelta(seconds=late)
        self._try(self.street.comes_at(plate, berth, at))

    @precondition(lambda self: self.made)
    @rule(which=some, minutes=st.integers(-20, 20), late=late)
    def its_vehicle_comes(self, which: int, minutes: int, late: int) -> None:
        """Around the time of a reservation, told so much later."""
        one, person = self._chosen(which)
        reservation = self.run(self.street.load(one))
        at = reservation.start + timedelta(minutes=minutes)
        if at + timedelta(seconds=late) >= self.street.now:
            self.street.now = at + timedelta(seconds=late)
            self._try(self.street.ring(one))
            self._try(self.street.comes_at(PLATES[person], reservation.berth, at))

    @rule(berth=berth, plate=st.sampled_from(SEEN_PLATES), late=late)
    def a_vehicle_goes(self, berth: str, plate: str | None, late: int) -> None:
        self._note()
        at = self.street.now - timedelta(seconds=late)
        self._try(self.street.goes_at(plate, berth, at))

    @rule(minutes=st.sampled_from((1, 5, 15, 60)))
    def time_passes(self, minutes: int) -> None:
        self._note()
        self.street.now += timedelta(minutes=minutes)

    @precondition(lambda self: self.made)
    @rule()
    def alarms_ring(self) -> None:
        self._note()
        self.run(self._together(self.street.ring(one) for one, _ in self.made))

    @rule(way=st.sampled_from(WAYS))
    def the_bank_changes_its_ways(self, way: str) -> None:
        self._note()
        self.street.bank.way = way

    # --- the process managers

    @precondition(lambda self: self.made)
    @rule(which=some)
    def one_goes_on(self, which: int) -> None:
        one, _ = self._chosen(which)
        self._try(self.street.drive(one).run())

    @precondition(lambda self: self.made)
    @rule(which=some)
    def one_is_collected(self, which: int) -> None:
        one, _ = self._chosen(which)
        self._try(self.street.collected(one))

    @precondition(lambda self: self.made)
    @rule()
    def all_go_on_at_once(self) -> None:
        self._note()
        self.run(self._together(self.street.go_on(one) for one, _ in self.made))

    # --- what is always so

    @invariant()
    def no_berth_has_two_holders(self) -> None:
        assert self.run(self._doubly_held()) == []

    @invariant()
    def the_bank_charged_nobody_twice(self) -> None:
        assert self.street.bank.broken() == []

    async def _doubly_held(self) -> list[str]:
        """Overlaps among what was held for good and not given up, by the calendars' events."""
        store, kept = self.street.services.store, dict[str, tuple[str, datetime, datetime]]()
        for event in await store.read_all(self.began, limit=10_000):
            if event.topic == "parking.calendar_kept":
                span = event.data["start"], event.data["end"]
                kept[event.data["claim_id"]] = event.stream_id, *span
            elif event.topic == "parking.calendar_freed":
                kept.pop(event.data["claim_id"], None)
        found = []
        for one, other in pairwise(sorted(kept.values())):
            if one[0] == other[0] and one[2] > other[1]:
                found.append(f"{one[0]}: {one[1]} to {one[2]}, and {other[1]}")
        return found

    def teardown(self) -> None:
        self.run(self._come_to_rest())

    async def _come_to_rest(self) -> None:
        """All that can go on does; then each fen is where it was decided to be."""
        self.street.bank.way = "ok"
        self.street.now += timedelta(days=3)
        for _ in range(4):
            for one, _ in self.made:
                await self._give_back_again(one)
                await self.street.go_on(one)
                await self.street.ring(one)
            self.street.now += timedelta(hours=1)
        for one, _ in self.made:
            reservation = await self.street.load(one)
            assert reservation.status.value in ENDED
            CAME_OF_IT[reservation.status.value] += 1
            kept = self.street.kept_fen(one)
            assert kept == (reservation.kept_fen if self._charged(one) else 0)
        taken, back = (self.street.bank.moved_fen(kind) for kind in (Kind.CHARGE, Kind.REFUND))
        assert taken == back + sum(self.street.kept_fen(one) for one, _ in self.made)

    async def _give_back_again(self, one: str) -> None:
        """What the bank could not give back, an officer has tried once more."""
        with suppress(StreamNotFound):
            claim = await self.street.claim(one)
            for refund_id, refund in claim.refunds.items():
                if refund["state"] == RefundState.FAILED:
                    again = RefundAgain(refund_id=refund_id)
                    await refund_again(claim.id, again, sent(OFFICER), self.street.services)

    # --- how it is done

    def _charged(self, one: str) -> bool:
        return self.street.bank.moved_fen(Kind.CHARGE, claim_id(one, DEPOSIT)) > 0

    def _at(self, text: str) -> datetime:
        return self.midnight + (clock(text) - clock("0:00"))

    def _chosen(self, which: int) -> tuple[str, int]:
        self._note()
        return self.made[which % len(self.made)]

    async def _together(self, steps: Any) -> None:
        async def tried(step: Awaitable[Any]) -> None:
            with suppress(CitybrainError):
                await step

        await asyncio.gather(*map(tried, steps))

    def _try(self, step: Awaitable[Any]) -> None:
        self.run(self._together([step]))

    def _note(self) -> None:
        RUNS[-1] += 1


def test_one_holder_and_no_fen_lost_whatever_happens(settings: Settings) -> None:
    RUNS.clear()
    CAME_OF_IT.clear()

    async def opened(stop: asyncio.Event, ready: asyncio.Future[Street]) -> None:
        async with open_event_store(settings) as store:
            ready.set_result(await Street.open(store))
            await stop.wait()

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        stop, ready = asyncio.Event(), loop.create_future()
        keeping = loop.create_task(opened(stop, ready))

        class OverPostgres(Reserving):
            run = staticmethod(runner.run)
            street = loop.run_until_complete(ready)

        try:
            how = examples(15, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large)
            run_state_machine_as_test(OverPostgres, settings=how)
        finally:
            loop.call_soon(stop.set)
            loop.run_until_complete(keeping)
    print(f"{len(RUNS)} examples, {sum(RUNS)} rules: {dict(CAME_OF_IT)}")
    assert {"cancelled", "lapsed", "no-show", "lost", "completed"} <= {*CAME_OF_IT}
