"""What people decide about sessions: officers of parking, and whoever it is of."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from citybrain.definitions.parking.plates import grammar_at
from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.money import MOST_FEN
from citybrain.domain.parking import looking
from citybrain.domain.parking.plates import read_plate
from citybrain.domain.parking.refusals import NotYourSession
from citybrain.domain.parking.session import ParkingSession
from citybrain.vault import InStream
from commands.fields import Flag, Prose, Sha256, Text
from commands.handling import Command, CommandContext, CommandResult
from commands.parking.bindings import holder_at
from commands.parking.fields import PlateCountry, PlateIncomplete, PlateText
from commands.parking.plates import PlateKeeper
from commands.parking.session import Decide, change_session
from commands.services import Services

NOTE, GROUNDS = "parking-note", "parking-dispute"
SessionId = Annotated[str, StringConstraints(pattern=r"^parking-[0-9a-f]{32}$")]


class CorrectPlate(Command):
    """An officer says what the plate is, and why."""

    plate: PlateText
    plate_country: PlateCountry = "CN"
    reason: Literal["misread", "incomplete", "trailer", "exchanged", "other"]
    note: Prose = Field(description="how that is known: sealed")


class ReleaseSession(Command):
    """An officer has looked at what holds a session."""

    reason: Literal["reading-confirmed", "not-the-owner", "other"]


class DecideConflict(Command):
    """Which of two sessions of one plate is of the plate that was issued."""

    other_session_id: SessionId
    genuine: Flag = Field(description="whether this session is; the other one is decided as well")
    reason: Literal["clone", "misread", "moved", "other"]


class DisputeSession(Command):
    """Whose it is says that it is wrong."""

    grounds: Prose
    evidence_sha256: list[Sha256] = Field(
        default_factory=list, max_length=6, description="digests of photos, uploaded before"
    )


class DecideDispute(Command):
    """An officer decides a dispute."""

    upheld: Flag
    amount_fen: int | None = Field(
        None,
        strict=True,
        ge=0,
        le=MOST_FEN,
        description="what it costs then; nothing where it is left out",
    )
    reason: Literal["not-there", "wrong-plate", "wrong-time", "permit", "goodwill", "unfounded"]
    note: Text = Field("", description="to whoever disputed it: sealed")


async def correct_plate(
    session_id: str, command: CorrectPlate, context: CommandContext, services: Services
) -> CommandResult:
    """Say what the plate is; raises what `looking.correct_plate` does, and a `PlateUnreadable`."""
    keeper = PlateKeeper(services)
    departments = keeper.departments()
    session = await services.store.load(ParkingSession, session_id)
    looking.check_officer(session, context.actor, departments)
    grammar = grammar_at(services.definitions, session.arrived_at)
    plate = read_plate(command.plate, grammar, command.plate_country)
    if not plate.complete:
        raise PlateIncomplete("a correction says the whole plate, with its province")
    sealed = await keeper.seal(plate)
    note = await services.vault.seal_text(sealed.plate_id, InStream(NOTE, session_id), command.note)
    return await change_session(
        session_id,
        services,
        lambda each, now: looking.correct_plate(
            each,
            context.actor,
            now,
            plate=sealed,
            reason=command.reason,
            note_sealed=note,
            departments=departments,
            limit_fen=_limit(services),
        ),
        context,
        command,
    )


async def release_session(
    session_id: str, command: ReleaseSession, context: CommandContext, services: Services
) -> CommandResult:
    """What holds it is no reason any more."""
    departments = PlateKeeper(services).departments()
    return await change_session(
        session_id,
        services,
        lambda each, now: looking.release(
            each, context.actor, now, reason=command.reason, departments=departments
        ),
        context,
        command,
    )


async def decide_conflict(
    session_id: str, command: DecideConflict, context: CommandContext, services: Services
) -> CommandResult:
    """Decide both sessions of a conflict: one of them at most is genuine."""
    departments = PlateKeeper(services).departments()

    def deciding(other: str, genuine: bool) -> Decide:
        return lambda each, now: looking.decide_clone(
            each,
            context.actor,
            now,
            other=other,
            genuine=genuine,
            reason=command.reason,
            departments=departments,
        )

    await change_session(
        command.other_session_id,
        services,
        deciding(session_id, not command.genuine),
        context._replace(idempotency_key=None, expected_version=None),
    )
    decide = deciding(command.other_session_id, command.genuine)
    return await change_session(session_id, services, decide, context, command)


async def dispute_session(
    session_id: str, command: DisputeSession, context: CommandContext, services: Services
) -> CommandResult:
    """Say that it is wrong: nothing is asked for until an officer has decided."""
    session = await services.store.load(ParkingSession, session_id)
    holders = await holders_of(session, services)
    sealed_for = context.actor.subject
    if sealed_for not in holders:
        raise NotYourSession("the session is of a vehicle that is not yours")
    if command.evidence_sha256 and services.photos is not None:
        await services.photos.require(command.evidence_sha256)
    sealed = await services.vault.seal_text(
        sealed_for, InStream(GROUNDS, session_id), command.grounds
    )
    return await change_session(
        session_id,
        services,
        lambda each, now: looking.dispute(
            each,
            context.actor,
            now,
            holders=holders,
            grounds_sealed=sealed,
            sealed_for=sealed_for,
            photos=command.evidence_sha256,
        ),
        context,
        command,
    )


async def decide_dispute(
    session_id: str, command: DecideDispute, context: CommandContext, services: Services
) -> CommandResult:
    """Decide a dispute; what it costs then is no more than before."""
    departments = PlateKeeper(services).departments()
    session = await services.store.load(ParkingSession, session_id)
    looking.check_officer(session, context.actor, departments)
    note = None
    if command.note and session.disputants:
        note = await services.vault.seal_text(
            session.disputants[-1], InStream(NOTE, session_id), command.note
        )
    return await change_session(
        session_id,
        services,
        lambda each, now: looking.decide_dispute(
            each,
            context.actor,
            now,
            upheld=command.upheld,
            amount_fen=command.amount_fen,
            reason=command.reason,
            note_sealed=note,
            departments=departments,
            limit_fen=_limit(services),
        ),
        context,
        command,
    )


def _limit(services: Services) -> int:
    """How much one person may let go back alone."""
    rules = parking_rules_at(services.definitions, services.clock())
    return rules.one_person_correction_fen


async def holders_of(session: ParkingSession, services: Services) -> list[str]:
    """The citizens that a session may be of: who is asked for it, and who held the vehicle then."""
    holders = [each["payer"] for each in session.claims.values() if each["payer"]]
    if session.plate_id is not None:
        holder = await holder_at(session.plate_id, session.arrived_at, services)
        holders += [holder] if holder is not None else []
    return holders
