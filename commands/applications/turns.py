"""One open application a person and item: who applies again, or appeals, is told which it is."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial

import asyncpg

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application, Channel
from citybrain.domain.applications.reading_rights import Whose, is_own, may_read
from citybrain.domain.applications.statuses import Status, has_ended
from citybrain.errors import CitybrainError, Refused, Unavailable
from citybrain.eventstore import OutcomeUnknown, StreamNotFound, WrongExpectedVersion
from citybrain.eventstore.reader import patiently
from citybrain.faults import AGAIN_LATER
from commands.handling import Command, CommandContext, change
from commands.services import Services

TAKE = """
INSERT INTO last_applications AS l (citizen_id, service, application_id, appealing)
VALUES ($1, $2, $3, $4)
ON CONFLICT (citizen_id, service)
DO UPDATE SET application_id = $3, taken_at = clock_timestamp(), appealing = $4
WHERE l.application_id = $3 OR (l.application_id = $5 AND l.taken_at = $6)
RETURNING taken_at
"""
LAST = """
SELECT application_id, taken_at, appealing,
       taken_at < clock_timestamp() - interval '1 minute' AS given_up
FROM last_applications WHERE citizen_id = $1 AND service = $2
"""
GIVE_BACK = "DELETE FROM last_applications WHERE application_id = $1 AND citizen_id = $2"
APPEALED = """
UPDATE last_applications SET appealing = false
WHERE application_id = $1 AND citizen_id = $2 AND taken_at = $3
"""
NONE: tuple[str, datetime | None] = ("", None)


class ApplicationOpen(Refused):
    """This person's application for this item has not ended; who may know it is told its id."""

    code = "application-open"


class BeingSubmitted(Unavailable):
    """This person's application for this item is being submitted, or appealed, right now."""

    code = "application-being-submitted"


@asynccontextmanager
async def turn(
    citizen_id: str, service: str, application_id: str, context: CommandContext, services: Services
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """What takes the turn, right before the submission; given back where that is refused."""

    async def take() -> None:
        await _take(citizen_id, service, application_id, context, services)

    try:
        yield take
    except (OutcomeUnknown, WrongExpectedVersion):
        raise  # it may have been submitted, or had been
    except CitybrainError:
        await give_turn_back(citizen_id, application_id, services)
        raise


async def give_turn_back(citizen_id: str, application_id: str, services: Services) -> None:
    """Nothing was submitted under this id; where that cannot be said, it is so in a minute."""
    with suppress(*AGAIN_LATER):
        await services.store.pool.execute(GIVE_BACK, application_id, citizen_id)


@asynccontextmanager
async def appeal_turn(
    application: Application, context: CommandContext, services: Services
) -> AsyncIterator[None]:
    """The turn of an application that had ended, while it is appealed; raises as `turn` does.

    Until that is stored it has ended still: nobody else takes the turn from it meanwhile.
    """
    citizen_id, service, of = application.citizen_id, application.service, application.id
    taken_at = await _take(citizen_id, service, of, context, services, appealing=True)
    try:
        yield
    except OutcomeUnknown:
        raise  # it may have been appealed
    except CitybrainError:
        await _appealed(application, taken_at, services)
        raise
    await _appealed(application, taken_at, services)


async def _appealed(application: Application, taken_at: datetime, services: Services) -> None:
    """It says itself now whether it is open; where that cannot be said, it is so in a minute."""
    with suppress(*AGAIN_LATER):
        await services.store.pool.execute(
            APPEALED, application.id, application.citizen_id, taken_at
        )


async def last_of(citizen_id: str, service: str, services: Services) -> Application | None:
    """The person's last application for the item; None where there is none."""
    pool = services.store.pool
    last = await patiently(partial(pool.fetchrow, LAST, citizen_id, service))
    try:
        return last and await services.store.load(Application, last["application_id"])
    except StreamNotFound:
        return None


async def _take(
    citizen_id: str,
    service: str,
    application_id: str,
    context: CommandContext,
    services: Services,
    *,
    appealing: bool = False,
) -> datetime:
    """Make this the person's last application for the item; raises where the last is open.

    Of two at once one gets the turn. One that was never submitted (a crash) loses it.
    """
    pool, ended, mine = services.store.pool, NONE, (citizen_id, service, application_id, appealing)
    while True:
        taken_at: datetime | None = await patiently(partial(pool.fetchval, TAKE, *mine, *ended))
        if taken_at is not None:
            return taken_at
        last = await patiently(partial(pool.fetchrow, LAST, citizen_id, service))
        if last is not None:
            await _end(last, context, services)
            ended = last["application_id"], last["taken_at"]


async def _end(last: asyncpg.Record, context: CommandContext, services: Services) -> None:
    """See that the last application has ended; raises where it has not."""
    try:
        first = await services.store.load(Application, last["application_id"])
    except StreamNotFound:
        if last["given_up"]:
            return
        raise BeingSubmitted("the application is being submitted", retry_after_seconds=5) from None
    if has_ended(first.status, pays=first.pays):
        if last["appealing"] and not last["given_up"]:
            raise BeingSubmitted("the application is being appealed", retry_after_seconds=5)
        return
    if _is_replaced(first, context.actor):
        await _withdraw(first, context, services)
        return
    said = "this person's application for this service is under way"
    if not may_read(context.actor, Whose.of(first)):
        raise ApplicationOpen(said)
    raise ApplicationOpen(said, application_id=first.id, status=first.status)


def _is_replaced(first: Application, actor: Actor) -> bool:
    """What a kiosk began that has not seen its applicant does not hold up the applicant."""
    unseen = first.status == Status.SUBMITTED and first.channel == Channel.KIOSK
    return unseen and is_own(actor, first.citizen_id)


async def _withdraw(first: Application, context: CommandContext, services: Services) -> None:
    own = context._replace(idempotency_key=None, expected_version=None)
    await change(
        Application,
        first.id,
        Command(),
        own,
        services,
        lambda application: application.withdraw(context.actor, services.clock()),
        lambda application: {"status": application.status},
    )
