"""Signs that come when what they are about is over: evidence, and nothing is charged by them.

They change a session only where the vehicle stood there for less time than was thought, or was
charged for longer; and one that surely was another vehicle, before, has a session of its own.
"""

from collections.abc import Sequence

from citybrain.domain.parking.charging import note_charged_again, went_on
from citybrain.domain.parking.following import add_evidence, take_times
from citybrain.domain.parking.plates import distance
from citybrain.domain.parking.presence import NEAR, Beginning, Ending, Presence, Sign
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.domain.parking.session import ParkingSession
from commands.parking import signs
from commands.parking.plates import PlateKeeper
from commands.parking.session import change_session
from commands.parking.sign_reads import sign_reads
from commands.parking.signs import PlacedSign, PresenceRow
from commands.services import Services


async def not_late(key: str, placed: Sequence[PlacedSign], services: Services) -> list[PlacedSign]:
    """The signs without those of a time that is settled: these are evidence, and stay that.

    A vehicle that no plate says to be the same, and that was there before, has a session itself.
    """
    kept: list[PlacedSign] = []
    another: set[str] = set()
    times = [sign.seen.at for sign in placed]
    covering = await sign_reads(services).covering(key, times)
    for sign in placed:
        row = covering.get(sign.seen.at)
        if row is not None and sign.seen.at < row.arrived_at:
            unread = sign.sealed is None and row.presence_id in another
            if unread or await _of_another_vehicle(row, sign, services):
                another.add(row.presence_id)
                row = None
        if row is None:
            kept.append(sign)
        elif not (
            await _shorter(key, row, sign, services)
            or await _charged_again(key, row, sign, services)
        ):
            await _keep_as_evidence(key, row, sign, services)
    return kept


async def _of_another_vehicle(row: PresenceRow, sign: PlacedSign, services: Services) -> bool:
    """Whether a plate was read that is surely not the one that stood there afterwards."""
    if sign.seen.plate is None or not sign.seen.plate.complete:
        return False
    session = await services.store.load(ParkingSession, row.session_id)
    if session.plate is None or not session.plate["plate_complete"]:
        return False
    (plate,) = await PlateKeeper(services).open_many([SealedPlate.of(session.plate)])
    return plate is not None and distance(plate, sign.seen.plate) > NEAR


async def _keep_as_evidence(
    key: str, row: PresenceRow, sign: PlacedSign, services: Services
) -> None:
    await change_session(
        row.session_id,
        services,
        lambda session, now: add_evidence(
            session,
            now,
            detection_id=sign.seen.id,
            sign=sign.seen.sign.value,
            occurred_at=sign.seen.at,
            why="came-late",
        ),
    )
    await services.store.pool.execute(signs.BELONG, key, [sign.seen.id], row.session_id)


async def _shorter(key: str, row: PresenceRow, late: PlacedSign, services: Services) -> bool:
    """A mistake in the payer's disfavour is put right: a later arrival, an earlier departure."""
    at, left_at = late.seen.at, row.left_at
    if left_at is None or not row.arrived_at < at < left_at or row.session_id != row.presence_id:
        return False
    if late.seen.sign not in (Sign.ARRIVED, Sign.LEFT):
        return False
    session = await services.store.load(ParkingSession, row.session_id)
    if late.sealed is None or late.sealed.plate_id != session.plate_id:
        return False
    arrived = late.seen.sign is Sign.ARRIVED
    presence = Presence(
        arrived_at=at if arrived else row.arrived_at,
        beginning=Beginning.SEEN if arrived else Beginning(session.beginning),
        proof=left_at if arrived else at,
        signs=[late.seen.id],
    )
    presence.end(presence.proof, Ending(session.ending or Ending.SEEN))
    await change_session(
        row.session_id, services, lambda each, now: take_times(each, now, presence)
    )
    await services.store.pool.execute(signs.BELONG, key, [late.seen.id], row.session_id)
    return True


async def _charged_again(key: str, row: PresenceRow, late: PlacedSign, services: Services) -> bool:
    """The same of a charger that had begun again."""
    if late.seen.sign is not Sign.CHARGING_BEGAN or row.session_id != row.presence_id:
        return False
    session = await services.store.load(ParkingSession, row.session_id)
    if not went_on(session, late.seen.at):
        return False
    await change_session(
        row.session_id,
        services,
        lambda each, now: note_charged_again(each, now, late.seen.at, late.seen.id),
    )
    await services.store.pool.execute(signs.BELONG, key, [late.seen.id], row.session_id)
    return True
