"""Payments for which no stay is known: found their stays, or offered to an officer, or given back.

A stay is looked for in the same block face or facility, at the moment of the payment. The same
plate needs nobody; one character off is offered. The session says so before anybody is reminded.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import ClassVar

from citybrain.domain.parking import prepaying
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.plates import distance
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.stray import StrayPayment, StrayStatus
from citybrain.eventstore import RecordedEvent
from commands.handling import CommandContext
from commands.parking import signs
from commands.parking.claim import correct_claim, first_told_at
from commands.parking.plates import PlateKeeper
from commands.parking.session import change_session
from commands.parking.stray import change_stray
from commands.services import Services

CLAIM = (
    "parking.claim_settled",
    "parking.claim_reopened",
    "parking.payment_failed",
    "parking.payment_cancelled",
)
PAID, OFFERED, MATCHED = "parking.stray_paid", "parking.stray_offered", "parking.stray_matched"
REFUSED, ENDED = "parking.stray_refused", "parking.stray_ended"
UNPAID = "parking.deferred"
ONE_OFF = 1
NO_STAY, NOT_PAID = "of-no-stay", "not-paid"


class ParkingStrays:
    """The process manager of payments for which no stay is known."""

    name: ClassVar[str] = "parking-strays"
    topics: ClassVar[tuple[str, ...]] = (*CLAIM, PAID, OFFERED, MATCHED, REFUSED, ENDED, UNPAID)

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """One step, found again where it was cut short."""
        context, pool = context_for("stray"), services.store.pool
        if event.topic == UNPAID:
            await _look_from_session(event.stream_id, services, context)
            return
        if event.topic in CLAIM:
            await _follow_claim(event.stream_id, services, context)
            return
        stray = await services.store.load(StrayPayment, event.stream_id)
        if event.topic == PAID:
            await pool.execute(signs.KEEP_STRAY, stray.id, stray.place_id, stray.paid_at)
            await _look(stray, services, context)
        elif event.topic == OFFERED:
            for session_id in stray.candidates:
                find = partial(_find, stray.id)
                await change_session(session_id, services, find, context)
        else:
            await _conclude(stray, services, context)
            await pool.execute(signs.DROP_STRAY, stray.id)


def _find(stray_id: str, session: ParkingSession, now: datetime) -> None:
    prepaying.find_stray(session, now, stray_id, ONE_OFF)


async def _look_from_session(session_id: str, services: Services, context: CommandContext) -> None:
    """A stay is not paid: perhaps it was, for another plate."""
    session = await services.store.load(ParkingSession, session_id)
    places = [session.place_id, *([session.zone_id] if session.zone_id else [])]
    rows = await services.store.pool.fetch(
        signs.STRAYS_DURING, places, session.arrived_at, session.left_at
    )
    for row in rows:
        stray = await services.store.load(StrayPayment, row["stray_id"])
        await _look(stray, services, context)


async def _look(stray: StrayPayment, services: Services, context: CommandContext) -> None:
    """Which stays it may be for."""
    if stray.status != StrayStatus.PAID or stray.paid_at is None:
        return
    rows = await services.store.pool.fetch(
        signs.STANDING_THEN, stray.place_id, f"{stray.place_id}|", stray.paid_at
    )
    loaded = [
        await services.store.load(ParkingSession, row["session_id"], fresh=False) for row in rows
    ]
    sessions = [
        each for each in loaded if each.plate is not None and not (each.settled or each.voided)
    ]
    keeper = PlateKeeper(services)
    (paid_for,) = await keeper.open_many([SealedPlate.of(stray.plate)])
    read = await keeper.open_many([SealedPlate.of(each.plate or {}) for each in sessions])
    far = {
        each.id: distance(paid_for, plate)
        for each, plate in zip(sessions, read, strict=True)
        if paid_for is not None and plate is not None
    }
    same = sorted(session_id for session_id, off in far.items() if off == 0)
    near = [session_id for session_id, off in far.items() if off == ONE_OFF]

    def decide(each: StrayPayment) -> None:
        if same:
            each.match_same(services.clock(), same[0])
        elif near:
            each.offer(services.clock(), near)

    await change_stray(stray.id, services, context, decide)


async def _follow_claim(claim_id: str, services: Services, context: CommandContext) -> None:
    """What became of the money; once a stay has it, the stay follows its claim."""
    claim = await services.store.load(Claim, claim_id)
    if not claim.subject.startswith(f"{StrayPayment.category}-"):
        return
    stray = await services.store.load(StrayPayment, claim.subject)
    if stray.session_id is not None:
        follow = partial(_follow, claim=claim, remind_at=first_told_at(services))
        await change_session(stray.session_id, services, follow, context)
        return

    def decide(each: StrayPayment) -> None:
        now = services.clock()
        if each.status != StrayStatus.ASKED:
            return
        if claim.settled:
            paid_at = prepaying.paid_at(claim)
            each.note_paid(now, amount_fen=claim.amount_fen, paid_at=paid_at)
        elif not list(claim.under_way()):
            each.end(now)

    await change_stray(stray.id, services, context, decide)


def _follow(session: ParkingSession, now: datetime, claim: Claim, remind_at: datetime) -> None:
    if claim.id in session.claims:
        prepaying.follow_claim(session, now, claim, remind_at=remind_at)


async def _conclude(stray: StrayPayment, services: Services, context: CommandContext) -> None:
    """The stays hear of it, and what is nobody's goes back."""
    about = {*stray.candidates, *([stray.session_id] if stray.session_id else [])}
    for session_id in sorted(about):
        its = session_id == stray.session_id
        decide = partial(_decide, stray, its)
        await change_session(session_id, services, decide, context)
    if stray.session_id is None:
        refused = stray.status == StrayStatus.REFUSED
        await correct_claim(
            stray.claim_id,
            context,
            services,
            to_fen=0,
            reason=NO_STAY if refused else NOT_PAID,
            decision_sha256=stray.refused_sha256 or stray.decision_sha256,
        )


def _decide(stray: StrayPayment, its: bool, session: ParkingSession, now: datetime) -> None:
    assert stray.paid_at is not None
    prepaying.decide_stray(
        session,
        now,
        stray_id=stray.id,
        its=its,
        claim_id=stray.claim_id,
        amount_fen=stray.amount_fen,
        paid_at=stray.paid_at,
    )
