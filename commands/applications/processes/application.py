"""From an application to its money, with nobody passing it on.

Each step looks where the stream stands, does what comes next, and records it. What goes out
carries an id that follows from the stream, so a step that a crash cut short can be done again:
departments answer twice, the bank pays once. A department that does not answer means that an
officer decides, never that the citizen is refused.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5
from weakref import WeakValueDictionary

import orjson
import structlog

from citybrain.definitions.applications.catalogue import ServiceItem
from citybrain.definitions.applications.deciding import Decision, decide
from citybrain.definitions.applications.draws import Draws
from citybrain.domain.actor import system_actor
from citybrain.domain.applications.application import Application, Step
from citybrain.domain.applications.claiming import look_again, lose_claim
from citybrain.domain.applications.entitlement import AlreadyClaimed
from citybrain.domain.citizens import Citizen, canonical
from citybrain.errors import InvalidInput, Refused
from citybrain.eventstore import RecordedEvent
from citybrain.exchange import Evidence, EvidenceRequest, SourceFailed
from commands.applications.application import (
    change_application,
    item_of,
    requests_of,
    verify_identity,
)
from commands.applications.deadlines import evidence_time, payout_time
from commands.applications.identity import check_applicant_alive
from commands.applications.processes.claiming import (
    CLAIM_REFUSALS,
    HELD_FOR,
    HELD_PAUSES_SECONDS,
    Claims,
    id_of_before,
    looks_again,
    thing_id,
)
from commands.applications.processes.deadlines import ApplicationDeadlines
from commands.applications.processes.failing import Failures
from commands.applications.processes.paying import Paying
from commands.applications.processes.room import Room
from commands.applications.unsealed import FORM, STEPS, Dossier, evidence_purpose, open_dossier
from commands.handling import Command, CommandContext
from commands.processes.batches import AWAY
from commands.processes.runner import context_of
from commands.services import Services

log = structlog.get_logger(__name__)

REQUESTED, VERIFIED = "application.evidence_requested", "application.identity_verified"
IDENTIFIED = ("citizen.face_verified", "citizen.identity_confirmed")
DEADLINES = system_actor(ApplicationDeadlines.name).subject
WAITS_NO_MORE = ("application.withdrawn", "application.expired", VERIFIED)
RECORD_EVERY_SECONDS = 0.25

WAIT = "INSERT INTO identity_waits VALUES ($1, $2) ON CONFLICT DO NOTHING"
WAITING = "SELECT application_id FROM identity_waits WHERE citizen_id = $1"
WAIT_NO_MORE = "DELETE FROM identity_waits WHERE application_id = $1"

Pause = float | None
"""Seconds until the next step; None where there is none."""

Decide = Callable[[Application, datetime], None]

Told = tuple[dict[str, str], Evidence | SourceFailed]
"""What a department was asked, and what came of it."""


class ApplicationProcess:
    """The process manager of applications.

    An application that waits for its citizen is a row of `identity_waits` and nothing else; when
    nobody comes its deadline ends it.
    """

    name: ClassVar[str] = "applications"
    topics: ClassVar[tuple[str, ...]] = (
        "application.submitted",
        REQUESTED,
        "application.reviewed",
        "application.resumed",
        "application.resubmitted",
        *WAITS_NO_MORE,
        *IDENTIFIED,
    )

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.room = Room()
        """Places for those that something is being done for."""

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Take an application as far as it goes without people."""
        if event.topic in IDENTIFIED:
            await self._go_on(event.stream_id, services)
            return
        context, actor = context_for("go-on"), event.metadata.get("actor")
        if event.topic == REQUESTED and actor == context.actor.subject:
            return  # we did this, and go on anyway
        if event.topic == VERIFIED and actor != DEADLINES:
            return  # who did this goes on
        await self._drive(event.stream_id, context, services, waited=event.topic in WAITS_NO_MORE)

    async def _go_on(self, citizen_id: str, services: Services) -> None:
        """Take those that have waited for a citizen further, as if they had just come."""
        rows = await services.store.pool.fetch(WAITING, citizen_id)
        ended = await asyncio.gather(
            *(self._go_on_with(row["application_id"], citizen_id, services) for row in rows),
            return_exceptions=True,
        )
        for error in ended:
            if error is not None:
                raise error

    async def _go_on_with(self, application_id: str, citizen_id: str, services: Services) -> None:
        async with self.room.place(citizen_id):
            (submitted,) = await services.store.read(application_id, limit=1)
        context = context_of(self, submitted, "go-on")
        await self._drive(application_id, context, services, waited=True)

    async def _drive(
        self, application_id: str, context: CommandContext, services: Services, *, waited: bool
    ) -> None:
        async with self._locks.setdefault(application_id, asyncio.Lock()):
            reached = await _Drive(self, application_id, context, services).run()
        if waited and reached is not Step.AWAIT_IDENTITY:
            await services.store.pool.execute(WAIT_NO_MORE, application_id)


class _Drive:
    """One application on its way."""

    def __init__(
        self,
        process: ApplicationProcess,
        application_id: str,
        context: CommandContext,
        services: Services,
    ) -> None:
        self._process = process
        self._id = application_id
        self._context = context
        self._services = services
        self._failures = Failures(application_id, context, services)
        self._paying = Paying(application_id, context, services)
        self._held = 0
        self._claims = Claims(application_id, context, services)
        self._draws: tuple[int, Draws, str | None] | None = None
        self._steps: dict[Step, Callable[[Application], Awaitable[Pause]]] = {
            Step.AWAIT_IDENTITY: self.await_identity,
            Step.REQUEST_EVIDENCE: self.request_evidence,
            Step.COLLECT_EVIDENCE: self.collect_evidence,
            Step.DECIDE: self.decide,
            Step.CLAIM_AND_INSTRUCT: self.claim_and_instruct,
            Step.PAY: self.pay,
            Step.SETTLE: self.settle,
            Step.COMPENSATE: self.compensate,
            Step.RELEASE: self.release,
        }

    async def run(self) -> Step:
        """Step after step, until people have to do something or it has ended; the last step."""
        known = await self._services.store.load(Application, self._id, fresh=False)
        fresh = True  # as long as step follows on step, what the last one left is what there is
        while True:
            async with self._process.room.place(known.citizen_id):
                application = await self._services.store.load(Application, self._id, fresh=fresh)
                step = application.next_step()
                if step is Step.NOTHING:
                    return step
                pause = await self._take(step, application)
            if pause is None:
                return step
            await asyncio.sleep(pause)
            waited = await self._paying.pause(application)
            fresh = waited or pause > 0.0

    async def _take(self, step: Step, application: Application) -> Pause:
        """One step; where it fails, what follows from that."""
        try:
            return await self._steps[step](application)
        except AWAY:
            raise  # the runner waits, and the application has its deadline
        except Exception as error:
            return await self._failures.follow(application, step, error, self.release)

    async def await_identity(self, application: Application) -> Pause:
        """Look for the applicant's face, code or visit; wait for it where it is not there."""
        if not await verify_identity(self._id, self._context, self._services):
            await self._services.store.pool.execute(WAIT, self._id, application.citizen_id)
            meanwhile = await verify_identity(self._id, self._context, self._services)
            return 0.0 if meanwhile else None
        return 0.0

    async def request_evidence(self, application: Application) -> Pause:
        """Record what is asked of whom, before it is asked."""
        services = self._services
        requests = requests_of(application, services)
        await self._change(
            lambda application, now: application.request_evidence(
                now, requests=requests, due_at=now + evidence_time(services)
            )
        )
        return 0.0

    async def collect_evidence(self, application: Application) -> Pause:
        """Ask all departments at once; record what has come, a few times a second.

        A restart gives the departments their time again.
        """
        due_at = self._services.clock() + evidence_time(self._services)
        citizen_id = application.citizen_id
        citizen = await self._services.store.load(Citizen, citizen_id)  # it may be corrected
        citizen.check_alive()
        id_number, form = await self._services.vault.open_texts(
            citizen_id, [("id_number", citizen.id_number_sealed), (FORM, application.form_sealed)]
        )
        answers = orjson.loads(form)
        asked = {
            asyncio.create_task(self._ask(application, request, id_number, answers, due_at))
            for material, request in application.requests.items()
            if material in application.missing
        }
        try:
            await self._record_as_they_come(citizen_id, asked)
        finally:
            for task in asked:
                task.cancel()
        return 0.0

    async def _record_as_they_come(self, citizen_id: str, asked: set["asyncio.Task[Told]"]) -> None:
        while asked:
            done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            if len(done) < len(asked):
                done, _ = await asyncio.wait(asked, timeout=RECORD_EVERY_SECONDS)
            told = [task.result() for task in done]
            results = await self._noted(citizen_id, told)
            asked -= done
            await self._change(lambda application, now: application.collect(now, results))  # noqa: B023

    async def _ask(
        self,
        application: Application,
        request: dict[str, str],
        id_number: str,
        form: dict[str, Any],
        due_at: datetime,
    ) -> Told:
        """What was asked, and the answer or why there is none."""
        try:
            return request, await self._services.exchange.fetch(
                EvidenceRequest(
                    request_id=UUID(request["request_id"]),
                    application_id=application.id,
                    department=request["department"],
                    record=request["record"],
                    id_number=canonical(id_number),
                    form=form,
                    user_id=self._context.actor.subject,
                ),
                due_at,
            )
        except SourceFailed as failure:
            return request, failure

    async def _noted(self, citizen_id: str, told: list[Told]) -> list[dict[str, Any]]:
        """What an event says of each answer, sealed, or of each failure."""
        signed = [
            (evidence_purpose(request["material"]), found.signed)
            for request, found in told
            if not isinstance(found, SourceFailed)
        ]
        sealed = iter(await self._services.vault.seal_texts(citizen_id, signed))
        return [
            request | failed(found)
            if isinstance(found, SourceFailed)
            else request | answered(found, next(sealed))
            for request, found in told
        ]

    async def decide(self, application: Application) -> Pause:
        """Let the rules decide on what the departments have signed."""
        services = self._services
        item = item_of(application, services)
        dossier, decision = await self._decision(application, item)
        if item.payout is not None:
            before = await id_of_before(item, dossier, services)
            self._draws = application.rounds, decision.draws, before
        steps = orjson.dumps(decision.steps).decode()
        fields = decision_fields(decision) | {
            "decided_on": str(dossier.today),
            "inputs": [
                {"material": name, "sha256": sha256} for name, sha256 in dossier.digests.items()
            ],
            "claim_id": None,
            "steps_sealed": await services.vault.seal_text(dossier.citizen_id, STEPS, steps),
        }
        await self._change(
            lambda application, now: application.decide(now, ceiling_fen=item.ceiling_fen, **fields)
        )
        return 0.0

    async def claim_and_instruct(self, application: Application) -> Pause:
        """Take what is drawn on, alone, and tell the bank; or wait, look again, ask an officer."""
        services, item = self._services, item_of(application, self._services)
        await check_applicant_alive(application.citizen_id, services)
        assert item.payout is not None
        from_account, decision_sha256 = item.payout.from_account, application.decision_sha256
        try:
            claims = await self._claims.take(application, item, *await self._drawn_on(application))
        except Refused as refusal:
            return await self._not_claimed(application, refusal)
        payment_id = uuid5(NAMESPACE_URL, f"{self._id}:payment:{application.payments + 1}")
        try:
            await self._change(
                lambda application, now: application.instruct_payout(
                    now,
                    payment_id=str(payment_id),
                    claims=claims,
                    from_account=from_account,
                    due_at=now + payout_time(services),
                    decision_sha256=decision_sha256,
                    ceiling_fen=item.ceiling_fen,
                )
            )
        except InvalidInput:  # nothing was written, nor will be
            await self._claims.release(claims)
            raise
        return 0.0

    async def _drawn_on(self, application: Application) -> tuple[Draws, str | None]:
        """What is drawn on, by the last round's records; and the entitlement of before."""
        if self._draws is None or self._draws[0] != application.rounds:
            services, item = self._services, item_of(application, self._services)
            dossier, decision = await self._decision(application, item)
            before = await id_of_before(item, dossier, services)
            self._draws = application.rounds, decision.draws, before
        return self._draws[1:]

    async def _decision(
        self, application: Application, item: ServiceItem
    ) -> tuple[Dossier, Decision]:
        """What was opened, and what the rules say to it."""
        if item.payout is None:
            dossier = await open_dossier(self._id, self._services)
            return dossier, decide(item, dossier.form, dossier.evidence, dossier.today)
        dossier, numbers = await asyncio.gather(
            open_dossier(self._id, self._services), self._numbers(application.citizen_id)
        )
        return dossier, decide(item, dossier.form, dossier.evidence, dossier.today, *numbers)

    async def _numbers(self, citizen_id: str) -> list[str]:
        """The applicant's identity number, as things drawn on are named by it; and those before."""
        citizen = await self._services.store.load(Citizen, citizen_id, fresh=False)
        sealed = [citizen.id_number_sealed, *citizen.former_numbers_sealed]
        numbers = [("id_number", number) for number in sealed]
        return [
            canonical(each) for each in await self._services.vault.open_texts(citizen_id, numbers)
        ]

    async def _not_claimed(self, application: Application, refusal: Refused) -> Pause:
        """Who has it is waited for, for a time; what is not known, or is old, is looked at again.

        An officer sees to the rest, and to what is so still on fresh records.
        """
        services, now = self._services, self._services.clock()
        if isinstance(refusal, AlreadyClaimed):
            if now < (application.decided_at or now) + HELD_FOR:
                self._held += 1
                return HELD_PAUSES_SECONDS[min(self._held, len(HELD_PAUSES_SECONDS)) - 1]
        elif looks_again(application, refusal):
            requests = requests_of(application, services)
            await self._change(
                lambda application, now: look_again(
                    application, now, requests=requests, due_at=now + evidence_time(services)
                )
            )
            return 0.0
        elif not isinstance(refusal, CLAIM_REFUSALS):
            raise refusal
        reason = refusal.code
        await self._change(lambda application, now: lose_claim(application, now, reason=reason))
        return None

    async def pay(self, application: Application) -> Pause:
        """Tell the bank, with the same id until it answers."""
        await self._paying.tell(application)
        return 0.0

    async def settle(self, application: Application) -> Pause:
        """What was drawn on was paid from."""
        await self._claims.settle(application.claims, application.payment_id or "")
        return None

    async def compensate(self, application: Application) -> Pause:
        """No money moved: what was drawn on is free again."""
        await self._claims.release(application.claims)
        await self._change(lambda application, now: application.compensate(now))
        return None

    async def release(self, application: Application) -> Pause:
        """Whatever this application still claims is free again."""
        if application.pays and application.decided_at is not None:
            draws, _ = await self._drawn_on(application)
            ids = [await thing_id(draw.thing, self._services) for draw in draws.draws]
            before = [] if application.claim_id is None else [application.claim_id]
            await self._claims.release([*ids, *before])
        return None

    async def _change(self, decision: Decide) -> None:
        await change_application(self._id, Command(), self._context, self._services, decision)


def decision_fields(decision: Decision) -> dict[str, Any]:
    """What an event says of a decision in clear."""
    return {
        "outcome": decision.outcome.value,
        "item_version": decision.item_version,
        "parameters": decision.parameters,
        "findings": {step.name: step.finding for step in decision.steps if step.finding},
        "reasons": list(decision.reasons),
        "amount_fen": decision.amount_fen,
        "computed_fen": decision.computed_fen,
    }


def answered(found: Evidence, signed_sealed: str) -> dict[str, Any]:
    """What an event says of a department's answer."""
    return {
        "sha256": found.sha256,
        "key_id": found.key_id,
        "issued_at": found.issued_at,
        "hedged": found.hedged,
        "milliseconds": found.milliseconds,
        "attempts": found.attempts,
        "signed_sealed": signed_sealed,
    }


def failed(why: SourceFailed) -> dict[str, Any]:
    """What an event says of a department that did not answer."""
    return {"reason": why.code, "milliseconds": why.milliseconds, "attempts": why.attempts}
