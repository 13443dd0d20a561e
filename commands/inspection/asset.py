"""Things in the street and who looks after them: kept by the centre, named by cases."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from citybrain.definitions.inspection.cases import cases_at
from citybrain.domain.inspection import daily
from citybrain.domain.inspection.asset import Asset, AssetRetired, stream_of
from citybrain.domain.inspection.case import InspectionCase
from citybrain.eventstore import StreamNotFound, WrongExpectedVersion
from commands.fields import Code, Flag, Latitude, Longitude, Text
from commands.handling import Command, CommandContext, CommandResult, change
from commands.inspection.case import change_case
from commands.services import Services

AssetCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.-]{0,39}$")]


class PutAsset(Command):
    """What it is, where it stands, and whose it is."""

    kind: Code = Field(description="what it is, as lamp or manhole-cover")
    name: Annotated[Text, StringConstraints(min_length=1, max_length=200)]
    owner: Code = Field(description="the department that looks after it")
    latitude: Latitude
    longitude: Longitude
    address: Annotated[Text, StringConstraints(max_length=300)] | None = None
    simulated: Flag = False


class TakeAwayAsset(Command):
    """It is there no more."""

    reason: Annotated[Text, StringConstraints(min_length=1)]


class NameAsset(Command):
    """The thing that a case is about; none where absent."""

    asset_code: AssetCode | None = None


async def put_asset(
    code: str, command: PutAsset, context: CommandContext, services: Services
) -> CommandResult:
    """Register a thing, or say how it is now."""
    now = services.clock()
    cases_at(services.definitions, now).require_department(command.owner)
    said = dict(command)
    simulated = said.pop("simulated")
    try:
        return await change(
            Asset,
            stream_of(code),
            command,
            context,
            services,
            lambda asset: asset.change(context.actor, now, **said),
            _answer,
        )
    except StreamNotFound:
        asset = Asset.register(context.actor, now, code=code, simulated=simulated, **said)
    try:
        saved = await services.store.save(asset, metadata=context.metadata())
    except WrongExpectedVersion:  # somebody else was first
        return await put_asset(code, command, context, services)
    return CommandResult(asset.id, saved.version, saved.position, _answer(asset))


async def take_away_asset(
    code: str, command: TakeAwayAsset, context: CommandContext, services: Services
) -> CommandResult:
    """Note that a thing is gone."""
    now = services.clock()
    return await change(
        Asset,
        stream_of(code),
        command,
        context,
        services,
        lambda asset: asset.take_away(context.actor, now, reason=command.reason),
        _answer,
    )


async def name_asset(
    case_id: str, command: NameAsset, context: CommandContext, services: Services
) -> CommandResult:
    """Say which thing a case is about: whoever looks after it gets the case where it is routed."""
    owner: str | None = None
    if command.asset_code is not None:
        asset = await services.store.load(Asset, stream_of(command.asset_code))
        if asset.retired:
            raise AssetRetired("this thing is there no more")
        owner = asset.owner

    def decide(case: InspectionCase, now: datetime) -> None:
        daily.name_asset(case, context.actor, now, asset_code=command.asset_code, owner=owner)

    return await change_case(case_id, command, context, services, decide)


def _answer(asset: Asset) -> dict[str, Any]:
    code = asset.id.removeprefix(f"{Asset.category}-")
    return {"asset_code": code, "retired": asset.retired, "version": asset.version}
