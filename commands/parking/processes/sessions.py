"""From signs to sessions: what devices said of a place becomes presences, and these sessions.

All signs of a place that may still matter are folded anew whenever one comes, so that their order
of arrival makes no difference; the sessions then follow. What comes when a session is final is
evidence and changes it no more, unless the vehicle stood there for less time than was thought.
"""

import asyncio
from collections.abc import Callable, Container, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import count
from typing import Any, ClassVar

from citybrain.definitions.parking.plates import PlateReadingDefinitions
from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.parking import prepaying
from citybrain.domain.parking.beside import say
from citybrain.domain.parking.charging import note_charging
from citybrain.domain.parking.detection import OF_A_DEVICE, OF_A_GATE, ParkingDetection
from citybrain.domain.parking.following import ReadPlate, add_evidence, follow
from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.plates import Reading, completes, sure_enough
from citybrain.domain.parking.presence import Ending, Presence, Sign, presences_of
from citybrain.domain.parking.rules import ParkingRules
from citybrain.domain.parking.session import ParkingSession, Place
from citybrain.domain.parking.tailgating import note_tailgated
from citybrain.eventstore import RecordedEvent
from commands.handling import Command, CommandContext, change
from commands.parking import openings, signs, trailers, way_out
from commands.parking.elsewhere import compared, relate
from commands.parking.late_signs import not_late
from commands.parking.places import PlaceBook, UnknownPlace, place_book
from commands.parking.plates import PlateKeeper
from commands.parking.pricing import tariff_at
from commands.parking.session import by_signs, change_session, open_session
from commands.parking.sign_reads import sign_reads
from commands.parking.signs import PlacedSign, PresenceRow
from commands.services import Services

AT_ONCE = 32
DETECTED = "parking.detected"
MATCHED = "parking.detection_matched"
FINAL = ("parking.settled", "parking.voided")
NO_ENTRY = "no-arrival"
KEPT = timedelta(days=30)


class ParkingSessions:
    """The process manager of signs."""

    name: ClassVar[str] = "parking-sessions"
    topics: ClassVar[tuple[str, ...]] = (DETECTED, MATCHED, *FINAL)
    tick_seconds: ClassVar[float | None] = 60.0

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Take one event."""
        await self.react_all([event], services)

    async def react_all(self, events: Sequence[RecordedEvent], services: Services) -> None:
        """Keep the signs of the batch, then let the sessions of their places follow."""
        pool = services.store.pool
        done = [event.stream_id for event in events if event.topic in FINAL]
        if done:
            await pool.execute(signs.FINAL, done)
        book = place_book(services)
        found = [await _rows(event, book, services) for event in events if event.topic == DETECTED]
        found += [await _matched(event, services) for event in events if event.topic == MATCHED]
        rows = [row for each in found for row in each]
        await signs.keep(pool, rows)
        await way_out.tell_who_paid(rows, services)
        limit = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for places in in_turn(rows):
                group.create_task(_follow(places, book, services, limit))
        await openings.look_behind(rows, services)

    async def tick(self, services: Services) -> None:
        """Say which departures are nobody's and who was not seen for long; forget what is over."""
        now, pool = services.clock(), services.store.pool
        rules = parking_rules_at(services.definitions, now)
        for row in await pool.fetch(signs.STRAYS, now - rules.order_window):
            await _find_out(row["place"], row["sign_id"], row["at"], rules, services)
        for row in await pool.fetch(signs.UNSEEN, now - rules.no_sign_after):
            note = partial(_note_unseen, row["seen_at"])
            await change_session(row["session_id"], services, note)
        await pool.execute(signs.FORGET, now - KEPT)


async def _find_out(
    key: str, sign_id: str, at: datetime, rules: ParkingRules, services: Services
) -> None:
    """A departure that no session has is nobody's; one that is over keeps its signs."""
    over_by = services.clock() - rules.order_window
    for row in await services.store.pool.fetch(signs.BEFORE, key, at, over_by):
        session = await services.store.load(ParkingSession, row["session_id"])
        if sign_id in (*session.detection_ids, *session.late_signs):
            if row["over"]:
                await _make_final(key, [session.id], services)
            return
    await leave_unmatched(key, sign_id, NO_ENTRY, services)
    await trailers.offer(sign_id, services)


def _note_unseen(seen_at: datetime, session: ParkingSession, now: datetime) -> None:
    session.note_unseen(now, seen_at)


async def _matched(event: RecordedEvent, services: Services) -> list[dict[str, Any]]:
    """The sign of a trailer is one of the vehicle that draws it, whose plate it does not say."""
    (first,) = await services.store.read(event.stream_id, limit=1)
    session = await services.store.load(ParkingSession, event.data["session_id"])
    return _signs_at([f"{session.place_id}|{session.plate_id}"], first, None)


async def _rows(event: RecordedEvent, book: PlaceBook, services: Services) -> list[dict[str, Any]]:
    """A sign at each place that it is of: that a device is lost is of all that it watches."""
    plate = event.data["plate"]
    places = await _places(event, book, services)
    trailer = trailers.is_trailer(plate) and any("|" in place for place in places)
    return _signs_at(places, event, None if trailer else plate)


def _signs_at(
    places: Sequence[str], event: RecordedEvent, plate: dict[str, Any] | None
) -> list[dict[str, Any]]:
    said = event.data
    return [
        {
            "place": place,
            "sign_id": event.stream_id,
            "at": said["occurred_at"],
            "said_at": event.recorded_at,
            "sign": said["sign"],
            "device_id": said["device_id"],
            "plate": plate,
            "confidence": said["confidence"],
            "characters": said["characters"],
            "by_hand": said["by_hand"],
            "simulated": said["simulated"],
            "opening": said["opening"],
        }
        for place in places
    ]


async def _places(event: RecordedEvent, book: PlaceBook, services: Services) -> list[str]:
    """A berth holds one vehicle; in a facility each plate is followed for itself."""
    said = event.data
    sign, at = Sign(said["sign"]), said["occurred_at"]
    if sign in OF_A_DEVICE:
        found = list(await book.watched_by(said["device_id"], at))
    else:
        found = [said["place_id"]]
    places: list[str] = []
    for place_id in found:
        try:
            place = await book.place(place_id, at)
        except UnknownPlace:
            continue  # a device may name what is not in use any more
        if sign in OF_A_GATE:
            places += [f"{place_id}|"] if place.kind == PlaceKind.FACILITY else []
        elif place.kind != PlaceKind.FACILITY:
            places.append(place_id)
        elif trailers.is_trailer(said["plate"]):
            drawn_by = await trailers.drawn_by(event.stream_id, said, services)
            places.append(drawn_by or f"{place_id}|")
        elif said["plate"] is not None:
            places.append(f"{place_id}|{said['plate']['plate_id']}")
        elif sign in (Sign.LOST, Sign.RESTORED, Sign.OPENED):
            rows = await services.store.pool.fetch(signs.INSIDE, f"{place_id}|")
            places += [row["place"] for row in rows]
        else:
            places.append(f"{place_id}|")
    return places


def in_turn(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The places that signs are of; those that one plate was read at in one group, by when."""
    groups: dict[str, list[str]] = {}
    of_plate: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row["at"]):
        place, plate = row["place"], row["plate"]
        group = groups.setdefault(place, [place])
        if plate is None:
            continue
        other = groups[of_plate.setdefault(plate["plate_id"], place)]
        if other is not group:
            other += group
            groups |= dict.fromkeys(group, other)
    return list({id(group): group for group in groups.values()}.values())


async def _follow(
    places: Sequence[str], book: PlaceBook, services: Services, limit: asyncio.Semaphore
) -> None:
    async with limit:
        for place in places:
            await follow_place(place, book, services)


async def follow_place(key: str, book: PlaceBook, services: Services) -> None:
    """Fold the signs of a place, and let its sessions follow."""
    place_id, _, plate_id = key.partition("|")
    if "|" in key and not plate_id:
        return  # an unread plate at a gate is nobody's: the tick says so
    reads, now = sign_reads(services), services.clock()
    rules = parking_rules_at(services.definitions, now)
    over = await reads.over(key, now - rules.order_window)
    if over:
        await _make_final(key, over, services)
    placed = await _placed(await reads.open_signs(key), services)
    placed = await not_late(key, placed, services)
    found = presences_of(
        (each.seen for each in placed), same_arrival=rules.clone_near_within, gates="|" in key
    )
    for presence in found.presences:
        taken_at = await reads.began_after(key, presence.arrived_at)
        if presence.left_at is None and taken_at is not None:
            presence.end(presence.proof, Ending.TAKEN)
    known = await reads.presences(key)
    by_id = {each.seen.id: each for each in placed}
    taken: set[str] = set()
    followed: list[PresenceRow] = []
    for presence in found.presences:
        row = await _known(presence, known, taken, services)
        if row is None:
            place = await book.place(place_id, presence.arrived_at)
            row = await _opened(key, place, presence, by_id, rules, book, services, taken)
        taken.add(row.presence_id)
        followed.append(await _let_follow(row, presence, by_id, rules, book, services))
    for row in known:
        if row.presence_id not in taken:
            await _void(row, services)
    for row in followed:
        of_another = await relate(row, rules, book, services)
        if of_another is not None:  # fold its place anew: it becomes the right one's
            await _void(of_another, services)
            await follow_place(of_another.place, book, services)


async def _placed(rows: Sequence[Any], services: Services) -> list[PlacedSign]:
    sealed = [signs.sealed_of(row) for row in rows]
    opened = iter(
        await PlateKeeper(services).open_many([each for each in sealed if each is not None])
    )
    return [
        signs.placed(row, None if each is None else next(opened))
        for row, each in zip(rows, sealed, strict=True)
    ]


async def _make_final(key: str, session_ids: Sequence[str], services: Services) -> None:
    pool = services.store.pool
    for session_id in session_ids:
        session = await services.store.load(ParkingSession, session_id, fresh=False)
        own = [*session.detection_ids, *session.late_signs]
        await pool.execute(signs.BELONG, key, own, session_id)
    await pool.execute(signs.FINAL, list(session_ids))


async def _known(
    presence: Presence, known: Sequence[PresenceRow], taken: set[str], services: Services
) -> PresenceRow | None:
    """The session that already follows this presence: one that shares a sign with it."""
    for row in known:
        if row.presence_id in taken:
            continue
        session = await services.store.load(ParkingSession, row.session_id, fresh=False)
        signs_of_it = {*session.detection_ids, *session.late_signs}
        if not signs_of_it.isdisjoint(presence.signs):
            return row
    return None


async def _opened(
    key: str,
    place: Place,
    presence: Presence,
    by_id: dict[str, PlacedSign],
    rules: ParkingRules,
    book: PlaceBook,
    services: Services,
    taken: Container[str],
) -> PresenceRow:
    """A presence that nothing is known of: a new session, or the one of a vehicle next to it."""
    first = by_id[presence.signs[0]]
    for number in count():
        presence_id = _presence_id(key, presence, first, number)
        if presence_id in taken:
            continue  # it has become the session of another presence
        row = PresenceRow(
            presence_id=presence_id,
            place=key,
            session_id=presence_id,
            zone_id=place.zone_id,
            plate_id=_plate_id(presence, by_id),
            arrived_at=presence.arrived_at,
            left_at=presence.left_at,
            ended_at=None,
        )
        seen = await compared(row, rules, book, services)
        same = seen.same(row)
        if same is not None:
            row = replace(row, session_id=same)
        elif not await open_session(
            session_id=row.session_id,
            place=place,
            presence=presence,
            readings=[_read(by_id[each.id], services) for each in presence.readings],
            completions=_completions(presence),
            rules_version=rules.version,
            tariff_version=tariff_at(presence.arrived_at, place.time_zone, services.definitions),
            beside=await seen.beside(row, rules, services),
            simulated=first.simulated,
            services=services,
        ):
            continue  # it was voided, and is one after all
        break
    await signs.save(services.store.pool, row)
    return row


def _presence_id(key: str, presence: Presence, first: PlacedSign, number: int) -> str:
    """The same each time that it is worked out; another one for each time that it was voided."""
    said = f"{key}\0{first.seen.id}" + (f"\0{number}" if number else "")
    milliseconds = int(presence.arrived_at.timestamp() * 1000)
    return ParkingSession.new_id(milliseconds, sha256(said.encode()).digest()[:10])


def _plate_id(presence: Presence, by_id: dict[str, PlacedSign]) -> str | None:
    """The plate, where all complete readings say the same."""
    sealed = [by_id[each.id].sealed for each in presence.readings]
    ids = {each.plate_id for each in sealed if each is not None and each.plate_complete}
    return ids.pop() if len(ids) == 1 else None


async def _let_follow(
    row: PresenceRow,
    presence: Presence,
    by_id: dict[str, PlacedSign],
    rules: ParkingRules,
    book: PlaceBook,
    services: Services,
) -> PresenceRow:
    """The session says what is new of it; where it is another camera's, that is its evidence."""
    ended_at = row.ended_at
    if presence.left_at != row.left_at or (presence.left_at and ended_at is None):
        ended_at = None if presence.left_at is None else services.clock()
    row = replace(
        row,
        plate_id=_plate_id(presence, by_id),
        arrived_at=presence.arrived_at,
        left_at=presence.left_at,
        ended_at=ended_at,
    )
    await signs.save(services.store.pool, row)
    seen = await compared(row, rules, book, services)
    if seen.is_of_another_session(row):
        return row  # it is not this session's to say
    if row.session_id == row.presence_id:
        readings = [_read(by_id[each.id], services) for each in presence.readings]
        completions = _completions(presence)
        said = await seen.beside(row, rules, services)
        held_up = await way_out.before(row, presence.left_at, services)
        tail = await openings.tail_of(row, presence, services)

        def decide(session: ParkingSession, now: datetime) -> None:
            say(session, now, said)
            note_charging(session, now, presence)
            prepaying.note_held_up(session, now, held_up)
            if tail is not None:
                note_tailgated(session, now, tail)
            follow(session, now, presence, readings, completions)

        await change_session(row.session_id, services, decide)
    else:
        await change_session(
            row.session_id,
            services,
            lambda session, now: _as_evidence(session, now, presence, by_id),
        )
    return row


def _as_evidence(
    session: ParkingSession, now: datetime, presence: Presence, by_id: dict[str, PlacedSign]
) -> None:
    for sign_id in presence.signs:
        seen = by_id[sign_id].seen
        add_evidence(
            session,
            now,
            detection_id=seen.id,
            sign=seen.sign.value,
            occurred_at=seen.at,
            why="seen-by-another-device",
        )


def _read(sign: PlacedSign, services: Services) -> ReadPlate:
    """A reading, and why nothing may be debited by it alone."""
    assert sign.sealed is not None
    reading = Reading.of(sign.seen.plate, sign.confidence, sign.characters)
    definitions = services.definitions.of(PlateReadingDefinitions)
    thresholds = definitions.thresholds(sign.seen.at)
    doubt = sure_enough(reading, thresholds)
    return ReadPlate(
        detection_id=sign.seen.id,
        read_at=sign.seen.at,
        plate=sign.sealed.members(),
        confidence=sign.confidence,
        characters=sign.characters,
        judged_by=reading.judged_by,
        doubt=None if doubt is None else _said(asdict(doubt)),
        thresholds_version=thresholds.version,
    )


def _said(doubt: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in doubt.items() if value is not None}


def _completions(presence: Presence) -> dict[str, str]:
    """Readings without a province, each with the one that says it."""
    found: dict[str, str] = {}
    for part in presence.readings:
        for whole in presence.readings:
            if part.plate and whole.plate and completes(whole.plate, part.plate):
                found.setdefault(part.id, whole.id)
    return found


async def _void(row: PresenceRow, services: Services) -> None:
    """Its signs turned out to be of another session."""
    if row.session_id == row.presence_id:
        await change_session(
            row.session_id,
            services,
            lambda session, now: session.void(now, reason="signs-of-another-session"),
        )
    await services.store.pool.execute(signs.DROP_PRESENCE, row.presence_id)


async def leave_unmatched(key: str, sign_id: str, reason: str, services: Services) -> None:
    """Nobody is charged for it: say so once, in its own stream."""
    await change(
        ParkingDetection,
        sign_id,
        Command(),
        by_signs(),
        services,
        lambda detection: detection.leave_unmatched(services.clock(), reason),
        lambda _: {},
    )
    await services.store.pool.execute(signs.BELONG, key, [sign_id], signs.UNMATCHED)
