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

from citybrain.definitions.applications.deciding import Decision
from citybrain.domain.actor import system_actor
from citybrain.domain.applications.application import Application, Step
from citybrain.domain.applications.claiming import ask_as_corrected, look_again, lose_claim
from citybrain.domain.applications.entitlement import AlreadyClaimed
from citybrain.domain.applications.going_on import refer
from citybrain.domain.applications.identity import is_corrected_since
from citybrain.domain.applications.refusals import IdentityCorrectedMeanwhile
from citybrain.domain.citizens import Citizen, canonical
from citybrain.errors import InvalidInput, Refused
from citybrain.eventstore import RecordedEvent
from citybrain.exchange import Evidence, EvidenceRequest, SourceFailed
from citybrain.vault import InStream
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
    has_rounds_left,
    looks_again,
)
from commands.applications.processes.deadlines import ApplicationDeadlines
from commands.applications.processes.drawing import Drawing
from commands.applications.processes.failing import Failures
from commands.applications.processes.paying import Paying
from commands.applications.processes.room import Room
from commands.applications.unsealed import FORM, STEPS, evidence_purpose
from commands.handling import Command, CommandContext
from commands.processes.batches import AWAY
from commands.processes.runner import context_of
from commands.services import Services

log = structlog.get_logger(__name__)

REQUESTED, VERIFIED = "application.evidence_requested", "application.identity_verified"
REFERRED = "application.referred"
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
        REFERRED,
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
        if event.topic == REFERRED:
            await self._free(event, context, services)
            return
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

    async def _free(
        self, event: RecordedEvent, context: CommandContext, services: Services
    ) -> None:
        """Who was left to an officer holds nothing up, whoever left it, and where nobody could say.

        Not before: until it has left, it may be paid from what it claims.
        """
        application_id = event.stream_id
        async with self._locks.setdefault(application_id, asyncio.Lock()):
            claims = Claims(application_id, context, services)
            await Drawing(application_id, claims, services).free(event.version)

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
        self._drawing = Drawing(application_id, self._claims, services)
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

        A restart gives the departments their time again. All of a round are asked of one person.
        """
        due_at = self._services.clock() + evidence_time(self._services)
        citizen_id = application.citizen_id
        citizen = await check_applicant_alive(citizen_id, self._services)
        if is_corrected_since(application, citizen.identity_corrected_at):
            return await self._as_corrected(application)
        id_number, form = await self._services.vault.open_texts(
            citizen_id,
            [
                ("id_number", citizen.id_number_sealed),
                (InStream(FORM, application.id), application.form_sealed),
            ],
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
            (InStream(evidence_purpose(request["material"]), self._id), found.signed)
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
        last_look = item.payout is None  # what pays is looked at again before the bank is told
        citizen = await services.store.load(Citizen, application.citizen_id, fresh=last_look)
        if is_corrected_since(application, citizen.identity_corrected_at):
            return await self._as_corrected(application)
        dossier, decision = await self._drawing.decided(application, item)
        steps = orjson.dumps(decision.steps).decode()
        fields = decision_fields(decision) | {
            "decided_on": str(dossier.today),
            "inputs": [
                {"material": name, "sha256": sha256} for name, sha256 in dossier.digests.items()
            ],
            "claim_id": None,
            "steps_sealed": await services.vault.seal_text(
                dossier.citizen_id, InStream(STEPS, application.id), steps
            ),
        }
        await self._change(
            lambda application, now: application.decide(now, ceiling_fen=item.ceiling_fen, **fields)
        )
        return 0.0

    async def claim_and_instruct(self, application: Application) -> Pause:
        """Take what is drawn on, alone, and tell the bank; or wait, look again, ask an officer."""
        services, item = self._services, item_of(application, self._services)
        citizen = await check_applicant_alive(application.citizen_id, services)
        if is_corrected_since(application, citizen.identity_corrected_at):
            return await self._as_corrected(application)
        assert item.payout is not None
        from_account, decision_sha256 = item.payout.from_account, application.decision_sha256
        try:
            draws, before = await self._drawing.of(application)
            claims = await self._claims.take(application, item, draws, before)
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
                    payee_sealed=citizen.id_number_sealed,
                    due_at=now + payout_time(services),
                    decision_sha256=decision_sha256,
                    ceiling_fen=item.ceiling_fen,
                )
            )
        except InvalidInput:  # nothing was written, nor will be
            await self._claims.release(claims)
            raise
        return 0.0

    async def _as_corrected(self, application: Application) -> Pause:
        """The records may be somebody else's: the rules decide on new ones, or an officer does."""
        services = self._services
        await self._drawing.release(application)
        if application.paid_fen or not has_rounds_left(application):
            reason = IdentityCorrectedMeanwhile.code
            await self._change(lambda application, now: refer(application, now, reason=reason))
            return None
        requests = requests_of(application, services)
        await self._change(
            lambda application, now: ask_as_corrected(
                application, now, requests=requests, due_at=now + evidence_time(services)
            )
        )
        return 0.0

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
        await self._drawing.release(application)
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
