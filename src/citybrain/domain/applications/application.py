"""Applications of citizens for services: from submission to the money on the account.

Stream `application-<id>`; its events are in `application_events`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications import snapshots
from citybrain.domain.applications.application_events import (
    CLAIM,
    EVENTS,
    RULES,
    ApplicationCompensated,
    ApplicationDecided,
    ApplicationEvidenceCollected,
    ApplicationEvidenceFailed,
    ApplicationEvidenceRequested,
    ApplicationExpired,
    ApplicationOpened,
    ApplicationPayoutConfirmed,
    ApplicationPayoutDelayed,
    ApplicationPayoutFailed,
    ApplicationPayoutInstructed,
    ApplicationSubmitted,
    ApplicationTakenOver,
    ApplicationWithdrawn,
    Verdict,
    status_after,
    verdict_of,
)
from citybrain.domain.applications.certificate_events import Certificate
from citybrain.domain.applications.correction_events import Correction
from citybrain.domain.applications.document_events import Document
from citybrain.domain.applications.reading_rights import is_own
from citybrain.domain.applications.refusals import (
    AlreadyWithdrawn,
    ApplicationEnded,
    NotReferred,
    NotYourApplication,
    NotYourDepartment,
    OutOfStep,
    TooLateToWithdraw,
    WrongChannel,
)
from citybrain.domain.applications.review_events import Proposal
from citybrain.domain.applications.separation import check_not_own
from citybrain.domain.applications.statuses import ENDED, FOR_AN_OFFICER, WITHDRAWABLE, Status
from citybrain.domain.applications.task_events import Task
from citybrain.domain.applications.tasks import check_task
from citybrain.domain.applications.waiting import Waits, due_after, waits_for
from citybrain.domain.authorisation import NotAuthorised
from citybrain.domain.digests import event_sha256
from citybrain.domain.money import AmountInvalid, Fen
from citybrain.domain.stream import StreamAggregate, StreamEvent


class Channel(StrEnum):
    """Where a citizen stands: four ways to one stream."""

    WEB = "web"
    APP = "app"
    COUNTER = "counter"
    KIOSK = "kiosk"


COUNTER = (Role.CLERK,)
ROLES_ON: dict[Channel, tuple[Role, ...]] = {
    Channel.WEB: (Role.CITIZEN,),
    Channel.APP: (Role.CITIZEN,),
    Channel.COUNTER: COUNTER,
    Channel.KIOSK: (Role.KIOSK,),
}


class Step(StrEnum):
    """What the process manager does next."""

    AWAIT_IDENTITY = "await-identity"
    REQUEST_EVIDENCE = "request-evidence"
    COLLECT_EVIDENCE = "collect-evidence"
    DECIDE = "decide"
    CLAIM_AND_INSTRUCT = "claim-and-instruct"
    PAY = "pay"
    SETTLE = "settle"
    COMPENSATE = "compensate"
    RELEASE = "release"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an application keeps of its service item, as that is when it is submitted."""

    service: str
    item_version: str
    department: str
    pays: bool
    baseline: dict[str, int]
    identity_due_at: datetime
    promised_at: datetime | None
    legal_due_on: str | None


class Application(StreamAggregate):
    """One citizen's application for one service."""

    TOPIC: ClassVar[str] = "application"
    category: ClassVar[str] = "application"
    personal: ClassVar[bool] = True
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = EVENTS
    class_version: ClassVar[int] = 10  # of its snapshots

    def begin(self, submitted: ApplicationSubmitted) -> None:
        """The state of a new application."""
        self.service = submitted.service
        self.item_version = submitted.item_version
        self.department = submitted.department
        self.citizen_id = submitted.citizen_id
        self.channel = submitted.channel
        self.held_by = submitted.held_by
        self.channels = [submitted.channel]
        self.guardian = submitted.guardian
        self.form_sealed = submitted.form_sealed
        self.pays = submitted.pays
        self.identity_due_at = submitted.identity_due_at
        self.simulated = submitted.simulated
        self.status: str = Status.SUBMITTED.value
        self.requests: dict[str, dict[str, str]] = {}
        self.evidence: dict[str, str | None] = {}
        self.requested_at: datetime | None = None
        self.evidence_due_at: datetime | None = None
        self.rounds = self.reviewed_in_round = 0  # the last one when an officer decided last
        self.outcome: str | None = None
        self.reasons: list[str] = []
        self.amount_fen: int | None = None
        self.decided_at: datetime | None = None
        self.decision_version: int | None = None
        self.decision_sha256: str | None = None
        self.instructed_sha256: str | None = None
        self.decided_on: datetime | None = None  # the round of records that the decision is on
        self.by_officer = False
        self.appealed = self.appeal_open = False  # open until a person has answered it
        self.payment_id: str | None = None
        self.claim_id: str | None = None
        self.claims: list[str] = []
        self.from_account: str | None = None
        self.payee_sealed: str | None = None
        self.payout_due_at: datetime | None = None
        self.payout_delayed = False
        self.payments = 0
        self.paid_fen = 0
        self.compensated = True
        self.due_at: datetime | None = submitted.identity_due_at
        self.resumed_in: str | None = None
        self.correction: Correction | None = None
        self.resubmitters: list[str] = []
        self.documents: list[Document] = []
        self.messages = 0
        self.certificates: list[Certificate] = []
        self.task: Task | None = None
        self.submitters = [submitted.held_by]
        self.takers_over: list[str] = []
        self.appellants: list[str] = []
        self.identified_by: int | None = None  # the event of the citizen's stream
        self.computed_fen: int | None = None  # what the rules found, whoever decides then
        self.ruled_out = False  # by the rules, which have not approved since; or by a claim
        self.deciders: list[str] = []  # the officers of the last decision
        self.appealed_from: list[str] = []
        self.appealable_since: datetime | None = None  # the last decision, not appealed yet
        self.proposal: Proposal | None = None
        self.attempts: list[list[str]] = []  # refused, on the day: who, and by which rule
        self.attempts_on = ""

    upcast_v1_v2 = staticmethod(snapshots.upcast_v1_v2)
    upcast_v2_v3 = staticmethod(snapshots.upcast_v2_v3)
    upcast_v3_v4 = staticmethod(snapshots.upcast_v3_v4)
    upcast_v4_v5 = staticmethod(snapshots.upcast_v4_v5)
    upcast_v5_v6 = staticmethod(snapshots.upcast_v5_v6)
    upcast_v6_v7 = staticmethod(snapshots.upcast_v6_v7)
    upcast_v7_v8 = staticmethod(snapshots.upcast_v7_v8)
    upcast_v8_v9 = staticmethod(snapshots.upcast_v8_v9)
    upcast_v9_v10 = staticmethod(snapshots.upcast_v9_v10)

    @classmethod
    def submit(
        cls,
        actor: Actor,
        now: datetime,
        *,
        application_id: str,
        citizen_id: str,
        channel: Channel,
        form_sealed: str,
        terms: Terms,
        simulated: bool,
        guardian: str | None = None,
    ) -> "Application":
        """A citizen applies, or a clerk or a kiosk for the citizen before them."""
        check_channel(actor, channel, citizen_id)
        return cls._create(
            ApplicationSubmitted,
            id=application_id,
            timestamp=now,
            citizen_id=citizen_id,
            channel=channel.value,
            held_by=actor.subject,
            form_sealed=form_sealed,
            simulated=simulated,
            guardian=guardian,
            **asdict(terms),
        )

    @property
    def missing(self) -> list[str]:
        """The materials whose departments have neither answered nor failed."""
        return [material for material in self.requests if material not in self.evidence]

    def next_step(self) -> Step:
        """What the process manager has to do; `NOTHING` where people have to, or at an end."""
        if self.status == Status.APPROVED and not self.pays:
            return Step.NOTHING
        if self.status == Status.APPROVED and self.missing:
            return Step.COLLECT_EVIDENCE
        if self.status == Status.PAYOUT_FAILED and self.compensated:
            return Step.NOTHING
        return STEPS.get(self.status, Step.NOTHING)

    def waits_for(self) -> Waits:
        """Whom or what it waits for."""
        return waits_for(self.status, pays=self.pays, compensated=self.compensated)

    def expire(self, now: datetime) -> None:
        """Nobody was identified in time."""
        self._expect(Status.SUBMITTED)
        if now >= self.identity_due_at:
            self._trigger(ApplicationExpired, now)

    def request_evidence(
        self, now: datetime, *, requests: list[dict[str, str]], due_at: datetime
    ) -> None:
        """Ask all departments."""
        self._expect(Status.IDENTIFIED)
        self._request(now, requests, due_at)

    def request_evidence_again(
        self, actor: Actor, now: datetime, *, requests: list[dict[str, str]], due_at: datetime
    ) -> None:
        """An officer wants fresh records: a department was away, or things have changed."""
        self.check_before_officer(actor, now)
        self.check_unpaid()
        self._request(now, requests, due_at)

    def collect(self, now: datetime, results: list[dict[str, Any]]) -> None:
        """Record answers and failures of the round that is under way."""
        if self.next_step() is not Step.COLLECT_EVIDENCE:
            raise OutOfStep(f"the application is {self.status}: nothing is collected")
        for result in results:
            request = self.requests.get(result["material"])
            if request is None or request["request_id"] != result["request_id"]:
                continue  # of an earlier round
            if result["material"] not in self.evidence:
                failed = "reason" in result
                event = ApplicationEvidenceFailed if failed else ApplicationEvidenceCollected
                self._trigger(event, now, **result)

    def decide(self, now: datetime, *, ceiling_fen: int | None = None, **decision: Any) -> None:
        """Record what the rules decided; raises `AmountInvalid` or `AmountAboveCeiling`.

        Where an appeal is open they refuse nothing: a person looks at what they found.
        """
        self._expect(Status.COLLECTED)
        if self.appeal_open and decision["outcome"] == Status.REFUSED:
            decision |= {"outcome": Status.REFERRED.value, "ruled_out": True}
        amount_fen = self.amount_of(decision["outcome"], decision["amount_fen"], ceiling_fen)
        self._trigger(ApplicationDecided, now, **(decision | {"amount_fen": amount_fen}))

    def instruct_payout(
        self,
        now: datetime,
        *,
        payment_id: str,
        claims: list[str],
        from_account: str,
        payee_sealed: str,
        due_at: datetime,
        decision_sha256: str | None,
        ceiling_fen: int | None = None,
    ) -> None:
        """Tell the bank to pay what was approved, by the decision that the caller has looked at.

        Raises `NotAuthorised` where that is not in force, `AmountInvalid`, `AmountAboveCeiling`.
        """
        self._expect(Status.APPROVED)
        if decision_sha256 is None or decision_sha256 != self.decision_sha256:
            raise NotAuthorised("this decision is not in force")
        self.amount_of(Status.APPROVED, self.amount_fen, ceiling_fen)
        self._trigger(
            ApplicationPayoutInstructed,
            now,
            payment_id=payment_id,
            claim_id=claims[0],
            claims=claims,
            amount_fen=int(self.payable_fen),
            from_account=from_account,
            payee_sealed=payee_sealed,
            due_at=due_at,
            decision_version=self.decision_version,
            decision_sha256=decision_sha256,
        )

    def confirm_payout(self, now: datetime, *, payment_id: str, **receipt: Any) -> None:
        """The bank paid."""
        self._expect_payment(payment_id)
        self._trigger(ApplicationPayoutConfirmed, now, payment_id=payment_id, **receipt)

    def delay_payout(self, now: datetime, *, payment_id: str, reason: str | None = None) -> None:
        """The bank has not answered in time, or could not be asked; said once."""
        self._expect_payment(payment_id)
        if not self.payout_delayed:
            self._trigger(ApplicationPayoutDelayed, now, payment_id=payment_id, reason=reason)

    def fail_payout(self, now: datetime, *, payment_id: str, **receipt: Any) -> None:
        """The bank refused."""
        self._expect_payment(payment_id)
        self._trigger(ApplicationPayoutFailed, now, payment_id=payment_id, **receipt)

    def compensate(self, now: datetime) -> None:
        """The claim was released."""
        self._expect(Status.PAYOUT_FAILED)
        if not self.compensated:
            self._trigger(
                ApplicationCompensated, now, payment_id=self.payment_id, claim_id=self.claims[0]
            )

    def withdraw(self, actor: Actor, now: datetime) -> None:
        """End it, as long as no money is on its way; a payout that failed is none."""
        self.check_applicant(actor)
        if self.status == Status.WITHDRAWN:
            raise AlreadyWithdrawn("the application has been withdrawn")
        if self.status not in WITHDRAWABLE or self.paid_fen:
            raise TooLateToWithdraw("the money is on its way, or the application has ended")
        self._trigger(ApplicationWithdrawn, now)

    def take_over(self, actor: Actor, now: datetime, *, channel: Channel) -> None:
        """Go on with it on another channel."""
        check_channel(actor, channel, self.citizen_id)
        if self.status in ENDED:
            raise ApplicationEnded("the application has ended")
        if (channel, actor.subject) != (self.channel, self.held_by):
            self._trigger(
                ApplicationTakenOver,
                now,
                left=self.channel,
                channel=channel.value,
                held_by=actor.subject,
            )

    def open_sealed(self, actor: Actor, now: datetime, *, what: str, purpose: str) -> None:
        """Note who sees what is sealed: an auditor, or who decides; the applicant needs no note."""
        if not actor.has(Role.AUDITOR):
            self.check_officer(actor)
        self._trigger(ApplicationOpened, now, what=what, reader=actor.subject, purpose=purpose)

    def acts_for_applicant(self, actor: Actor) -> bool:
        """Whether this is the applicant, or who acts for them where they stand now."""
        own = is_own(actor, self.citizen_id, self.guardian)
        here = actor.has(Role.KIOSK, *COUNTER) and actor.subject == self.held_by
        return own or here

    def check_applicant(self, actor: Actor) -> None:
        """Raise unless this is the applicant, or who acts for them where they stand now."""
        if not self.acts_for_applicant(actor):
            raise NotYourApplication(
                "citizens act on their own; a counter or kiosk takes an application over first"
            )

    def check_officer(self, actor: Actor) -> None:
        """Raise unless this is an officer of the department that decides."""
        if not actor.has(Role.OFFICIAL) or actor.department != self.department:
            raise NotYourDepartment(
                "officers of the department decide",
                department=self.department,
                rule="own-department",
            )

    def note(self, event: type[StreamEvent], now: datetime, **fields: Any) -> None:
        """Record what was decided in a file of its own."""
        self._trigger(event, now, **fields)

    def note_evidence(self, material: str, sha256: str | None) -> None:
        """Keep an answer's digest, or None where there is no answer."""
        self.evidence[material] = sha256

    def note_decision(self, at: datetime, *, by_officer: bool) -> None:
        """Keep when, by whom and on which round of records it was decided."""
        self.decided_at, self.decided_on, self.by_officer = at, self.requested_at, by_officer
        if by_officer:
            self.reviewed_in_round, self.appeal_open = self.rounds, False

    def settle(self, verdict: Verdict) -> None:
        """Keep what was decided."""
        self.outcome, self.reasons = verdict.outcome.value, verdict.reasons
        self.amount_fen = verdict.amount_fen
        if verdict.by in (RULES, CLAIM):
            refused = verdict.outcome is Status.REFUSED
            self.ruled_out = refused or (self.ruled_out and verdict.outcome is not Status.APPROVED)
            self.deciders = []

    def follow(self, topic: str, fields: Mapping[str, Any], was: Waits) -> None:
        """Take the verdict, the status and the time to be woken that an event leads to."""
        if verdict := verdict_of(topic, fields):
            self.settle(verdict)
            approved = verdict.outcome is Status.APPROVED
            self.decision_version = fields["originator_version"]
            decided = verdict.outcome is not Status.REFERRED
            self.appealable_since = fields["timestamp"] if decided else None
            self.decision_sha256 = event_sha256(topic, fields) if approved else None
        if status := status_after(topic, fields, self.missing, self.status):
            self.status = status.value
            if status not in FOR_AN_OFFICER:
                self.task = None
        self.due_at = due_after(topic, fields, was, self.waits_for(), self.due_at)

    def check_before_officer(self, actor: Actor, now: datetime) -> None:
        """Raise unless it waits for an officer, and this officer may see to it now."""
        self.check_officer(actor)
        check_not_own(self, actor)
        if self.status not in FOR_AN_OFFICER or self.next_step() is not Step.NOTHING:
            raise NotReferred("no officer has to decide this now")
        check_task(self.task, actor, now)

    def check_unpaid(self) -> None:
        """Raise where money has moved: an officer decides on the total, and no rule anew."""
        if self.paid_fen:
            raise NotReferred("it was paid: an officer decides what is paid in all")

    @property
    def payable_fen(self) -> Fen:
        """What is still to be paid of what was approved; raises `AmountInvalid`."""
        return Fen(Fen(self.amount_fen) - self.paid_fen)

    def amount_of(self, outcome: str, amount_fen: Any, ceiling_fen: int | None) -> int | None:
        """The amount of an approval that pays, checked; nothing else has one."""
        if outcome == Status.APPROVED and self.pays:
            return int(Fen(amount_fen, ceiling_fen))
        if amount_fen is not None:
            raise AmountInvalid("only an approval that pays has an amount")
        return None

    def _request(self, now: datetime, requests: list[dict[str, str]], due_at: datetime) -> None:
        self._trigger(ApplicationEvidenceRequested, now, requests=requests, due_at=due_at)

    def _expect(self, status: Status) -> None:
        if self.status != status:
            raise OutOfStep(f"the application is {self.status}, not {status}")

    def _expect_payment(self, payment_id: str) -> None:
        self._expect(Status.PAYING)
        if payment_id != self.payment_id:
            raise OutOfStep("this is another payment")

    def _trigger(self, event: type[StreamEvent], now: datetime, **fields: Any) -> None:
        self.trigger_event(event, timestamp=max(now, self.modified_on), **fields)


STEPS: dict[str, Step] = {
    Status.SUBMITTED: Step.AWAIT_IDENTITY,
    Status.IDENTIFIED: Step.REQUEST_EVIDENCE,
    Status.COLLECTING: Step.COLLECT_EVIDENCE,
    Status.COLLECTED: Step.DECIDE,
    Status.APPROVED: Step.CLAIM_AND_INSTRUCT,
    Status.PAYING: Step.PAY,
    Status.PAID: Step.SETTLE,
    Status.PAYOUT_FAILED: Step.COMPENSATE,
    Status.WITHDRAWN: Step.RELEASE,
}


def check_channel(actor: Actor, channel: Channel, citizen_id: str) -> None:
    """Raise unless this role acts on the channel; citizens do for themselves only."""
    if not actor.has(*ROLES_ON[channel]):
        raise WrongChannel(f"this role does not act on the channel {channel.value!r}")
    for_another = channel in (Channel.WEB, Channel.APP) and actor.subject != citizen_id
    if for_another:
        raise NotYourApplication("citizens apply for themselves only")
    if channel is Channel.COUNTER and actor.subject == citizen_id:
        raise NotYourApplication("nobody serves themselves at a counter")
