"""An officer closes an anomaly that does not end by itself, and says why."""

from dataclasses import dataclass
from datetime import datetime

from citybrain.domain.parking.anomaly import (
    AnomalyKind,
    AnomalyReason,
    ParkingAnomaly,
    check_may_close,
)
from citybrain.eventstore import StreamNotFound, WrongExpectedVersion
from commands.handling import Command, CommandContext, CommandResult, create
from commands.parking.plates import PlateKeeper
from commands.services import Services


class CloseAnomaly(Command):
    """An officer has looked at it."""

    reason: AnomalyReason


@dataclass(frozen=True, slots=True)
class ShownAnomaly:
    """An anomaly as it was shown; `person` is the citizen that it is about, if anybody."""

    anomaly_id: str
    kind: AnomalyKind
    place_id: str | None
    device_id: str | None
    since: datetime
    ended: bool
    person: str | None


async def close_anomaly(
    shown: ShownAnomaly, command: CloseAnomaly, context: CommandContext, services: Services
) -> CommandResult:
    """Close it; closed before, it stays as it was. Raises what `check_may_close` does."""
    check_may_close(
        context.actor,
        kind=shown.kind,
        ended=shown.ended,
        person=shown.person,
        departments=PlateKeeper(services).departments(),
    )

    def decide() -> ParkingAnomaly:
        return ParkingAnomaly.close(
            services.clock(),
            context.actor,
            anomaly_id=shown.anomaly_id,
            reason=command.reason,
            kind=shown.kind.value,
            place_id=shown.place_id,
            device_id=shown.device_id,
            since=shown.since,
        )

    before = await _closed_before(shown.anomaly_id, services)
    if before is not None:
        return before
    try:
        return await create(command, context, services, decide, _answer)
    except WrongExpectedVersion:  # somebody else was faster
        before = await _closed_before(shown.anomaly_id, services)
        assert before is not None
        return before


async def _closed_before(anomaly_id: str, services: Services) -> CommandResult | None:
    try:
        closed = await services.store.load(ParkingAnomaly, anomaly_id)
    except StreamNotFound:
        return None
    head = await services.store.head()
    return CommandResult(closed.id, closed.version, head, _answer(closed))


def _answer(anomaly: ParkingAnomaly) -> dict[str, str]:
    return {"anomaly_id": anomaly.id, "reason": anomaly.reason, "closed_by": anomaly.closed_by}
