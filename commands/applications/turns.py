"""One open application a person and item: who applies again is told which one is under way."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

import asyncpg

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application, Channel
from citybrain.domain.applications.reading_rights import Whose, is_own, may_read
from citybrain.domain.applications.statuses import Status, has_ended
from citybrain.errors import CitybrainError, Refused, Unavailable
from citybrain.eventstore import OutcomeUnknown, StreamNotFound, WrongExpectedVersion
from citybrain.eventstore.lane import CONNECTION_LOST
from citybrain.eventstore.reader import patiently
from commands.handling import Command, CommandContext, change
from commands.services import Services

TAKE = """
INSERT INTO last_applications AS l (citizen_id, service, application_id) VALUES ($1, $2, $3)
ON CONFLICT (citizen_id, service)
DO UPDATE SET application_id = $3, taken_at = clock_timestamp() WHERE l.application_id IN ($3, $4)
RETURNING application_id
"""
LAST = """
SELECT application_id, taken_at < clock_timestamp() - interval '1 minute' AS given_up
FROM last_applications WHERE citizen_id = $1 AND service = $2
"""
GIVE_BACK = "DELETE FROM last_applications WHERE application_id = $1 AND citizen_id = $2"
NONE = ""


class ApplicationOpen(Refused):
    """This person's application for this item has not ended; who may know it is told its id."""

    code = "application-open"


class BeingSubmitted(Unavailable):
    """This person's application for this item is being submitted right now."""

    code = "application-being-submitted"


@asynccontextmanager
async def turn(
    citizen_id: str, service: str, application_id: str, context: CommandContext, services: Services
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """What takes the turn, right before the submission; given back where that is refused."""
    try:
        yield partial(_take, citizen_id, service, application_id, context, services)
    except (OutcomeUnknown, WrongExpectedVersion):
        raise  # it may have been submitted, or had been
    except CitybrainError:
        await give_turn_back(citizen_id, application_id, services)
        raise


async def give_turn_back(citizen_id: str, application_id: str, services: Services) -> None:
    """Nothing was submitted under this id; where that cannot be said, it is so in a minute."""
    with suppress(*CONNECTION_LOST):
        await services.store.pool.execute(GIVE_BACK, application_id, citizen_id)


async def _take(
    citizen_id: str, service: str, application_id: str, context: CommandContext, services: Services
) -> None:
    """Make this the person's last application for the item; raises where the last is open.

    Of two at once one gets the turn. One that was never submitted (a crash) loses it.
    """
    pool, ended = services.store.pool, NONE
    while True:
        take = partial(pool.fetchval, TAKE, citizen_id, service, application_id, ended)
        if await patiently(take):
            return
        last = await patiently(partial(pool.fetchrow, LAST, citizen_id, service))
        if last is not None:
            ended = await _ended(last, context, services)


async def _ended(last: asyncpg.Record, context: CommandContext, services: Services) -> str:
    """The id of the last application, which has ended; raises where it has not."""
    application_id: str = last["application_id"]
    try:
        first = await services.store.load(Application, application_id)
    except StreamNotFound:
        if last["given_up"]:
            return application_id
        raise BeingSubmitted("the application is being submitted", retry_after_seconds=5) from None
    if has_ended(first.status, pays=first.pays):
        return application_id
    if _is_replaced(first, context.actor):
        await _withdraw(first, context, services)
        return application_id
    said = "this person's application for this service is under way"
    whose = Whose(first.citizen_id, first.held_by, first.department)
    if not may_read(context.actor, whose):
        raise ApplicationOpen(said)
    raise ApplicationOpen(said, application_id=first.id, status=first.status)


def _is_replaced(first: Application, actor: Actor) -> bool:
    """What a kiosk began that has not seen its applicant does not hold up the applicant."""
    unseen = first.status == Status.SUBMITTED and first.channel == Channel.KIOSK
    return unseen and is_own(actor, first.citizen_id)


async def _withdraw(first: Application, context: CommandContext, services: Services) -> None:
    own = replace(context, idempotency_key=None, expected_version=None)
    await change(
        Application,
        first.id,
        Command(),
        own,
        services,
        lambda application: application.withdraw(context.actor, services.clock()),
        lambda application: {"status": application.status},
    )
