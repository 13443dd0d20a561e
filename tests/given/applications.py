"""Application streams for tests: one stopped at any point of its life."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications import appeals, corrections, documents, reviewing
from citybrain.domain.applications.application import Application, Channel, Terms
from citybrain.domain.applications.identity import note_identity
from citybrain.domain.applications.statuses import Status
from citybrain.domain.citizens import Identification

NOW = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
CITIZEN_ID = "citizen-" + "1" * 32
ANNA = Actor(CITIZEN_ID, frozenset({Role.CITIZEN}))
BORIS = Actor("citizen-" + "2" * 32, frozenset({Role.CITIZEN}))
CLERK = Actor("clerk-1", frozenset({Role.CLERK}), counter="counter-1")
FUND = Actor("official-fund-1", frozenset({Role.OFFICIAL}), "housing-fund")
OTHER_FUND = Actor("official-fund-2", frozenset({Role.OFFICIAL}), "housing-fund")
THIRD_FUND = Actor("official-fund-3", frozenset({Role.OFFICIAL}), "housing-fund")
POLICE = Actor("official-police", frozenset({Role.OFFICIAL}), "police")
KIOSK = Actor("kiosk-1", frozenset({Role.KIOSK}))
OTHER_KIOSK = Actor("kiosk-2", frozenset({Role.KIOSK}))
REQUESTS = [
    {"material": name, "department": name, "record": name, "request_id": f"request-{name}"}
    for name in ("police", "bank")
]
KNOWN = Identification("face", NOW, 4, "substantial")
Step = Callable[[Application], None]
PAYMENT = "6d1c9f3e-0000-4000-8000-000000000001"


def submitted(
    actor: Actor = ANNA,
    channel: Channel = Channel.APP,
    *,
    pays: bool = True,
    application_id: str = "application-" + "a" * 32,
    citizen_id: str = CITIZEN_ID,
) -> Application:
    return Application.submit(
        actor,
        NOW,
        application_id=application_id,
        citizen_id=citizen_id,
        channel=channel,
        form_sealed="sealed",
        terms=Terms(
            service="housing-fund-repayment",
            item_version="2020-06-01+12345678",
            department="housing-fund",
            pays=pays,
            baseline={"materials": 6, "steps": 4, "trips": 1},
            identity_due_at=NOW + timedelta(minutes=30),
            promised_at=None,
            legal_due_on=None,
        ),
        simulated=True,
    )


def answer(material: str, round_: str = "request") -> dict[str, Any]:
    return {
        "material": material,
        "department": material,
        "record": material,
        "request_id": f"{round_}-{material}",
        "milliseconds": 80,
        "attempts": 1,
        "sha256": "ab" * 32,
        "key_id": "key-1",
        "issued_at": NOW,
        "hedged": False,
        "signed_sealed": "sealed",
    }


def failure(material: str) -> dict[str, Any]:
    return {
        "material": material,
        "department": material,
        "record": material,
        "request_id": f"request-{material}",
        "milliseconds": 80,
        "attempts": 3,
        "reason": "source-timeout",
    }


def identify(application: Application) -> None:
    note_identity(application, NOW, known=KNOWN, needed="substantial")


def ask(application: Application) -> None:
    application.request_evidence(NOW, requests=REQUESTS, due_at=NOW + timedelta(seconds=10))


def collect(application: Application) -> None:
    application.collect(NOW, [answer("police"), answer("bank")])


def decide(outcome: str, **otherwise: Any) -> Callable[[Application], None]:
    """`otherwise` says something else than an orderly decision does."""

    def step(application: Application) -> None:
        fields: dict[str, Any] = {
            "outcome": outcome,
            "item_version": "2020-06-01+12345678",
            "decided_on": "2026-03-02",
            "parameters": {},
            "inputs": [],
            "reasons": ["rule"] if outcome == "refused" else [],
            "findings": {"rule": "failed" if outcome == "refused" else "met"},
            "amount_fen": 100 if outcome == "approved" and application.pays else None,
            "computed_fen": 100 if outcome != "refused" and application.pays else None,
            "claim_id": "entitlement-" + "e" * 32,
            "steps_sealed": "sealed",
        }
        application.decide(NOW, **(fields | otherwise))

    return step


def review(
    application: Application, actor: Actor = FUND, now: datetime = NOW, **otherwise: Any
) -> None:
    """An officer approves what the rules found, or decides as `otherwise` says."""
    fields: dict[str, Any] = {
        "outcome": "approved",
        "reasons": [],
        "amount_fen": 100 if application.pays else None,
        "note_sealed": "sealed",
        "served": {},
        "ceiling_fen": 1000,
        "one_reviewer_fen": 500,
    }
    reviewing.review(application, actor, now, **(fields | otherwise))


def refuse(application: Application, actor: Actor = FUND, now: datetime = NOW) -> None:
    review(application, actor, now, outcome="refused", reasons=["x"], amount_fen=None)


def confirm_review(
    application: Application, actor: Actor = OTHER_FUND, amount_fen: int | None = 100, **fields: Any
) -> None:
    """A second officer agrees."""
    said: dict[str, Any] = {"note_sealed": "sealed", "served": {}, "ceiling_fen": 1000}
    reviewing.confirm(application, actor, NOW, amount_fen=amount_fen, **(said | fields))


def appeal(application: Application, actor: Actor = ANNA) -> None:
    appeals.appeal(application, actor, NOW, grounds_sealed="sealed")


def instruct(application: Application, ceiling_fen: int | None = None, **otherwise: Any) -> None:
    """Tell the bank; `otherwise` names another payment, or a decision that is not in force."""
    named = {"payment_id": PAYMENT, "decision_sha256": application.decision_sha256} | otherwise
    application.instruct_payout(
        NOW,
        claims=["entitlement-" + "e" * 32],
        from_account="housing-fund",
        payee_sealed="sealed",
        due_at=NOW + timedelta(seconds=30),
        ceiling_fen=ceiling_fen,
        **named,
    )


def confirm(application: Application, amount_fen: int = 100) -> None:
    application.confirm_payout(
        NOW,
        payment_id=PAYMENT,
        amount_fen=amount_fen,
        receipt_sha256="ab" * 32,
        receipt_sealed="sealed",
        settled_at=NOW,
    )


def fail(application: Application, payment_id: str = PAYMENT) -> None:
    application.fail_payout(
        NOW, payment_id=payment_id, reason="account-closed", receipt_sha256="ab" * 32
    )


def send_back(then: Status = Status.REFERRED) -> Step:
    """An officer wants one answer corrected, and one document, within twenty days."""

    def step(application: Application) -> None:
        corrections.send_back(
            application,
            FUND,
            NOW,
            fields=["amount"],
            documents=["loan-contract"],
            message_sealed="sealed",
            due_at=NOW + timedelta(days=20),
            then=then,
        )

    return step


def resubmit(application: Application) -> None:
    corrections.resubmit(
        application,
        ANNA,
        NOW,
        fields=["amount"],
        form_sealed="corrected",
        legal_due_on="2026-04-01",
    )


def add(kind: str = "loan-contract", actor: Actor = ANNA, sha256: str = "cd" * 32) -> Step:
    """A document of 1000 bytes; the limits are three documents and 2500 bytes."""

    def step(application: Application) -> None:
        new = documents.NewDocument("6d1c9f3e", kind, "application/pdf", 1000, sha256)
        documents.add_document(
            application, actor, NOW, document=new, limits=documents.DocumentLimits(3, 2500)
        )

    return step


COLLECTED = (identify, ask, collect)
REFERRED = (*COLLECTED, decide("referred"))
SENT_BACK = (*REFERRED, send_back())
APPROVED = (*COLLECTED, decide("approved"))
PAYING = (*APPROVED, instruct)
LIVES: dict[Status, tuple[Callable[[Application], None], ...]] = {
    Status.SUBMITTED: (),
    Status.IDENTIFIED: (identify,),
    Status.COLLECTING: (identify, ask),
    Status.COLLECTED: COLLECTED,
    Status.REFERRED: REFERRED,
    Status.AWAITING_SECOND: (*COLLECTED, decide("refused"), appeal, review),
    Status.SENT_BACK: SENT_BACK,
    Status.APPROVED: APPROVED,
    Status.REFUSED: (*COLLECTED, decide("refused")),
    Status.PAYING: PAYING,
    Status.PAID: (*PAYING, confirm),
    Status.PAYOUT_FAILED: (*PAYING, fail, lambda application: application.compensate(NOW)),
    Status.WITHDRAWN: (lambda application: application.withdraw(ANNA, NOW),),
    Status.EXPIRED: (lambda application: application.expire(application.identity_due_at),),
}


def at(status: Status, **fields: Any) -> Application:
    """An application that has come this far, with nothing pending."""
    application = submitted(**fields)
    for step in LIVES[status]:
        step(application)
    assert application.status == status
    application.collect_events()
    return application
