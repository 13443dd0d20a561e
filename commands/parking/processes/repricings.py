"""Batches that price stays again, taken as far as they go: previewed, and run once agreed to.

A batch goes through its sessions by their arrival, part by part, and says in its stream how far it
has come: what was cut short goes on there. A session is priced again once for a batch, whatever is
done again.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4

import asyncpg

from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.domain.actor import system_actor
from citybrain.domain.parking.repricing import Lowered
from citybrain.domain.parking.repricing_batch import SUMS, ParkingRepricing, RepricingStatus, Scope
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.session_events import SessionRepriced
from citybrain.errors import Unavailable
from citybrain.eventstore import RecordedEvent, StreamNotFound, WrongExpectedVersion
from commands.handling import Command, CommandContext
from commands.parking.pricing import STREET, OfPlate, OtherStays, found_lower, price_less
from commands.parking.repricing import change_repricing, reached_back
from commands.services import Services

PART = 100
"""Sessions between two notes of how far a batch has come."""
BY_RULE = system_actor("parking-repricings")
REACHES_BACK = "tariff-reaches-back"

After = tuple[datetime, str] | None
Ended = Callable[
    ["asyncpg.Pool[Any]", datetime, datetime, After, int, int],
    Awaitable[list[dict[str, Any]] | None],
]
"""Sessions of a time that have ended, by their arrival, as a read model knows them; None where it
is behind a position."""


class ParkingRepricings:
    """The process manager of batches."""

    name: ClassVar[str] = "parking-repricings"
    topics: ClassVar[tuple[str, ...]] = (
        "parking.repricing_proposed",
        "parking.repricing_confirmed",
    )

    def __init__(self, ended: Ended, of_plate: OfPlate) -> None:
        self._ended, self._of_plate = ended, of_plate

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Preview what was proposed; run what may be."""
        batch = await services.store.load(ParkingRepricing, event.stream_id)
        others = OtherStays(self._of_plate, event.position)
        working = _Working(batch, others, self._ended, context_for("reprice"), services)
        if batch.status == RepricingStatus.PREVIEWING:
            await working.preview()
            batch = await services.store.load(ParkingRepricing, event.stream_id)
        if batch.status == RepricingStatus.RUNNING:
            await working.run()


@dataclass(slots=True)
class _Working:
    """One batch on its way."""

    batch: ParkingRepricing
    others: OtherStays
    ended: Ended
    context: CommandContext
    services: Services

    async def preview(self) -> None:
        """Find what it comes to; nothing is changed by that."""
        sums, after = dict.fromkeys(SUMS, 0), None
        while rows := await self._part(after):
            for row in rows:
                session = await self.services.store.load(ParkingSession, row["session_id"])
                lowered = await found_lower(
                    session,
                    self.services,
                    self.others,
                    self.batch.version_id,
                    unpaid_only=self._unpaid_only,
                )
                _count(sums, lowered)
            after = (rows[-1]["arrived_at"], rows[-1]["session_id"])
        await self._change(lambda batch, now: batch.previewed(now, sums))

    async def run(self) -> None:
        """Price sessions again from where it stands; a first part may have been done before."""
        again = True
        after: After = None
        if self.batch.after is not None:
            after = (self.batch.after[0], self.batch.after[1])
        while rows := await self._part(after):
            sums = dict.fromkeys(SUMS, 0)
            for row in rows:
                _count(sums, await self._reprice(row["session_id"], again))
            at, session_id = rows[-1]["arrived_at"], rows[-1]["session_id"]
            await self._progressed(sums, at, session_id)
            after, again = (at, session_id), False
        await self._change(lambda batch, now: batch.complete(now))

    async def _progressed(self, sums: dict[str, int], at: datetime, session_id: str) -> None:
        await self._change(
            lambda batch, now: batch.progress(now, sums, arrived_at=at, session_id=session_id)
        )

    async def _reprice(self, session_id: str, again: bool) -> Lowered | None:
        found = await price_less(
            session_id,
            self.context,
            self.services,
            self.others,
            cause="tariff",
            about=self.batch.id,
            version_id=self.batch.version_id,
            unpaid_only=self._unpaid_only,
        )
        if found is None and again:
            return await _done_before(session_id, self.batch.id, self.services)
        return found

    @property
    def _unpaid_only(self) -> bool:
        return self.batch.scope == Scope.UNPAID

    async def _part(self, after: After) -> list[dict[str, Any]]:
        pool, batch = self.services.store.keeping, self.batch
        rows = await self.ended(pool, batch.begins, batch.ends, after, PART, self.others.position)
        if rows is None:
            raise Unavailable("the read model of sessions is behind")
        return rows

    async def _change(self, decide: Callable[[ParkingRepricing, datetime], None]) -> None:
        await change_repricing(self.batch.id, Command(), self.context, self.services, decide)


def _count(sums: dict[str, int], lowered: Lowered | None) -> None:
    sums["sessions"] += 1
    if lowered is not None:
        sums["cheaper"] += 1
        sums["lowered_fen"] += lowered.fen
        sums["refunded_fen"] += lowered.fen if lowered.paid else 0


async def _done_before(session_id: str, about: str, services: Services) -> Lowered | None:
    """What this batch made of a session before it was cut short."""
    for event in reversed(await services.store.read(session_id)):
        if event.topic == SessionRepriced.TOPIC and event.data["about"] == about:
            data = event.data
            return Lowered(data["before_fen"] - data["amount_fen"], data["paid"])
    return None


async def lower_what_is_unpaid(services: Services) -> None:
    """A version that reaches back lowers what was not paid, by rule: a batch for each, once."""
    for version in tariff_of(services.definitions, STREET).versions:
        repricing_id = ParkingRepricing.of_version(version.id)
        if version.published < version.valid_from:
            continue
        begins, ends = reached_back(version.id, services)
        now = services.clock()
        try:
            await services.store.load(ParkingRepricing, repricing_id)
        except StreamNotFound:
            batch = ParkingRepricing.propose(
                now,
                repricing_id=repricing_id,
                version_id=version.id,
                begins=begins,
                ends=min(ends, now),
                scope=Scope.UNPAID,
                reason=REACHES_BACK,
                proposed_by=BY_RULE.subject,
            )
            context = CommandContext(BY_RULE, "process", uuid4(), uuid4())
            with suppress(WrongExpectedVersion):  # another process was first
                await services.store.save(batch, metadata=context.metadata())
