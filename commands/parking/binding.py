"""Commands of a citizen on the binding of a plate: bind, limits, unbind, a transfer, a hirer.

A consent is given with the binding, for it alone, and ends with it. Plates are sealed before
anything is stored; the registry is asked afterwards, by the process manager `plate-bindings`.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import orjson
from pydantic import Field, StringConstraints

from citybrain.definitions.parking.bindings import PlateBindingDefinitions, PlateBindingFile
from citybrain.definitions.parking.plates import grammar_at
from citybrain.domain.actor import Role
from citybrain.domain.citizens import Citizen, DocumentKind, identity_document
from citybrain.domain.money import Fen
from citybrain.domain.parking.binding import AGREEMENT, NotYourBinding, PlateBinding
from citybrain.domain.parking.binding_events import OPEN
from citybrain.domain.parking.holding import ParkingPlate
from citybrain.domain.parking.plates import read_plate
from citybrain.errors import Refused
from citybrain.eventstore import StreamNotFound, WrongExpectedVersion
from commands.citizens import check_not_alone, find_citizen, give_consent
from commands.fields import Day, Moment, Sha256
from commands.handling import (
    Command,
    CommandContext,
    CommandResult,
    answered_before,
    change,
    create,
)
from commands.parking.fields import AmountFen, PlateCountry, PlateIncomplete, PlateText
from commands.parking.plates import PlateKeeper
from commands.services import Services

HIRER = "plate-hirer"

Number = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Country = Annotated[str, StringConstraints(min_length=1, max_length=16)]


class BindPlate(Command):
    """Let parking with one plate be debited by itself, up to limits; agreed to separately."""

    plate: PlateText
    plate_country: PlateCountry = "CN"
    per_debit_limit_fen: AmountFen
    per_day_limit_fen: AmountFen
    notice_sha256: Sha256 = Field(
        description="digest of the text that was shown: of the agreement `parking-debit` in force"
    )


class ChangePlateLimits(Command):
    """Let more or less be debited by itself, from now on."""

    per_debit_limit_fen: AmountFen
    per_day_limit_fen: AmountFen


class UnbindPlate(Command):
    """End it: from this moment on nothing is debited by itself."""


class ShowTransfer(Command):
    """The vehicle was sold; the registry is asked until when it was theirs."""

    transferred_on: Day = Field(description="the day in the paper of the transfer")
    document_sha256: Sha256 | None = Field(None, description="of that paper, where there is one")


class NameHirer(Command):
    """Say to whom the vehicle was hired out when it arrived somewhere, by which contract."""

    document: DocumentKind | None = Field(None, description="of the hirer; a number may tell it")
    number: Number = Field(description="of that document; sealed")
    country: Country | None = Field(None, description="of a passport, ISO 3166-1 alpha-3")
    begins: Moment = Field(description="when the vehicle was handed over")
    ends: Moment = Field(description="when it was back; not included")
    arrived_at: Moment = Field(description="of the stay that is asked for")
    contract_sha256: Sha256


class PlateAlreadyBound(Refused):
    """This citizen has bound the plate, or asked for it, already."""

    code = "plate-already-bound"


class VehicleNotHiredOut(Refused):
    """By the registry the vehicle is none that is hired out."""

    code = "vehicle-not-hired-out"


def binding_answer(binding: PlateBinding) -> dict[str, Any]:
    """What commands on a binding answer."""
    return {
        "binding_id": binding.id,
        "version": binding.version,
        "status": binding.status,
        "reason": None if binding.ended is None else binding.ended["reason"],
        "consent_id": binding.consent_id,
        "per_debit_limit_fen": binding.per_debit_fen,
        "per_day_limit_fen": binding.per_day_fen,
        "transfer": None if binding.transfer is None else binding.transfer["outcome"],
    }


def terms_at(services: Services, now: datetime) -> PlateBindingFile:
    """On what terms plates are bound now."""
    return services.definitions.of(PlateBindingDefinitions).at(now)


def question_of(terms: PlateBindingFile) -> dict[str, str]:
    """What the registry is asked under an id of its own."""
    return {"request_id": str(uuid4()), **terms.registry.model_dump()}


async def change_binding(
    binding_id: str,
    command: Command,
    context: CommandContext,
    services: Services,
    decide: Callable[[PlateBinding, datetime], None],
) -> CommandResult:
    """Run a decision on a binding, now."""
    return await change(
        PlateBinding,
        binding_id,
        command,
        context,
        services,
        lambda binding: decide(binding, services.clock()),
        binding_answer,
    )


async def change_plate(
    plate_id: str,
    context: CommandContext,
    services: Services,
    decide: Callable[[ParkingPlate, datetime], None],
) -> None:
    """Run a decision on a plate's own stream, now; it is opened where it is not there yet.

    It is part of another command, whose idempotency key is not used up here.
    """
    try:
        await services.store.load(ParkingPlate, ParkingPlate.id_of(plate_id), fresh=False)
    except StreamNotFound:
        plate = ParkingPlate.know(services.clock(), plate_id=plate_id)
        with suppress(WrongExpectedVersion):  # somebody else was faster
            await services.store.save(plate, metadata=context.metadata())
    await change(
        ParkingPlate,
        ParkingPlate.id_of(plate_id),
        Command(),
        context._replace(idempotency_key=None, expected_version=None),
        services,
        lambda plate: decide(plate, services.clock()),
        lambda plate: {},
    )


async def bind_plate(
    command: BindPlate, context: CommandContext, services: Services
) -> CommandResult:
    """Ask for a binding; raises a `PlateUnreadable`, `NoticeNotInForce`, `ConsentsFull` …"""
    actor, now = context.actor, services.clock()
    if not actor.has(Role.CITIZEN):
        raise NotYourBinding("citizens bind their own plates only")
    if before := await answered_before(command, "", context, services):
        return before
    terms = terms_at(services, now)
    limits = _limits(command, terms)
    citizen = await services.store.load(Citizen, actor.subject)
    citizen.check_alive()
    await check_not_alone(citizen.id, None, terms.adults_from, actor, services)
    plate = read_plate(command.plate, grammar_at(services.definitions, now), command.plate_country)
    if not plate.complete:
        raise PlateIncomplete("the plate lacks its province")
    sealed = await PlateKeeper(services).seal(plate)
    await _check_not_bound(citizen, sealed.plate_id, services)
    binding_id = _id_for(context)
    consent_id = await give_consent(
        citizen.id,
        context,
        services,
        agreement=AGREEMENT,
        notice_sha256=command.notice_sha256,
        about=binding_id,
        most=terms.most_plates,
    )

    def decide() -> PlateBinding:
        return PlateBinding.ask(
            services.clock(),
            binding_id=binding_id,
            citizen_id=citizen.id,
            consent_id=consent_id,
            plate=sealed.members(),
            terms_version=terms.version,
            waits_until=now + timedelta(days=terms.waits_days),
            question=question_of(terms),
            **limits,
        )

    return await create(command, context, services, decide, binding_answer)


async def change_limits(
    binding_id: str, command: ChangePlateLimits, context: CommandContext, services: Services
) -> CommandResult:
    """Record other limits."""
    terms = terms_at(services, services.clock())

    def decide(binding: PlateBinding, now: datetime) -> None:
        binding.check_own(context.actor)
        binding.change_limits(context.actor, now, terms=terms.version, **_limits(command, terms))

    return await change_binding(binding_id, command, context, services, decide)


async def unbind_plate(
    binding_id: str, command: UnbindPlate, context: CommandContext, services: Services
) -> CommandResult:
    """End a binding, at once."""
    return await change_binding(
        binding_id,
        command,
        context,
        services,
        lambda binding, now: binding.unbind(context.actor, now),
    )


async def show_transfer(
    binding_id: str, command: ShowTransfer, context: CommandContext, services: Services
) -> CommandResult:
    """Record that the vehicle was sold, and have the registry asked."""
    question = question_of(terms_at(services, services.clock()))

    def decide(binding: PlateBinding, now: datetime) -> None:
        binding.show_transfer(
            context.actor,
            now,
            transfer_id=str(context.command_id),
            transferred_on=command.transferred_on,
            document_sha256=command.document_sha256,
            question=question,
        )

    return await change_binding(binding_id, command, context, services, decide)


async def name_hirer(
    binding_id: str, command: NameHirer, context: CommandContext, services: Services
) -> CommandResult:
    """Record who had the vehicle; whether anybody is registered with the document is not told."""
    binding = await services.store.load(PlateBinding, binding_id)
    binding.check_own(context.actor)
    if binding.use not in terms_at(services, services.clock()).hired_out_uses:
        raise VehicleNotHiredOut("by the registry this vehicle is not hired out")
    document = identity_document(command.number, command.document, country=command.country)
    said = orjson.dumps([document.kind, document.number, command.country]).decode()
    hirer = await find_citizen(command.number, services, command.document, command.country)
    sealed = await services.vault.seal_text(binding.plate_id, HIRER, said)
    contract = (binding_id, command.contract_sha256, document.key, command.begins, command.ends)
    digest = await services.vault.digest(HIRER, repr(contract).encode())

    def decide(plate: ParkingPlate) -> None:
        plate.hire_out(
            services.clock(),
            hire_id=f"hire-{digest.hex()[:32]}",
            binding_id=binding_id,
            hirer=hirer,
            hirer_sealed=sealed,
            begins=command.begins,
            ends=command.ends,
            arrived_at=command.arrived_at,
            contract_sha256=command.contract_sha256,
        )

    stream_id = ParkingPlate.id_of(binding.plate_id)
    answer = binding_answer(binding)
    result = await change(
        ParkingPlate, stream_id, command, context, services, decide, lambda plate: answer
    )
    return result._replace(stream_id=binding.id, version=binding.version)


def _limits(command: BindPlate | ChangePlateLimits, terms: PlateBindingFile) -> dict[str, Fen]:
    """Raises `AmountAboveCeiling`."""
    return {
        "per_debit_fen": Fen(command.per_debit_limit_fen, terms.per_debit_ceiling_fen),
        "per_day_fen": Fen(command.per_day_limit_fen, terms.per_day_ceiling_fen),
    }


def _id_for(context: CommandContext) -> str:
    """The same for a repeated request, so that a crash half way leaves no second consent."""
    if context.once is None:
        return PlateBinding.new_id()
    name = f"citybrain:plate-binding:{context.once}"
    return f"{PlateBinding.category}-{uuid5(NAMESPACE_URL, name).hex}"


async def _check_not_bound(citizen: Citizen, plate_id: str, services: Services) -> None:
    for agreement, about in citizen.consents.values():
        if agreement != AGREEMENT:
            continue
        try:
            binding = await services.store.load(PlateBinding, about)
        except StreamNotFound:  # a crash came between the consent and the binding
            continue
        if binding.plate_id == plate_id and binding.status in OPEN:
            raise PlateAlreadyBound("you have bound this plate, or asked for it, already")
