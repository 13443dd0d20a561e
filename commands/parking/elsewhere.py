"""Where else a plate is: the presences of a plate as the domain compares them, and what follows.

Each time that a presence of a plate changes all of them are compared anew. What is of another
session than it should be is folded anew; what goes on with another stay, and what is in two places,
is said by the sessions.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from citybrain.domain.parking.beside import Beside, Found, Standing, compare, say, stay_of
from citybrain.domain.parking.rules import ParkingRules
from citybrain.domain.parking.session import ParkingSession
from commands.parking.places import PlaceBook
from commands.parking.session import change_session
from commands.parking.sign_reads import sign_reads
from commands.parking.signs import PresenceRow
from commands.services import Services


@dataclass(frozen=True, slots=True)
class Compared:
    """What the presences of a plate come to, with their rows."""

    found: Found
    rows: Mapping[str, PresenceRow]

    def same(self, row: PresenceRow) -> str | None:
        """The session that already has this vehicle, as another device saw it."""
        main = self.found.same.get(row.presence_id)
        return None if main is None else self.rows[main].session_id

    def is_of_another_session(self, row: PresenceRow) -> bool:
        """Whether it is kept with another session than it should be."""
        return not row.final and row.session_id != (self.same(row) or row.presence_id)

    async def beside(self, row: PresenceRow, rules: ParkingRules, services: Services) -> Beside:
        """What the session of a presence has to say."""
        others = {
            self.rows[other].session_id: apart
            for pair, apart in self.found.conflicts.items()
            if row.presence_id in pair
            for other in pair
            if other != row.presence_id
        }
        first, before = self.found.continues.get(row.presence_id), None
        if first is not None:
            whole = await services.store.load(ParkingSession, self.rows[first].session_id)
            before = stay_of(whole) if whole.left_at is not None else None
        over = row.ended_at is not None and row.ended_at < services.clock() - rules.order_window
        return Beside(before, others, fixed=over)


async def compared(
    row: PresenceRow, rules: ParkingRules, book: PlaceBook, services: Services
) -> Compared:
    """The presences of its plate around a presence, which may be a new one."""
    if row.plate_id is None:
        return Compared(Found(), {row.presence_id: row})
    around = await sign_reads(services).around(row)
    others = [each for each in around if each.presence_id != row.presence_id]
    return await _compared([*others, row], rules, book)


async def _compared(
    around: Sequence[PresenceRow], rules: ParkingRules, book: PlaceBook
) -> Compared:
    rows = {each.presence_id: each for each in around if _is_of_its_own(each)}
    standings = [await _standing(each, book) for each in rows.values()] if len(rows) > 1 else []
    return Compared(compare(standings, rules), rows)


def _is_of_its_own(row: PresenceRow) -> bool:
    """Whether it is not another device's look at what is final."""
    return not row.final or row.session_id == row.presence_id


async def _standing(row: PresenceRow, book: PlaceBook) -> Standing:
    place_id = row.place.partition("|")[0]
    return Standing(
        presence_id=row.presence_id,
        place_id=place_id,
        zone_id=row.zone_id,
        position=await book.position_of(place_id, row.arrived_at),
        arrived_at=row.arrived_at,
        left_at=row.left_at,
        final=row.final,
    )


async def relate(
    row: PresenceRow, rules: ParkingRules, book: PlaceBook, services: Services
) -> PresenceRow | None:
    """Let all sessions of a plate say what its presences come to, now that this one has changed.

    Nothing is said as long as one is kept with another session than it should be: it is returned.
    """
    if row.plate_id is None:
        return None
    async with services.held(_OneAtATime, lambda _: _OneAtATime()).of(row.plate_id):
        seen = await _compared(await sign_reads(services).around(row), rules, book)
        for each in sorted(seen.rows.values(), key=lambda each: each.arrived_at):
            if seen.is_of_another_session(each):
                return each
        for each in seen.rows.values():
            await _say(each, seen, rules, services)
    return None


async def _say(row: PresenceRow, seen: Compared, rules: ParkingRules, services: Services) -> None:
    if row.session_id != row.presence_id:
        return
    said = await seen.beside(row, rules, services)
    known = await services.store.load(ParkingSession, row.session_id, fresh=False)
    if said.is_new_to(known):
        await change_session(row.session_id, services, lambda session, now: say(session, now, said))


class _OneAtATime:
    """Of several changes of one plate, one after another is looked at."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, plate_id: str) -> asyncio.Lock:
        """The lock of a plate."""
        return self._locks.setdefault(plate_id, asyncio.Lock())
