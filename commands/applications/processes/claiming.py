"""What an application draws on: taken before the bank is told, all of it or nothing.

All applications take their things in one order (of their streams), and who finds one taken gives
back what it has. So several items that pay from one account pay one after the other, each on
records that are newer than the payment before. The last word is the stream's: who was faster.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain

from citybrain.definitions.applications.catalogue import ServiceItem
from citybrain.definitions.applications.draws import Draw, Draws
from citybrain.definitions.expressions import ExpressionWrong
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.entitlement import (
    AlreadyClaimed,
    DrawnMeanwhile,
    Entitlement,
    RecordsOutdated,
)
from citybrain.domain.applications.limits import LimitReached, Payment
from citybrain.errors import Refused
from citybrain.eventstore import StreamNotFound, WrongExpectedVersion
from commands.applications.unsealed import Dossier
from commands.handling import CommandContext
from commands.services import Services

THERE = """
SELECT originator_id FROM stored_events
WHERE originator_id = ANY($1) AND originator_version = 1
"""


class DrawsOnUnknown(Refused):
    """What the money is drawn on is not known: a record is missing, or says nothing."""

    code = "draws-on-unknown"


class MoreThanThereIs(Refused):
    """The amount is higher than what can be drawn now."""

    code = "more-than-there-is"


CLAIM_REFUSALS = (
    AlreadyClaimed,
    DrawnMeanwhile,
    DrawsOnUnknown,
    LimitReached,
    MoreThanThereIs,
    RecordsOutdated,
)
HELD_FOR = timedelta(minutes=3)
HELD_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
MOST_ROUNDS = 10


def has_rounds_left(application: Application) -> bool:
    """Whether departments may be asked again by itself: so often after an officer has decided."""
    return application.rounds - application.reviewed_in_round < MOST_ROUNDS


def looks_again(application: Application, refusal: Refused) -> bool:
    """Whether departments are asked once more: old records, or none for an officer's approval."""
    if not has_rounds_left(application):
        return False
    if isinstance(refusal, DrawsOnUnknown | MoreThanThereIs):
        return not application.by_officer or application.requested_at == application.decided_on
    return isinstance(refusal, RecordsOutdated)


class Claims:
    """The claims of one application."""

    def __init__(self, application_id: str, context: CommandContext, services: Services) -> None:
        self._id = application_id
        self._context, self._services = context, services

    async def take(
        self, application: Application, item: ServiceItem, draws: Draws, before: str | None
    ) -> list[str]:
        """Take all that is drawn on; the ids. Raises why it cannot be had, and has nothing then.

        `before` is the entitlement by the key of before, where it is known: nobody draws on that
        any more, but who was about to be paid from it when we were updated, and who was paid.
        """
        amount_fen = int(application.payable_fen)
        if draws.unknown:
            raise DrawsOnUnknown("; ".join(because for _, because in draws.unknown))
        if draws.lacking(amount_fen) is not None:
            raise MoreThanThereIs("the amount is higher than what can be drawn")
        things = await self._things(draws)
        held = [each for each in (application.claim_id,) if each is not None]
        formerly = {
            stream_id: [await thing_id(thing, self._services) for thing in draw.formerly]
            for stream_id, draw in things.items()
        }
        looked_at = {*held, *(each for each in (before,) if each is not None)}
        while True:
            there = await self._there([*things, *looked_at, *chain(*formerly.values())])
            try:
                earlier = self._earlier(application, [there[i] for i in looked_at if i in there])
                claimed = [
                    self._claimed(
                        application,
                        item,
                        stream_id,
                        things[stream_id],
                        there,
                        [*earlier, *_paid(application, formerly[stream_id], there)],
                    )
                    for stream_id in sorted(things)
                ]
            except Refused:
                await self.release([each for each in (*things, *held) if each in there])
                raise
            saved = await asyncio.gather(*map(self._saved, claimed))
            if all(saved):
                return [*(each.id for each in claimed), *held]

    async def _things(self, draws: Draws) -> dict[str, Draw]:
        """Each thing once, by its stream: two names may turn out to be of the same."""
        things: dict[str, Draw] = {}
        for draw in draws.draws:
            stream_id = await thing_id(draw.thing, self._services)
            limits = things[stream_id].limits if stream_id in things else draw.limits
            things[stream_id] = replace(draw, limits=limits.tighter(draw.limits))
        return things

    def _claimed(
        self,
        application: Application,
        item: ServiceItem,
        stream_id: str,
        draw: Draw,
        there: dict[str, Entitlement],
        earlier: Sequence[Payment],
    ) -> Entitlement:
        """One thing, claimed but not saved; raises why it cannot be had."""
        now = self._services.clock()
        entitlement = there.get(stream_id)
        if entitlement is None:
            entitlement = Entitlement.open(now, entitlement_id=stream_id, service=item.code)
        requested_at = application.requested_at or application.created_on
        entitlement.claim(
            now,
            application_id=self._id,
            citizen_id=application.citizen_id,
            service=item.code,
            amount_fen=int(application.payable_fen),
            requested_at=requested_at,
            decided_on=application.decided_on or requested_at,
            limits=draw.limits,
            before=_of(draw, item, earlier, application.citizen_id),
        )
        return entitlement

    def _earlier(self, application: Application, found: Sequence[Entitlement]) -> list[Payment]:
        """What was paid under the key of before; raises where somebody has that."""
        requested_at = application.requested_at or application.created_on
        for entitlement in found:
            entitlement.check_free(
                application_id=self._id,
                requested_at=requested_at,
                decided_on=application.decided_on or requested_at,
            )
        return [payment for entitlement in found for payment in entitlement.payments]

    async def _there(self, stream_ids: Sequence[str]) -> dict[str, Entitlement]:
        """Those that somebody has drawn on before."""
        rows = await self._services.store.pool.fetch(THERE, stream_ids)
        found = await asyncio.gather(
            *(self._services.store.load(Entitlement, row["originator_id"]) for row in rows)
        )
        return {entitlement.id: entitlement for entitlement in found}

    async def settle(self, stream_ids: Sequence[str], payment_id: str) -> None:
        """They were paid from."""
        await self._change(
            stream_ids,
            lambda entitlement, now: entitlement.settle(
                now, application_id=self._id, payment_id=payment_id
            ),
        )

    async def release(self, stream_ids: Sequence[str]) -> None:
        """They are free again."""
        await self._change(
            stream_ids, lambda entitlement, now: entitlement.release(now, application_id=self._id)
        )

    async def _change(
        self, stream_ids: Sequence[str], change: Callable[[Entitlement, datetime], None]
    ) -> None:
        async def one(stream_id: str) -> None:
            fresh = False
            while True:
                try:
                    entitlement = await self._services.store.load(
                        Entitlement, stream_id, fresh=fresh
                    )
                except StreamNotFound:
                    return  # nothing was ever claimed
                change(entitlement, self._services.clock())
                if (entitlement.pending_events or fresh) and await self._saved(entitlement):
                    return
                fresh = True

        await asyncio.gather(*map(one, sorted(stream_ids)))

    async def _saved(self, entitlement: Entitlement) -> bool:
        """Append what was decided; False where another application was faster."""
        if not entitlement.pending_events:
            return True  # a crash came between this and the next step
        try:
            await self._services.store.save(entitlement, metadata=self._context.metadata())
        except WrongExpectedVersion:
            return False
        return True


async def thing_id(thing: str, services: Services) -> str:
    """The entitlement of a thing; nobody reads from it what that is."""
    digest = await services.vault.digest("entitlement", thing.encode())
    return f"{Entitlement.category}-{digest.hex()[:32]}"


async def id_of_before(item: ServiceItem, dossier: Dossier, services: Services) -> str | None:
    """The entitlement by the key that items had before they said what they draw on."""
    if item.claim is None:
        return await thing_id(f"{item.code}:{dossier.citizen_id}", services)
    with suppress(ExpressionWrong):
        key = item.compute(item.claim.key, {"form": dossier.form} | dossier.evidence)
        return await thing_id(f"{item.claim.kind}:{key}", services)
    return None


def _paid(
    application: Application, ids: Sequence[str], there: dict[str, Entitlement]
) -> list[Payment]:
    """What the applicant was paid by a number of before: of nobody else who has it now."""
    return [
        payment
        for stream_id in ids
        if stream_id in there
        for payment in there[stream_id].payments
        if payment["citizen_id"] == application.citizen_id
    ]


def _of(draw: Draw, item: ServiceItem, earlier: Sequence[Payment], citizen: str) -> list[Payment]:
    """What was paid before, under the key of then, from this thing."""
    if draw.of_applicant:
        return [payment for payment in earlier if payment["citizen_id"] == citizen]
    same = item.claim is not None and item.claim.key == draw.key
    return list(earlier) if same else []
