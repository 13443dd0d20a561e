"""From the citizen's yes to a berth that is theirs, or to their money back.

Each step looks where the reservation and the claim for its deposit stand, does what comes next, and
records it. The claim has an id that follows from the reservation, so nobody is charged twice; an
entry in a calendar ends for good when it is given up, so no berth has two holders. A step that a
crash cut short is taken again. What the gateway is told is `collecting`'s.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias
from uuid import NAMESPACE_URL, uuid5
from weakref import WeakValueDictionary

import asyncpg

from citybrain.domain.parking.calendar import BerthTaken, ClaimEnded
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import Channel, PaymentState
from citybrain.domain.parking.reservation import DEPOSIT, TAKEN, TOO_LATE, ParkingReservation
from citybrain.domain.parking.reservation_events import ReservationStatus
from citybrain.domain.stream import category_of
from citybrain.eventstore import RecordedEvent, StreamNotFound
from commands.handling import CommandContext
from commands.parking.claim import correct_claim, raise_claim
from commands.parking.payment import request_payment
from commands.parking.reservations import change_reservation
from commands.parking.reserving import Claiming
from commands.services import Services

Pool: TypeAlias = "asyncpg.Pool[Any]"
FreeBeside = Callable[[Pool, str, datetime, datetime, datetime], Awaitable[list[str]]]
"""Berths near one that are free in a span, as of now: hints, which their calendars decide on."""

OF_RESERVATIONS = (
    "parking.reservation_deposit_asked",
    "parking.reservation_lapsed",
    "parking.reservation_cancelled",
    "parking.reservation_checked_in",
    "parking.reservation_no_show_final",
    "parking.reservation_given_back",
    "parking.reservation_moved",
    "parking.reservation_left",
)
OF_CLAIMS = ("parking.claim_settled", "parking.payment_failed", "parking.payment_cancelled")
NOT_GOT = (PaymentState.FAILED, PaymentState.CANCELLED)


class Step(StrEnum):
    """What is done next, without people."""

    RELEASE = "release"
    CLAIM = "claim"
    LOOK = "look"
    SECURE = "secure"
    REDUCE = "reduce"


class ReservationProcess:
    """The process manager of reservations."""

    name: ClassVar[str] = "parking-reservations"
    topics: ClassVar[tuple[str, ...]] = (*OF_RESERVATIONS, *OF_CLAIMS)

    def __init__(self, free_beside: FreeBeside) -> None:
        self._free_beside = free_beside
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Take a reservation as far as it goes without people and the bank."""
        context = context_for("go-on")
        if event.metadata.get("actor") == context.actor.subject:
            return  # we did this, and go on anyway
        reservation_id = event.stream_id
        if event.topic in OF_CLAIMS:
            claim = await services.store.load(Claim, event.stream_id, fresh=False)
            reservation_id = claim.subject
            if category_of(reservation_id) != ParkingReservation.category:
                return
        async with self._locks.setdefault(reservation_id, asyncio.Lock()):
            await Drive(reservation_id, context, services, self._free_beside).run()


class Drive:
    """One reservation on its way."""

    def __init__(
        self,
        reservation_id: str,
        context: CommandContext,
        services: Services,
        free_beside: FreeBeside,
    ) -> None:
        self._id, self._context, self._services = reservation_id, context, services
        self._free_beside = free_beside
        self._claiming = Claiming(context, services)
        self.steps: dict[Step, Callable[[ParkingReservation], Awaitable[bool]]] = {
            Step.RELEASE: self.release,
            Step.CLAIM: self.claim,
            Step.LOOK: self.look,
            Step.SECURE: self.secure,
            Step.REDUCE: self.reduce,
        }

    async def run(self) -> None:
        """Step after step, until people or the bank have to do something, or it has ended."""
        going = True
        while going:
            reservation = await self._services.store.load(ParkingReservation, self._id)
            going = await self.steps[Step.RELEASE](reservation)
            if reservation.status is ReservationStatus.PAYING:
                await self.steps[Step.CLAIM](reservation)
                going = await self.steps[Step.LOOK](reservation)
            elif reservation.status is ReservationStatus.HELD and reservation.attempts:
                going = await self.steps[Step.LOOK](reservation)
            elif reservation.status is ReservationStatus.SECURING:
                going = await self.steps[Step.SECURE](reservation)
            elif reservation.attempts:
                going = await self.steps[Step.REDUCE](reservation)

    async def release(self, reservation: ParkingReservation) -> bool:
        """Free the berths that it has no longer; first of all, so that nobody waits for them."""
        await self._claiming.release(reservation)
        return False

    async def claim(self, reservation: ParkingReservation) -> bool:
        """The deposit is owed: have it debited, once for each time that the citizen asks."""
        claim_id = await raise_claim(
            self._context,
            self._services,
            subject=self._id,
            number=DEPOSIT,
            citizen_id=reservation.citizen_id,
            amount_fen=reservation.deposit_fen,
            due_at=reservation.start,
            decision_sha256=reservation.decision_sha256,
        )
        claim = await self._services.store.load(Claim, claim_id)
        if not claim.settled:
            request_id = uuid5(NAMESPACE_URL, f"{self._id}:deposit:{reservation.attempts}")
            await request_payment(
                claim_id,
                self._context,
                self._services,
                request_id=request_id,
                channel=Channel.DEBIT,
            )
        return True

    async def look(self, reservation: ParkingReservation) -> bool:
        """What has become of it: paid, not paid, or the bank has not said."""
        claim = await self._claim_of(reservation)
        if claim.settled:
            await self._change(lambda reservation, now: reservation.paid(now, claim_id=claim.id))
            return True
        last = list(claim.payments.values())[-1]
        if reservation.status is ReservationStatus.PAYING and last["state"] in NOT_GOT:
            attempt = reservation.attempts
            await self._change(lambda reservation, now: reservation.not_paid(now, attempt=attempt))
        return False

    async def secure(self, reservation: ParkingReservation) -> bool:
        """It is paid: have its berth for good, or say that it is lost."""
        if self._services.clock() >= reservation.no_show_at:
            await self._lose(TOO_LATE, [])
            return True
        try:
            await self._claiming.keep(reservation)
        except (BerthTaken, ClaimEnded):
            services, span = self._services, (reservation.start, reservation.end)
            offered = await self._free_beside(
                services.store.keeping, reservation.berth, *span, services.clock()
            )
            await self._lose(TAKEN, offered)
            return True
        await self._change(lambda reservation, now: reservation.confirm(now))
        return False

    async def reduce(self, reservation: ParkingReservation) -> bool:
        """No more is owed of the deposit than is kept: what was paid beyond that goes back."""
        try:
            claim = await self._claim_of(reservation)
        except StreamNotFound:
            return False  # cancelled before anything was asked for
        if claim.amount_fen > reservation.kept_fen:
            await correct_claim(
                claim.id,
                self._context,
                self._services,
                to_fen=reservation.kept_fen,
                reason=reservation.status.value,
                decision_sha256=reservation.decision_sha256,
            )
        return False

    async def _claim_of(self, reservation: ParkingReservation) -> Claim:
        assert reservation.claim_id is not None
        return await self._services.store.load(Claim, reservation.claim_id)

    async def _lose(self, reason: str, offered: list[str]) -> None:
        await self._change(
            lambda reservation, now: reservation.lose(now, reason=reason, offered=offered)
        )

    async def _change(self, decide: Callable[[ParkingReservation, datetime], None]) -> None:
        await change_reservation(self._id, self._context, self._services, decide)
