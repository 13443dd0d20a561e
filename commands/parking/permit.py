"""Commands on permits to park: asked for, decided by two officers, and the car of the day.

Before a permit is given, or a car named, the plate's own stream notes that there is one: whoever
prices a stay looks there.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from citybrain.definitions.parking.permits import (
    AskedBy,
    ParkingPermitDefinitions,
    ParkingPermitFile,
    PermitKind,
    PermitOf,
)
from citybrain.definitions.parking.plates import grammar_at
from citybrain.definitions.yaml_file import Code
from citybrain.domain.actor import Role, RoleNotAllowed
from citybrain.domain.citizens import Citizen
from citybrain.domain.parking.permit import NothingProposed, NotYourPermit, ParkingPermit
from citybrain.domain.parking.permit_events import Decision
from citybrain.domain.parking.plates import read_plate
from citybrain.domain.parking.reading_rights import may_see_plates
from citybrain.domain.times import as_text
from citybrain.errors import InvalidInput
from commands.fields import Day, Moment, Prose, Sha256
from commands.handling import (
    Command,
    CommandContext,
    CommandResult,
    answered_before,
    change,
    create,
)
from commands.parking.binding import change_plate
from commands.parking.fields import PlateCountry, PlateIncomplete, PlateText
from commands.parking.plates import PlateKeeper
from commands.services import Services

NOTE = "permit-note"

ZoneId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$"),
    Field(description="the block face where it holds, where its kind is of one"),
]
Reason = Annotated[Code, Field(description="a code of the office's own")]


class AskPermit(Command):
    """Ask for a permit, with the paper that it rests on."""

    kind: Code
    plate: PlateText = Field(description="of the car; with a badge, of the one used as a rule")
    plate_country: PlateCountry = "CN"
    zone_id: ZoneId | None = None
    document_sha256: Sha256 | None = Field(None, description="of the paper: a badge, a lease")


class RegisterPermit(Command):
    """Register a vehicle of a service, from when until when; a second officer agrees."""

    kind: Code
    plate: PlateText
    plate_country: PlateCountry = "CN"
    zone_id: ZoneId | None = None
    document_sha256: Sha256 | None = None
    begins: Moment
    ends: Moment
    reason: Reason
    note: Prose | None = Field(None, description="sealed")


class ProposePermitDecision(Command):
    """Say what is to be done with a permit; another officer decides."""

    decision: Decision
    begins: Moment | None = Field(None, description="of a grant; it may lie in the past")
    ends: Moment | None = Field(None, description="of a grant; not included")
    reason: Reason
    note: Prose | None = Field(None, description="what was seen: sealed")


class ConfirmPermitDecision(Command):
    """Agree to what another officer has proposed, as it is said here."""

    decision: Decision
    begins: Moment | None = Field(None, description="as was proposed")
    ends: Moment | None = Field(None, description="as was proposed")


class TurnBackPermitDecision(Command):
    """Do not agree to what another officer has proposed."""

    decision: Decision
    reason: Reason


class NameCarOfDay(Command):
    """Which car a badge is used with on a day: once for each day, never afterwards."""

    day: Day
    plate: PlateText
    plate_country: PlateCountry = "CN"


class GiveBackPermit(Command):
    """End one's own permit, or ask for it no more."""


class PermitZoneWrong(InvalidInput):
    """A permit of this kind is of one zone, or of none."""

    code = "permit-zone-wrong"


def permit_answer(permit: ParkingPermit) -> dict[str, Any]:
    """What commands on a permit answer."""
    return {
        "permit_id": permit.id,
        "version": permit.version,
        "kind": permit.kind,
        "status": permit.status,
        "reason": permit.reason,
        "proposed": None if permit.proposal is None else permit.proposal["decision"],
        "begins": permit.begins and as_text(permit.begins),
        "ends": permit.ends and as_text(permit.ends),
    }


async def ask_permit(
    command: AskPermit, context: CommandContext, services: Services
) -> CommandResult:
    """Ask for a permit; raises `PermitKindUnknown`, `PermitZoneWrong`, a `PlateUnreadable`."""
    actor = context.actor
    if not actor.has(Role.CITIZEN):
        raise NotYourPermit("citizens ask for permits of their own")
    kind = _kind(command.kind, AskedBy.CITIZEN, command.zone_id, services)
    (await services.store.load(Citizen, actor.subject)).check_alive()
    plate = await _sealed(command.plate, command.plate_country, services)

    def decide() -> ParkingPermit:
        return _asked(command, kind, plate, actor.subject, services)

    return await create(command, context, services, decide, permit_answer)


async def register_permit(
    command: RegisterPermit, context: CommandContext, services: Services
) -> CommandResult:
    """Ask for a permit of a service's vehicle, and propose it."""
    departments = PlateKeeper(services).departments()
    if not may_see_plates(context.actor, departments):
        raise RoleNotAllowed("officers of the department of parking decide on permits")
    kind = _kind(command.kind, AskedBy.OFFICE, command.zone_id, services)
    plate = await _sealed(command.plate, command.plate_country, services)
    note = await _note(command.note, plate["plate_id"], services)

    def decide() -> ParkingPermit:
        permit = _asked(command, kind, plate, None, services)
        permit.propose(
            context.actor,
            services.clock(),
            departments=departments,
            decision=Decision.GRANT,
            reason=command.reason,
            note_sealed=note,
            begins=command.begins,
            ends=command.ends,
            **_lengths(permit, services),
        )
        return permit

    return await create(command, context, services, decide, permit_answer)


async def propose_permit_decision(
    permit_id: str, command: ProposePermitDecision, context: CommandContext, services: Services
) -> CommandResult:
    """Record what an officer proposes."""
    known = await services.store.load(ParkingPermit, permit_id)
    departments = PlateKeeper(services).departments()
    known.check_officer(context.actor, departments)
    lengths = _lengths(known, services) if command.decision is Decision.GRANT else {}
    note = await _note(command.note, known.citizen_id or known.plate_id, services)

    def decide(permit: ParkingPermit, now: datetime) -> None:
        permit.propose(
            context.actor,
            now,
            departments=departments,
            decision=command.decision,
            reason=command.reason,
            note_sealed=note,
            begins=command.begins,
            ends=command.ends,
            **lengths,
        )

    return await change_permit(permit_id, command, context, services, decide)


async def confirm_permit_decision(
    permit_id: str, command: ConfirmPermitDecision, context: CommandContext, services: Services
) -> CommandResult:
    """Record that a second officer agrees; before a permit is given its plate notes it."""
    if before := await answered_before(command, permit_id, context, services):
        return before
    departments = PlateKeeper(services).departments()
    permit = await services.store.load(ParkingPermit, permit_id)
    _check_same(permit.check_may_decide(context.actor, departments, command.decision), command)
    if command.decision is Decision.GRANT:
        await _noted(permit.plate_id, permit_id, context, services)
    version = _asked_under(permit, services).version

    def decide(permit: ParkingPermit, now: datetime) -> None:
        proposal = permit.check_may_decide(context.actor, departments, command.decision)
        _check_same(proposal, command)
        permit.confirm(
            context.actor,
            now,
            departments=departments,
            decision=command.decision,
            kinds_version=version,
        )

    return await change_permit(permit_id, command, context, services, decide)


async def turn_back_permit_decision(
    permit_id: str, command: TurnBackPermitDecision, context: CommandContext, services: Services
) -> CommandResult:
    """Record that a second officer does not agree."""
    departments = PlateKeeper(services).departments()

    def decide(permit: ParkingPermit, now: datetime) -> None:
        permit.turn_back(
            context.actor,
            now,
            departments=departments,
            decision=command.decision,
            reason=command.reason,
        )

    return await change_permit(permit_id, command, context, services, decide)


async def name_car_of_day(
    permit_id: str, command: NameCarOfDay, context: CommandContext, services: Services
) -> CommandResult:
    """Record the car of a day."""
    if before := await answered_before(command, permit_id, context, services):
        return before
    permit = await services.store.load(ParkingPermit, permit_id)
    permit.check_own(context.actor)
    plate = await _sealed(command.plate, command.plate_country, services)

    def decide(permit: ParkingPermit, now: datetime) -> None:
        permit.name_car(context.actor, now, day=command.day, plate=plate)

    decide(permit, services.clock())  # of what is refused the plate notes nothing
    await _noted(plate["plate_id"], permit_id, context, services)
    return await change_permit(permit_id, command, context, services, decide)


async def give_back_permit(
    permit_id: str, command: GiveBackPermit, context: CommandContext, services: Services
) -> CommandResult:
    """Record that the citizen ends it."""
    return await change_permit(
        permit_id,
        command,
        context,
        services,
        lambda permit, now: permit.give_back(context.actor, now),
    )


async def end_permit(
    permit_id: str, reason: str, context: CommandContext, services: Services
) -> None:
    """A rule ends it; what has ended stays so."""

    def decide(permit: ParkingPermit, now: datetime) -> None:
        permit.end(now, reason=reason, by=context.actor.subject)

    await change_permit(permit_id, Command(), context, services, decide)


async def change_permit(
    permit_id: str,
    command: Command,
    context: CommandContext,
    services: Services,
    decide: Callable[[ParkingPermit, datetime], None],
) -> CommandResult:
    """Run a decision on a permit, now."""
    return await change(
        ParkingPermit,
        permit_id,
        command,
        context,
        services,
        lambda permit: decide(permit, services.clock()),
        permit_answer,
    )


def _asked(
    command: AskPermit | RegisterPermit,
    kind: PermitKind,
    plate: dict[str, Any],
    citizen_id: str | None,
    services: Services,
) -> ParkingPermit:
    return ParkingPermit.ask(
        services.clock(),
        permit_id=ParkingPermit.new_id(),
        citizen_id=citizen_id,
        kind=kind.code,
        of_person=kind.of is PermitOf.PERSON,
        plate=plate,
        zone_id=command.zone_id,
        document_sha256=command.document_sha256,
        kinds_version=_kinds(services).version,
    )


def _kinds(services: Services) -> ParkingPermitFile:
    return services.definitions.of(ParkingPermitDefinitions).at(services.clock())


def _kind(code: str, asked_by: AskedBy, zone_id: str | None, services: Services) -> PermitKind:
    kind = _kinds(services).kind(code, asked_by)
    if kind.zoned != (zone_id is not None):
        raise PermitZoneWrong("a permit of this kind is of one zone, or of none")
    return kind


def _asked_under(permit: ParkingPermit, services: Services) -> ParkingPermitFile:
    """The kinds as they were when it was asked for, whatever became of the file."""
    kinds = services.definitions.of(ParkingPermitDefinitions)
    return kinds.began_under(permit.kinds_version, permit.created_on)


def _lengths(permit: ParkingPermit, services: Services) -> dict[str, timedelta]:
    kind = _asked_under(permit, services).kind(permit.kind)
    return {
        "longest": timedelta(days=kind.longest_days),
        "reaches_back": timedelta(days=kind.reaches_back_days),
    }


async def _sealed(text: str, country: str, services: Services) -> dict[str, Any]:
    plate = read_plate(text, grammar_at(services.definitions, services.clock()), country)
    if not plate.complete:
        raise PlateIncomplete("the plate lacks its province")
    return (await PlateKeeper(services).seal(plate)).members()


async def _note(note: str | None, whose: str, services: Services) -> str | None:
    return None if note is None else await services.vault.seal_text(whose, NOTE, note)


async def _noted(
    plate_id: str, permit_id: str, context: CommandContext, services: Services
) -> None:
    await change_plate(
        plate_id, context, services, lambda plate, now: plate.note_permit(now, permit_id=permit_id)
    )


def _check_same(proposal: dict[str, Any], command: ConfirmPermitDecision) -> None:
    """Raise `NothingProposed` where other times were proposed than those that are agreed to."""
    said = [command.begins and as_text(command.begins), command.ends and as_text(command.ends)]
    if said != [proposal["begins"], proposal["ends"]]:
        raise NothingProposed("other times were proposed")
