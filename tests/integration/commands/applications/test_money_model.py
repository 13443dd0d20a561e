"""Anybody applies for anything in any order, and the bank's book never breaks a promise.

A couple and a third person apply for all items that pay, step by step and at once; departments
and the bank fail, officers approve what they like, applicants withdraw and appeal, months pass, the
process forgets what it had in hand. After each of that the book is held against what was promised
(`tests/given/money_world.py`, which knows nothing of claims), and nobody may have been sent away
for money that was not paid.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

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

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Application, Channel, Step
from citybrain.domain.applications.entitlement import Entitlement
from citybrain.domain.applications.statuses import FOR_A_SECOND, FOR_AN_OFFICER, Status
from citybrain.errors import CitybrainError, Refused
from citybrain.eventstore import open_event_store
from citybrain.settings import Settings
from commands.applications.appeals import AppealApplication, appeal_application
from commands.applications.application import (
    RequestEvidenceAgain,
    SubmitApplication,
    WithdrawApplication,
    request_evidence_again,
    submit_application,
    withdraw_application,
)
from commands.applications.processes.application import ApplicationProcess, _Drive
from commands.applications.reviewing import (
    ConfirmReview,
    ReviewApplication,
    confirm_review,
    review_application,
)
from commands.citizens.citizen import RegisterCitizen, register_citizen
from commands.citizens.identity import ConfirmIdentity, confirm_identity
from commands.handling import CommandContext
from commands.processes.runner import context_of
from commands.services import Services
from tests.given.driving import CLERK, context
from tests.given.money_world import BANK_WAYS, BORN, DEPARTMENTS, ITEMS, MoneyWorld, Paid
from tests.given.numbers import next_number
from tests.given.services import services_over
from tests.given.storm import examples

CLAIMED = """
SELECT DISTINCT originator_id FROM stored_events
WHERE topic = 'entitlement.claimed' AND notification_id > $1
"""
AMOUNTS = (1, 2_100, 4_900, 4_901, 5_500, 6_900, 450_000)
LIMITS = {"paid-as-often-as-it-may", "paid-too-lately", "paid-as-much-as-it-may"}
HELD, DRAWN = "claimed-by-another-application", "drawn-meanwhile"
HAS_CLAIMS = {Status.APPROVED, Status.PAYING, Status.PAID, Status.PAYOUT_FAILED}
RUNS: list[int] = []
"""How many rules each example ran."""
SEEN: Counter[str] = Counter()
"""What came of it all: payments, and why somebody was sent to an officer."""

some, person = st.integers(0, 11), st.integers(0, 2)
away = st.sets(st.sampled_from(DEPARTMENTS), max_size=2)


class Clock:
    """The time, and what it is set forward by."""

    ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Money(RuleBasedStateMachine):
    """A couple and a third person, all items that pay."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    services: Services

    def __init__(self) -> None:
        super().__init__()
        RUNS.append(0)
        self.clock = self.services.clock = Clock()
        self.world = self.services.exchange = self.services.payments = MoneyWorld(self.clock)
        self.process = ApplicationProcess()
        self.began = self.run(self.services.store.head())
        self.people: dict[str, str] = {}  # their numbers, by id
        couple, others = (self.world.couple(next_number("couple")) for _ in range(2))
        for number in (*couple, others[0]):
            self.people[self.run(self._registered(number))] = number
        self.ids: list[str] = []
        self.drives: dict[str, _Drive] = {}

    async def _registered(self, number: str) -> str:
        command = RegisterCitizen(name="張三", id_number=number, birth_date=BORN, simulated=True)
        return (await register_citizen(command, context(), self.services)).stream_id

    # --- what people do

    @initialize(
        chosen=st.lists(st.tuples(person, st.sampled_from(ITEMS)), min_size=4, max_size=8),
        away=away,
    )
    def many_apply(self, chosen: list[tuple[int, str]], away: set[str]) -> None:
        self.world.away = away
        for who, item in chosen:
            self.apply(who, item)
        self.all_go_on()

    @rule(person=person, item=st.sampled_from(ITEMS))
    def apply(self, person: int, item: str) -> None:
        self._note()
        self.run(self._apply(list(self.people)[person], item))

    @rule(one=person, other=person, item=st.sampled_from(ITEMS), another=st.sampled_from(ITEMS))
    def two_apply_at_once(self, one: int, other: int, item: str, another: str) -> None:
        self._note()
        people, before = list(self.people), len(self.ids)
        self.run(self._apply(people[one], item))
        self.run(self._apply(people[other], another))
        self.run(self._together(self._go_on(each) for each in self.ids[before:]))

    async def _apply(self, citizen: str, item: str) -> None:
        actor = Actor(citizen, frozenset({Role.CITIZEN}))
        command = ConfirmIdentity(purpose=item, document="identity-card")
        await confirm_identity(citizen, command, context(CLERK), self.services)
        submit = SubmitApplication(service=item, channel=Channel.APP, simulated=True)
        with suppress(Refused):  # one is open
            submitted = await submit_application(submit, context(actor), self.services)
            self.ids.append(submitted.stream_id)
            self.world.items[submitted.stream_id] = item

    @precondition(lambda self: self.ids)
    @rule(which=some)
    def withdraw(self, which: int) -> None:
        application = self._chosen(which)
        actor = Actor(application.citizen_id, frozenset({Role.CITIZEN}))
        self._try(
            withdraw_application(
                application.id, WithdrawApplication(), context(actor), self.services
            )
        )

    @precondition(lambda self: self.ids)
    @rule(which=some)
    def appeal(self, which: int) -> None:
        application = self._chosen(which)
        actor = Actor(application.citizen_id, frozenset({Role.CITIZEN}))
        command, who = AppealApplication(grounds="too little"), context(actor)
        self._try(appeal_application(application.id, command, who, self.services))

    @precondition(lambda self: self.ids)
    @rule(which=some, amount_fen=st.sampled_from(AMOUNTS))
    def officers_approve(self, which: int, amount_fen: int) -> None:
        application = self._chosen(which)
        first, second = (self._officer(application, number) for number in (1, 2))
        said = ReviewApplication(outcome="approved", amount_fen=amount_fen, note="looked")
        agreed = ConfirmReview(amount_fen=amount_fen, note="looked")
        self._try(review_application(application.id, said, first, self.services))
        self._try(confirm_review(application.id, agreed, second, self.services))

    @precondition(lambda self: self.ids)
    @rule(amount_fen=st.sampled_from(AMOUNTS))
    def officers_approve_all_that_waits(self, amount_fen: int) -> None:
        for which in range(len(self.ids)):
            self.officers_approve(which, amount_fen)
        self.run(self._together(self._go_on(each) for each in self.ids))

    @precondition(lambda self: self.ids)
    @rule(which=some)
    def an_officer_refuses(self, which: int) -> None:
        application = self._chosen(which)
        said = ReviewApplication(outcome="refused", reasons=["no"], note="looked")
        officer = self._officer(application, 1)
        self._try(review_application(application.id, said, officer, self.services))

    @precondition(lambda self: self.ids)
    @rule(which=some)
    def officer_asks_again(self, which: int) -> None:
        application = self._chosen(which)
        officer = self._officer(application, 1)
        self._try(
            request_evidence_again(application.id, RequestEvidenceAgain(), officer, self.services)
        )

    # --- what happens to them

    @precondition(lambda self: self.ids)
    @rule(which=some)
    def one_step(self, which: int) -> None:
        self._note()
        self.run(self._step(self.ids[which % len(self.ids)]))

    @precondition(lambda self: len(self.ids) > 1)
    @rule(one=some, other=some)
    def two_at_once(self, one: int, other: int) -> None:
        self._note()
        chosen = {self.ids[which % len(self.ids)] for which in (one, other)}
        self.run(self._together(self._step(each) for each in sorted(chosen)))

    @precondition(lambda self: self.ids)
    @rule()
    def all_go_on(self) -> None:
        self._note()
        self.run(self._together(self._go_on(each) for each in self.ids))

    @precondition(lambda self: self.ids)
    @rule()
    def all_go_on_in_peace(self) -> None:
        self.world.away.clear()
        self.world.bank = "ok"
        self.all_go_on()

    @precondition(lambda self: self.ids)
    @rule(which=some)
    def what_was_in_hand_is_forgotten(self, which: int) -> None:
        self._note()
        self.drives.pop(self.ids[which % len(self.ids)], None)

    @rule(away=away)
    def departments_go_and_come(self, away: set[str]) -> None:
        self._note()
        self.world.away = away

    @rule(way=st.sampled_from(BANK_WAYS))
    def the_bank_changes_its_ways(self, way: str) -> None:
        self._note()
        self.world.bank = way

    @rule(months=st.sampled_from((1, 12)))
    def time_passes(self, months: int) -> None:
        self._note()
        self.clock.ahead += timedelta(days=31 * months)

    # --- what is always so

    @invariant()
    def no_promise_is_broken(self) -> None:
        assert self.world.broken() == []

    def teardown(self) -> None:
        self.world.away.clear()
        self.world.bank = "ok"
        self.run(self._come_to_rest())
        SEEN.update(each.item for each in self.world.book)
        assert self.world.broken() == []

    async def _come_to_rest(self) -> None:
        """All that can go on does; then nobody holds anything, and an officer has the rest."""
        for _ in range(2 * len(self.ids) + 2):
            for each in self.ids:
                await self._go_on(each)
        at_rest = {*FOR_AN_OFFICER, *FOR_A_SECOND, Status.PAID, Status.WITHDRAWN, Status.REFUSED}
        for each in self.ids:
            assert (await self._state(each)).status in at_rest
        rows = await self.services.store.pool.fetch(CLAIMED, self.began)
        for row in rows:
            entitlement = await self.services.store.load(Entitlement, row["originator_id"])
            assert entitlement.holder is None

    # --- how it is done

    async def _step(self, application_id: str) -> bool:
        """One step of the process manager; whether anything came of it."""
        before = await self._state(application_id)
        step = before.next_step()
        if step is Step.NOTHING:
            return False
        if application_id not in self.drives:
            (submitted,) = await self.services.store.read(application_id, limit=1)
            about = context_of(self.process, submitted, "go-on")
            self.drives[application_id] = _Drive(self.process, application_id, about, self.services)
        await self.drives[application_id]._take(step, before)
        after = await self._state(application_id)
        if step is Step.CLAIM_AND_INSTRUCT and after.status == Status.REFERRED:
            await self._sent_away_rightly(before, after.reasons[0])
        if step is Step.CLAIM_AND_INSTRUCT:
            assert after.status != Status.REFUSED
        if step is Step.CLAIM_AND_INSTRUCT and after.status == Status.PAYING:
            for paid in self._others(before):
                assert before.decided_on is not None
                assert paid.at < before.decided_on, "decided on what was there before"
        return after.version != before.version

    async def _sent_away_rightly(self, application: Application, reason: str) -> None:
        """What the claim says of others is so, by the bank's book and by where they stand."""
        SEEN[reason] += 1
        others = self._others(application)
        if reason in LIMITS:
            assert [each for each in others if each.item == application.service]
        elif reason == DRAWN:
            assert others
            assert application.by_officer  # the rules decide anew, by themselves
        elif reason == HELD:
            states = [await self._state(each) for each in self.ids if each != application.id]
            assert [each for each in states if each.status in HAS_CLAIMS]

    def _others(self, application: Application) -> list[Paid]:
        """What others were paid from something that an application draws on."""
        item, number = application.service, self.people[application.citizen_id]
        return [
            paid
            for paid in self.world.book
            if paid.application_id != application.id and paid.shares(item, number)
        ]

    async def _go_on(self, application_id: str) -> None:
        while await self._step(application_id):
            pass

    async def _together(self, steps: Any) -> None:
        await asyncio.gather(*steps)

    async def _state(self, application_id: str) -> Application:
        return await self.services.store.load(Application, application_id)

    def _chosen(self, which: int) -> Application:
        self._note()
        found: Application = self.run(self._state(self.ids[which % len(self.ids)]))
        return found

    def _officer(self, application: Application, number: int) -> CommandContext:
        office = application.department
        actor = Actor(f"official-{office}-{number}", frozenset({Role.OFFICIAL}), office)
        return CommandContext(actor, "test", uuid4(), uuid4())

    def _try(self, command: Awaitable[Any]) -> None:
        """Somebody tries; that it may not be now is no fault."""

        async def tried() -> None:
            with suppress(CitybrainError):
                await command

        self.run(tried())

    def _note(self) -> None:
        RUNS[-1] += 1


def test_no_promise_is_broken_whatever_happens(settings: Settings) -> None:
    RUNS.clear()
    SEEN.clear()

    async def opened(stop: asyncio.Event, ready: asyncio.Future[Services]) -> None:
        async with open_event_store(settings) as store:
            ready.set_result(services_over(store))
            await stop.wait()

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        stop, ready = asyncio.Event(), loop.create_future()
        keeping = loop.create_task(opened(stop, ready))

        class OverPostgres(Money):
            run = staticmethod(runner.run)
            services = loop.run_until_complete(ready)

        try:
            how = examples(12, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large)
            run_state_machine_as_test(OverPostgres, settings=how)
        finally:
            loop.call_soon(stop.set)
            loop.run_until_complete(keeping)
    print(f"{len(RUNS)} examples, {sum(RUNS)} rules, {max(RUNS)} at most: {dict(SEEN)}")
    assert {*ITEMS} < {*SEEN}  # all of them were paid, and somebody was sent to an officer
