"""Claims on a berth's calendar and on a citizen's number of reservations, each strict for itself.

Both end by themselves after a while, unless they are kept: what a crash leaves between the two, or
before the reservation itself is there, blocks nobody for longer than a hold.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from citybrain.domain.parking.calendar import BerthCalendar
from citybrain.domain.parking.reservation import ParkingReservation, Span
from citybrain.domain.parking.reservation_quota import ReservationQuota
from citybrain.domain.stream import StreamAggregate
from citybrain.errors import Refused
from citybrain.eventstore import StreamNotFound, WrongExpectedVersion
from commands.handling import CommandContext, TooContended
from commands.services import Services

A = TypeVar("A", bound=StreamAggregate)

MOST_TRIES = 100
"""Each of them means that somebody else has got something."""


class Claiming:
    """Claims in one context."""

    def __init__(self, context: CommandContext, services: Services) -> None:
        self._context, self._services = context, services

    async def hold(
        self, citizen_id: str, reservation_id: str, claim_id: str, span: Span, most: int
    ) -> None:
        """Have a berth for a while, and count it; raises `BerthTaken` or `TooManyReservations`.

        Whoever comes second writes nothing.
        """
        await self._check_quota(citizen_id, reservation_id, most)
        await self.hold_berth(claim_id, span)
        try:
            await self.count(citizen_id, reservation_id, span.hold_until, most)
        except Refused:
            await self.free(span.berth, claim_id, span.end)
            raise

    async def hold_berth(self, claim_id: str, span: Span) -> None:
        """Have a berth for a while; raises `BerthTaken` or `ClaimEnded`."""
        await self._on_calendar(
            span.berth,
            lambda calendar, now: calendar.hold(
                now, claim_id=claim_id, start=span.start, end=span.end, until=span.hold_until
            ),
        )

    async def keep(self, reservation: ParkingReservation) -> None:
        """Have a reservation's berth for good, from now on, and count it until its end.

        Raises `BerthTaken` or `ClaimEnded`.
        """
        await self.count(reservation.citizen_id, reservation.id, reservation.end)
        berth, claim_id = reservation.claims[-1]
        start, end = reservation.start, reservation.end
        await self._on_calendar(
            berth, lambda calendar, now: calendar.keep(now, claim_id=claim_id, start=start, end=end)
        )

    async def release(self, reservation: ParkingReservation) -> None:
        """Free the berths that it has no longer; told again, nothing happens."""
        claims = reservation.claims if reservation.is_over else reservation.claims[:-1]
        for berth, claim_id in claims:
            await self.free(berth, claim_id, reservation.end)
        if reservation.is_over:
            await self._count_no_more(reservation.citizen_id, reservation.id)

    async def free(self, berth: str, claim_id: str, end: datetime) -> None:
        """Give a claim up."""
        await self._on_calendar(
            berth, lambda calendar, now: calendar.free(now, claim_id=claim_id, end=end)
        )

    async def count(
        self, citizen_id: str, reservation_id: str, until: datetime, most: int | None = None
    ) -> None:
        """Count a reservation of a citizen until then; raises `TooManyReservations`."""
        await self._on_quota(
            citizen_id,
            lambda quota, now: quota.take(
                now, reservation_id=reservation_id, until=until, most=most
            ),
        )

    async def _count_no_more(self, citizen_id: str, reservation_id: str) -> None:
        await self._on_quota(
            citizen_id, lambda quota, now: quota.give_back(now, reservation_id=reservation_id)
        )

    async def _check_quota(self, citizen_id: str, reservation_id: str, most: int) -> None:
        stream_id = ReservationQuota.id_of(citizen_id)
        with suppress(StreamNotFound):
            quota = await self._services.store.load(ReservationQuota, stream_id)
            quota.check(self._services.clock(), reservation_id=reservation_id, most=most)

    async def _on_calendar(
        self, berth: str, decide: Callable[[BerthCalendar, datetime], None]
    ) -> None:
        def begin(now: datetime) -> BerthCalendar:
            return BerthCalendar.open(now, berth=berth)

        await self._upon(BerthCalendar, BerthCalendar.id_of(berth), begin, decide)

    async def _on_quota(
        self, citizen_id: str, decide: Callable[[ReservationQuota, datetime], None]
    ) -> None:
        def begin(now: datetime) -> ReservationQuota:
            return ReservationQuota.open(now, citizen_id=citizen_id)

        await self._upon(ReservationQuota, ReservationQuota.id_of(citizen_id), begin, decide)

    async def _upon(
        self,
        cls: type[A],
        stream_id: str,
        begin: Callable[[datetime], A],
        decide: Callable[[A, datetime], None],
    ) -> None:
        """Decide on a stream, or begin it; again where somebody was faster.

        What a cached state says no to, or that it is so already, is believed of a fresh one only.
        """
        services, fresh = self._services, False
        for _ in range(MOST_TRIES):
            now = services.clock()
            try:
                stream = await services.store.load(cls, stream_id, fresh=fresh)
                opened = 0
            except StreamNotFound:
                stream, opened = begin(now), 1
            try:
                decide(stream, now)
            except Refused:
                if fresh:
                    raise
                fresh = True
                continue
            if len(stream.pending_events) == opened:
                if fresh:
                    return
                fresh = True
                continue
            try:
                await services.store.save(stream, metadata=self._context.metadata())
                return
            except WrongExpectedVersion:
                fresh = True
        raise TooContended("others are faster again and again; try again", stream_id=stream_id)
