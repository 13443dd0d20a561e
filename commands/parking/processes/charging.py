"""From a vehicle that has left to a claim: priced, held where that is not sure, and asked for.

Where the stream stands says what is done next, so a crash repeats nothing: the claims of a session
are numbered, and one that is there is not raised again. Whether somebody is debited is decided at
that moment: a consent that has ended since is none.
"""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar
from uuid import NAMESPACE_URL, uuid5

from citybrain.domain.money import Fen
from citybrain.domain.parking import prepaying, session_claims
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import Channel
from citybrain.domain.parking.owing import ASKED_ALL_THE_SAME, CLONED
from citybrain.domain.parking.session import ParkingSession, Step
from citybrain.domain.parking.tailgating import DEPARTED_UNPAID
from citybrain.eventstore import RecordedEvent, StreamNotFound
from commands.handling import CommandContext
from commands.parking.bindings import Payer, give_back_debit, holder_at, payer_of, take_debit
from commands.parking.claim import (
    correct_claim,
    first_told_at,
    raise_claim,
    resume_claim,
    suspend_claim,
)
from commands.parking.payment import request_payment
from commands.parking.pricing import OfPlate, OtherStays, say_price
from commands.parking.session import change_session
from commands.services import Services

CLAIM = (
    "parking.claim_settled",
    "parking.claim_reopened",
    "parking.payment_failed",
    "parking.payment_cancelled",
)
NOBODY, ASKED_BEFORE, NOT_OWED = "nobody-known", "asked-before", "no-longer-owed"
FAILED = "debit-failed"
DISPUTED, DECIDED = "parking.disputed", "parking.dispute_decided"


class ParkingCharging:
    """The process manager of sessions that have ended."""

    name: ClassVar[str] = "parking-charging"
    topics: ClassVar[tuple[str, ...]] = (
        "parking.left",
        "parking.times_corrected",
        "parking.charging_noted",
        "parking.plate_read",
        "parking.reading_moved",
        "parking.plate_completed",
        "parking.plate_corrected",
        "parking.continued",
        "parking.clone_suspected",
        "parking.clone_decided",
        "parking.released",
        "parking.payer_corrected",
        "parking.repriced",
        DISPUTED,
        DECIDED,
        "parking.voided",
        "parking.prepaid",
        "parking.prepayment_ended",
        "parking.way_out_held_up",
        "parking.stray_decided",
        "parking.tailgated",
        *CLAIM,
    )

    def __init__(self, of_plate: OfPlate) -> None:
        self._of_plate = of_plate

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Take a session as far as it goes without people."""
        context = context_for("charge")
        if event.topic in CLAIM:
            await _follow_claim(event, services, context)
            return
        if event.topic in (DISPUTED, DECIDED):
            await _let_stand(event, services, context)
        others = OtherStays(self._of_plate, event.position)
        while await _step(event.stream_id, services, context, others):
            pass
        await _debit(event.stream_id, services, context)


async def _step(
    session_id: str, services: Services, context: CommandContext, others: OtherStays
) -> bool:
    """The next step; whether there may be another."""
    session = await services.store.load(ParkingSession, session_id)
    step = session.next_step()
    if step is Step.PRICE:
        await say_price(session, context, services, others)
    elif step is Step.HOLD:
        await change_session(session_id, services, _hold, context)
    elif step is Step.LOWER:
        await _lower(session, services, context)
    elif step is Step.SETTLE:
        await change_session(
            session_id,
            services,
            lambda each, now: each.settle(
                now,
                amount_fen=each.price_fen or 0,
                how="paid" if each.price_fen else "free",
                claim_id=None,
            ),
            context,
        )
    elif step is Step.CLAIM:
        await _claim(session, services, context)
    return step is not Step.NOTHING


def _hold(session: ParkingSession, now: datetime) -> None:
    if session.why_held is not None:
        session.hold(now, *session.why_held)


async def _lower(session: ParkingSession, services: Services, context: CommandContext) -> None:
    """Less is owed: the claim gives back what was paid beyond, and the session says so."""
    found = session.to_lower()
    assert found is not None
    claim, amount_fen, reason = found
    prepaid = session.claims[claim].get("prepaid") or {}
    decision = session.price_event or prepaid.get("decision_sha256")
    assert decision is not None
    await correct_claim(
        claim, context, services, to_fen=amount_fen, reason=reason, decision_sha256=decision
    )
    await change_session(
        session.id,
        services,
        lambda each, now: each.claim_lowered(now, claim, amount_fen, reason),
        context,
    )


async def _claim(session: ParkingSession, services: Services, context: CommandContext) -> None:
    """Say that it is owed, by whom, and debit it where that may be; else ask for it later."""
    assert session.price_event is not None
    amount_fen = Fen(session.owed_fen)
    now, number = services.clock(), len(session.claims) + 1
    on_leaving = [
        each for each in session.claims.values() if not session_claims.is_prepayment(each)
    ]
    payer = await _payer(session, services, context)
    citizen = payer.citizen_id if isinstance(payer, Payer) else None
    why_not = payer if isinstance(payer, str) else None
    if why_not in (*ASKED_ALL_THE_SAME, ASKED_BEFORE) and session.plate_id is not None:
        citizen = await holder_at(session.plate_id, session.arrived_at, services)
    if citizen in [each["payer"] for each in on_leaving if each["payer"]]:
        why_not = ASKED_BEFORE
    due_at = now if on_leaving or session.left_at is None else session.left_at
    claim = await raise_claim(
        context,
        services,
        subject=session.id,
        number=number,
        citizen_id=citizen,
        amount_fen=amount_fen,
        due_at=due_at,
        decision_sha256=session.price_event,
        plate_id=session.plate_id,
    )
    raised = await services.store.load(Claim, claim)  # perhaps before a crash, of another holder
    if raised.citizen_id != citizen:
        citizen, why_not = raised.citizen_id, why_not or "another-holder"
    terms = None if not isinstance(payer, Payer) else {"binding_id": payer.binding_id}
    remind_at = first_told_at(services)

    def decide(each: ParkingSession, at: datetime) -> None:
        each.claim_made(
            at,
            claim_id=claim,
            amount_fen=int(amount_fen),
            payer=citizen,
            due_at=due_at,
            debited=why_not is None,
            why_not=why_not,
            terms=terms,
        )
        if why_not is not None:
            reason = DEPARTED_UNPAID if each.tailgated is not None else why_not
            each.defer(at, claim_id=claim, reason=reason, remind_at=remind_at)

    await change_session(session.id, services, decide, context)


async def _debit(session_id: str, services: Services, context: CommandContext) -> None:
    """Ask for the debit of a claim that says so, once; a crash in between asks again."""
    session = await services.store.load(ParkingSession, session_id)
    claim_id = session.claim
    if claim_id is None or session.deferred is not None or not session.claims[claim_id]["debited"]:
        return
    claim = await services.store.load(Claim, claim_id)
    if not claim.payments and claim.may_be_collected:
        request_id = uuid5(NAMESPACE_URL, f"{claim_id}:debit")
        await request_payment(
            claim_id, context, services, request_id=request_id, channel=Channel.DEBIT
        )


async def _payer(
    session: ParkingSession, services: Services, context: CommandContext
) -> Payer | str:
    """Who is debited, and so much of their day's limit is taken; or why nobody is."""
    why_nobody = _nobody(session)
    if why_nobody is not None or session.plate_id is None:
        return why_nobody or NOBODY
    if any("dropped" in each for each in session.claims.values()):
        return ASKED_BEFORE
    return await take_debit(
        session.plate_id,
        session_id=session.id,
        arrived_at=session.arrived_at,
        amount_fen=Fen(session.owed_fen),
        context=context,
        services=services,
    )


def _nobody(session: ParkingSession) -> str | None:
    """Why nobody can be asked, whoever has bound the plate."""
    if session.plate_id is None or not (session.plate or {}).get("plate_complete"):
        return NOBODY
    return CLONED if False in session.clones.values() else None


async def may_debit(claim: Claim, services: Services) -> str | None:
    """Why a claim may not be debited now: asked again just before the gateway is told."""
    if not claim.subject.startswith(f"{ParkingSession.category}-"):
        return None
    try:
        session = await services.store.load(ParkingSession, claim.subject)
    except StreamNotFound:
        return NOT_OWED
    if session.claim != claim.id:
        return NOT_OWED
    if session.plate_id is None or _nobody(session) is not None:
        return NOBODY
    payer = await payer_of(
        session.plate_id,
        arrived_at=session.arrived_at,
        now=services.clock(),
        services=services,
        amount_fen=session.owed_fen,
        session_id=session.id,
    )
    if not isinstance(payer, Payer):
        return payer
    return None if payer.citizen_id == claim.citizen_id else "another-holder"


async def _let_stand(event: RecordedEvent, services: Services, context: CommandContext) -> None:
    """While it is disputed, collection stands still."""
    session = await services.store.load(ParkingSession, event.stream_id)
    for claim in session.claims:
        if event.topic == DISPUTED:
            await suspend_claim(claim, context, services, reason="disputed")
        else:
            await resume_claim(claim, context, services)


async def _follow_claim(event: RecordedEvent, services: Services, context: CommandContext) -> None:
    """What became of the money, as the session says it."""
    claim = await services.store.load(Claim, event.stream_id)
    if not claim.subject.startswith(f"{ParkingSession.category}-"):
        return
    remind_at = first_told_at(services)

    def decide(session: ParkingSession, at: datetime) -> None:
        if session_claims.is_prepayment(session.claims.get(claim.id, {})):
            prepaying.follow_claim(session, at, claim, remind_at=remind_at)
            return
        if claim.id != session.claim:
            return
        if claim.settled:
            session.settle(at, amount_fen=claim.amount_fen, how="paid", claim_id=claim.id)
        elif claim.charged_back:
            session.reopen(at, claim_id=claim.id, due_at=claim.due_at, remind_at=remind_at)
        elif not claim.debits_under_way():
            session.defer(at, claim_id=claim.id, reason=FAILED, remind_at=remind_at)

    await change_session(claim.subject, services, decide, context)
    session = await services.store.load(ParkingSession, claim.subject)
    binding_id = session.claims.get(claim.id, {}).get("binding_id")
    if binding_id is not None and session.deferred == FAILED:
        await give_back_debit(binding_id, session.id, context, services)
