"""Who somebody is, proved by themselves online: a code on their phone, and what they know.

It is the other convenient way beside the face. Which level each way gives is said in
`citybrain.domain.citizens.assurance`.
"""

import secrets
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from citybrain.domain.citizens import proving
from citybrain.domain.citizens.assurance import (
    NEEDED_FOR,
    RECORD_PURPOSE,
    RECORD_WITHIN,
    Method,
    level_of,
)
from citybrain.domain.citizens.citizen import Citizen, Identification
from citybrain.domain.citizens.documents import plain
from citybrain.domain.citizens.passcodes import PATTERN, check_passcode
from citybrain.errors import InvalidInput, Refused
from commands.citizens.changing import birth_date_of, change_citizen, citizen_answer
from commands.citizens.documents import numbers_of
from commands.citizens.identity import Code, Purpose, use_code
from commands.citizens.recent import recent_identification
from commands.citizens.serving import check_purpose
from commands.handling import Command, CommandContext, CommandResult, once_a_key
from commands.services import Services

PASSCODE = "passcode"
ENDING = 6  # characters of a document's number

Passcode = Annotated[str, StringConstraints(pattern=PATTERN)]


class ProveIdentity(Command):
    """A code from one's phone, and either the passcode or the end of a document's number."""

    purpose: Purpose
    code_id: UUID
    code: Code
    passcode: Passcode | None = Field(None, description="the one that was chosen")
    document_ending: Annotated[str, StringConstraints(min_length=ENDING, max_length=16)] | None = (
        Field(None, description=f"the last {ENDING} characters of a registered document's number")
    )


class SetPasscode(Command):
    """Choose a passcode, by which one can be identified online."""

    passcode: Passcode


class ProofIncomplete(InvalidInput):
    """Neither or both of what is known were given."""

    code = "proof-incomplete"


class IdentityNotProven(Refused):
    """What should be known is another; the code has been used up."""

    code = "identity-not-proven"


@once_a_key
async def prove_identity(
    citizen_id: str, command: ProveIdentity, context: CommandContext, services: Services
) -> CommandResult:
    """Record an identification by phone; raises `CodeNotValid`, `IdentityNotProven` and others."""
    if (command.passcode is None) == (command.document_ending is None):
        raise ProofIncomplete("give the passcode, or the end of a document's number")
    check_purpose(command.purpose, services)
    by_passcode = command.passcode is not None
    method = Method.PHONE_AND_PASSCODE if by_passcode else Method.PHONE_AND_DOCUMENT
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    proving.check_may_prove(citizen, context.actor, services.clock(), method)
    await use_code(citizen_id, command.purpose, command.code_id, command.code, services)
    said = {"method": method, "purpose": command.purpose, "code_id": str(command.code_id)}
    if not await _knows(citizen, command, services):

        def fail(citizen: Citizen, now: datetime) -> None:
            proving.fail_proof(citizen, now, **said)

        # Not under the idempotency key: whoever asks again gets the refusal, not this answer.
        await change_citizen(
            citizen_id, command, context._replace(idempotency_key=None), services, fail
        )
        raise IdentityNotProven("this could not be confirmed; ask for another code")

    def decide(citizen: Citizen, now: datetime) -> None:
        proving.prove(citizen, context.actor, now, **said)

    def answer(citizen: Citizen) -> dict[str, Any]:
        return citizen_answer(citizen) | {
            "purpose": command.purpose,
            "level": level_of(method).value,
        }

    return await change_citizen(citizen_id, command, context, services, decide, answer)


async def _knows(citizen: Citizen, command: ProveIdentity, services: Services) -> bool:
    """Whether what was said is known to the person; compared without telling by time."""
    if command.passcode is not None:
        kept = await services.vault.open_text(citizen.id, PASSCODE, citizen.passcode_sealed or "")
        told = await _digest(citizen.id, command.passcode, services)
        return secrets.compare_digest(kept, told)
    numbers = await numbers_of(citizen, services)
    told = plain(command.document_ending or "")
    right = [
        secrets.compare_digest(plain(number)[-ENDING:].encode(), told.encode())
        for number in numbers
    ]
    return any(right)


@once_a_key
async def set_passcode(
    citizen_id: str, command: SetPasscode, context: CommandContext, services: Services
) -> CommandResult:
    """Keep a keyed digest of the passcode, sealed; raises `PasscodeGuessable`."""
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    known = await identified_for("passcode", citizen, context, services)
    proving.check_may_choose(citizen, context.actor, known)
    sealed = [("id_number", number) for number in citizen.former_numbers_sealed]
    if citizen.phone_sealed is not None:
        sealed.append(("phone", citizen.phone_sealed))
    numbers = await numbers_of(citizen, services)
    numbers += await services.vault.open_texts(citizen_id, sealed)
    born = await birth_date_of(citizen_id, services)
    check_passcode(command.passcode, born=born, numbers=numbers)
    kept = await services.vault.seal_text(
        citizen_id, PASSCODE, await _digest(citizen_id, command.passcode, services)
    )

    def decide(citizen: Citizen, now: datetime) -> None:
        proving.set_passcode(citizen, context.actor, now, passcode_sealed=kept, known=known)

    return await change_citizen(citizen_id, command, context, services, decide)


async def identified_for(
    change: str, citizen: Citizen, context: CommandContext, services: Services
) -> Identification | None:
    """The identification that a change of a record rests on: a clerk's own, or the person's."""
    own = context.actor.subject == citizen.id
    return await recent_identification(
        citizen,
        RECORD_PURPOSE,
        services,
        within=RECORD_WITHIN,
        needed=NEEDED_FOR[change],
        by=None if own else context.actor.subject,
    )


async def _digest(citizen_id: str, passcode: str, services: Services) -> str:
    return (await services.vault.digest(PASSCODE, f"{citizen_id}:{passcode}".encode())).hex()
