"""Who somebody is, without a face: a one-time code and an officer, or a counter."""

import asyncio
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import asyncpg
import structlog
from pydantic import Field, StringConstraints

from citybrain.domain.actor import Role
from citybrain.domain.citizens.citizen import Citizen, check_counter_of
from citybrain.domain.citizens.reading_rights import may_identify
from citybrain.domain.citizens.refusals import NotYourOwn
from citybrain.errors import InvalidInput, Refused, TooOften, Unavailable
from citybrain.eventstore.locks import LOCK_TRANSACTION
from citybrain.faults import AGAIN_LATER
from citybrain.notifications import SEND_SECONDS
from commands.citizens.changing import change_citizen
from commands.citizens.serving import check_purpose
from commands.handling import Command, CommandContext, CommandResult, KeyReused, once_a_key
from commands.services import Services

log = structlog.get_logger(__name__)

CODE_DIGITS = 6
CODE_LIVES = timedelta(minutes=5)
CODE_TRIES = 5
CODES_OF_ONE, CODES_OF_OTHERS = 5, 15  # to a person in CODES_WINDOW: by who asks, by all others
CODES_WINDOW = timedelta(minutes=15)

SENT_BEFORE = "SELECT person_id, purpose, expires_at FROM identity_codes WHERE code_id = $1"
COUNT = """
SELECT count(*) FILTER (WHERE started_by = $3) AS theirs,
       count(*) FILTER (WHERE started_by IS DISTINCT FROM person_id) AS others
FROM identity_codes
WHERE person_id = $1 AND sent_at > clock_timestamp() - $2::interval
"""
SAVE = """
INSERT INTO identity_codes (code_id, person_id, purpose, digest, expires_at, started_by)
VALUES ($1, $2, $3, $4, $5, $6)
"""
TRY = """
UPDATE identity_codes SET tries = tries + 1
WHERE code_id = $1 AND person_id = $2 AND purpose = $3 AND used_at IS NULL
  AND tries < $4 AND expires_at > clock_timestamp()
RETURNING digest
"""
USE = "UPDATE identity_codes SET used_at = clock_timestamp() WHERE code_id = $1 AND used_at IS NULL"
NOT_SENT = "DELETE FROM identity_codes WHERE code_id = $1"
FORGET = "DELETE FROM identity_codes WHERE sent_at < clock_timestamp() - interval '1 day'"

Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Code = Annotated[str, StringConstraints(pattern=rf"^[0-9]{{{CODE_DIGITS}}}$")]
Document = Literal["identity-card", "passport", "residence-permit", "household-register"]


class SendCode(Command):
    """Ask for a one-time code, for one purpose."""

    purpose: Purpose


class ConfirmIdentity(Command):
    """A clerk says who stands before them, by a document, and the code where one was sent."""

    purpose: Purpose
    document: Document
    code_id: UUID | None = Field(None, description="absent at a counter")
    code: Code | None = Field(None, description="what the person told; with `code_id`")


class NoPhone(Refused):
    """No phone is registered; a counter identifies."""

    code = "no-phone-registered"


class PhoneNotReachable(Refused):
    """No message can be sent to the registered phone; a counter identifies."""

    code = "phone-not-reachable"


class CodeNotSent(Unavailable):
    """The code could not be sent now; whoever asks again gets one."""

    code = "code-not-sent"


class TooManyCodes(TooOften):
    """Too many codes were asked for; a later time, or a counter."""

    code = "too-many-codes"


class CodeIncomplete(InvalidInput):
    """`code_id` without `code`, or the other way round."""

    code = "code-incomplete"


class CodeNotValid(Refused):
    """The code is wrong, used, expired, or was tried too often."""

    code = "code-not-valid"


async def check_may_send(
    citizen_id: str, command: SendCode, context: CommandContext, services: Services
) -> None:
    """Raise where no phone is looked up: for strangers, for a made-up purpose."""
    if not may_identify(context.actor, citizen_id, Role.KIOSK):
        raise NotYourOwn("citizens act for themselves only")  # whether or not there is one
    check_purpose(command.purpose, services)
    await services.store.load(Citizen, citizen_id)


async def send_code(
    citizen_id: str, command: SendCode, context: CommandContext, services: Services
) -> dict[str, Any]:
    """Send a code to the registered phone; the number stays unknown to whoever asks.

    An idempotency key that was used sends nothing and gets its first answer again, for a day.
    Raises `CodeNotSent`, `PhoneNotReachable` and others.
    """
    await check_may_send(citizen_id, command, context, services)
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    citizen.check_alive()
    if citizen.phone_sealed is None:
        raise NoPhone("no phone is registered; a counter can identify this person")
    code_id, code = (
        await _code_id(context, services),
        f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}",
    )
    expires_at, starter = services.clock() + CODE_LIVES, context.actor.subject
    phone = await services.vault.open_text(citizen_id, "phone", citizen.phone_sealed)
    digest = await _digest(code_id, code, services)
    async with services.store.pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_TRANSACTION, f"codes:{citizen_id}")
        if before := await connection.fetchrow(SENT_BEFORE, code_id):
            if (before["person_id"], before["purpose"]) != (citizen_id, command.purpose):
                raise KeyReused("this idempotency key was used for another code")
            return {"code_id": str(code_id), "expires_at": before["expires_at"]}
        await _check_not_too_many(citizen_id, starter, connection)
        await connection.execute(
            SAVE, code_id, citizen_id, command.purpose, digest, expires_at, starter
        )
    text = _code_text(code, services.definitions.called(command.purpose))
    try:
        await _send(phone, text, code_id, services)
    except (Unavailable, PhoneNotReachable):  # whoever asks again with the same key gets a code
        await services.store.pool.execute(NOT_SENT, code_id)
        raise
    return {"code_id": str(code_id), "expires_at": expires_at}


async def _send(phone: str, text: str, code_id: UUID, services: Services) -> None:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await services.notifier.send(phone, text, code_id)
    except Unavailable:
        raise
    except AGAIN_LATER as error:
        raise CodeNotSent("the code could not be sent now") from error
    except Exception as error:
        log.warning("code_not_sent", error=type(error).__name__)
        raise PhoneNotReachable("no message can be sent to the registered phone") from None


def _code_text(code: str, called: tuple[str, str] | None) -> str:
    """A code, and what it is for by its name; codes of purposes are not for people."""
    what, what_en = called or ("", "")
    return (
        f"{what}验证码：{code}。请本人输入，或告知面前的窗口人员；其他人不会向您索要。 / "
        f"Your code{what_en and f' for {what_en}'} is {code}. Type it in yourself, or tell the"
        " clerk who stands before you; nobody else asks for it."
    )


async def _check_not_too_many(
    citizen_id: str, starter: str, connection: "asyncpg.pool.PoolConnectionProxy[Any]"
) -> None:
    """What others ask for is counted by itself: it does not use up the person's own."""
    sent = await connection.fetchrow(COUNT, citizen_id, CODES_WINDOW, starter)
    assert sent is not None
    others_too_many = starter != citizen_id and sent["others"] >= CODES_OF_OTHERS
    if sent["theirs"] >= CODES_OF_ONE or others_too_many:
        raise TooManyCodes(
            "too many codes were sent", retry_after_seconds=int(CODES_WINDOW.total_seconds())
        )


async def _code_id(context: CommandContext, services: Services) -> UUID:
    """The id of a code: with an idempotency key it follows from the key and whoever uses it."""
    if context.once is None:
        return uuid4()
    digest = await services.vault.digest("one-time-code-key", context.once.encode())
    return UUID(bytes=digest[:16])


@once_a_key
async def confirm_identity(
    citizen_id: str, command: ConfirmIdentity, context: CommandContext, services: Services
) -> CommandResult:
    """Record an identification by a clerk; a wrong code counts as a try."""
    check_counter_of(citizen_id, context.actor)
    check_purpose(command.purpose, services)
    if (command.code is None) != (command.code_id is None):
        raise CodeIncomplete("code and code_id come together, or neither at a counter")
    (await services.store.load(Citizen, citizen_id, fresh=True)).check_alive()
    by_code = command.code_id is not None
    if by_code:
        await use_code(citizen_id, command.purpose, command.code_id, command.code or "", services)

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.confirm_identity(
            context.actor,
            now,
            method="one-time-code" if by_code else "counter",
            purpose=command.purpose,
            document=command.document,
            code_id=str(command.code_id) if by_code else None,
        )

    return await change_citizen(citizen_id, command, context, services, decide)


async def use_code(
    citizen_id: str, purpose: str, code_id: UUID | None, code: str, services: Services
) -> None:
    """Use a code up; a wrong one counts as a try. Raises `CodeNotValid`."""
    pool = services.store.pool
    digest = await pool.fetchval(TRY, code_id, citizen_id, purpose, CODE_TRIES)
    told = await _digest(code_id, code, services)
    right = digest is not None and secrets.compare_digest(digest, told)
    if not right or await pool.execute(USE, code_id) != "UPDATE 1":
        raise CodeNotValid("this code is wrong, used or expired; ask for another")


async def _digest(code_id: UUID | None, code: str, services: Services) -> bytes:
    return await services.vault.digest("one-time-code", f"{code_id}:{code}".encode())


async def forget_codes(services: Services) -> None:
    """Drop codes of yesterday."""
    await services.store.pool.execute(FORGET)
