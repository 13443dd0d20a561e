"""What a session costs: its stay, as the tariff of its place prices it, less what was asked before.

A session that continues another is one stay with it: the whole is priced, and what the ones before
cost is taken off. Who paid before leaving, and left within the grace, owes no more than that.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from citybrain.definitions import Definitions
from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.definitions.parking.tariffs import UnknownTariff, tariff_of
from citybrain.domain.parking import prepaying
from citybrain.domain.parking.ahead import MINUTE, steps_ahead
from citybrain.domain.parking.charging import charging_of
from citybrain.domain.parking.grace import Owed, Paid, owed_on_leaving
from citybrain.domain.parking.plate_day import spent_by_day
from citybrain.domain.parking.price import Price
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.refusals import SessionStillOpen
from citybrain.domain.parking.repricing import Lowered, lower_by, reprice
from citybrain.domain.parking.session import ParkingSession, Step
from citybrain.domain.parking.session_events import PRICE_MEMBERS, PRICED
from citybrain.domain.parking.stay import Occupancy, Permit, Stay
from citybrain.domain.parking.tariff import Tariff, TariffNotInForce
from citybrain.domain.times import as_text
from citybrain.errors import Unavailable
from commands.handling import CommandContext
from commands.parking.bindings import permits_of
from commands.parking.session import change_session
from commands.services import Services

STREET = "street"
AHEAD = timedelta(hours=12)
MOST_STEPS = 3
Part = tuple[ParkingSession, Stay]
"""A session of a stay, and the stay as it was by its end."""


@dataclass(frozen=True, slots=True)
class Priced:
    """What a session costs, and the stay that this is of.

    `grace` says how a payment before leaving counted, None where there was none.
    """

    price: Price
    already_fen: int
    stay: Stay
    due_fen: int
    grace: dict[str, Any] | None = None

    @property
    def amount_fen(self) -> int:
        """What this session adds to what those before it cost."""
        return max(0, self.due_fen - self.already_fen)

    @property
    def grace_for(self) -> timedelta:
        """How long after a payment one may leave."""
        return timedelta(minutes=int(self.price.choices["grace_minutes"] or 0))

    def as_event(self) -> dict[str, Any]:
        """As the event has it."""
        return {
            "amount_fen": self.amount_fen,
            "already_fen": self.already_fen,
            "lines": [line.as_dict() for line in self.price.lines],
            "stay": stay_said(self.stay, dict(self.price.choices)) | self._grace_said(),
            "tariff_versions": list(self.price.versions),
        }

    def _grace_said(self) -> dict[str, Any]:
        return {} if self.grace is None else {"grace": self.grace}


OfPlate = Callable[
    ["asyncpg.Pool[Any]", str, datetime | None, datetime | None, int], Awaitable[list[str] | None]
]
"""The sessions of a plate in a time, as a read model knows them; None where it is behind."""


@dataclass(frozen=True, slots=True)
class OtherStays:
    """Where the other stays of a plate are found, for a cap per plate and day: as far as the log
    was at a position."""

    of_plate: OfPlate
    position: int = 0


@dataclass(frozen=True, slots=True)
class _Stays:
    """The stay that a session ends, after as much of it as each session had that it continues, and
    those that the same plate had before it, where a cap counts them."""

    parts: tuple[Part, ...]
    earlier: tuple[Stay, ...]

    def priced(self, tariff: Tariff) -> Priced:
        """What it adds by a tariff."""
        spent = spent_by_day(self.earlier, tariff)
        return _priced(
            [(session, replace(stay, earlier_fen=spent)) for session, stay in self.parts], tariff
        )


def tariff_at(moment: datetime, time_zone: str, definitions: Definitions) -> str | None:
    """The version of the tariff that is in force at a moment, for what begins then."""
    with suppress(UnknownTariff, TariffNotInForce):
        day = moment.astimezone(ZoneInfo(time_zone)).date()
        return tariff_of(definitions, STREET).at(day).id
    return None


async def price_of(
    session: ParkingSession,
    services: Services,
    others: OtherStays,
    until: datetime | None = None,
    including: str | None = None,
) -> Priced:
    """The price of a session, as the tariff of its days was known then.

    Where it goes on, `until` a moment, or now. A version that reaches back prices it where it is
    cheaper by that one; `including` one that no file has any more.
    """
    tariff = tariff_of(services.definitions, STREET)
    if including is not None:
        tariff = tariff.including(including)
    return _cheaper(await _stays(session, services, others, tariff, until), tariff)


async def price_ahead(
    session: ParkingSession, services: Services, others: OtherStays
) -> list[tuple[datetime, int]]:
    """When the price of a session that goes on changes next: from when on, and to how much."""
    tariff, now = tariff_of(services.definitions, STREET), services.clock()
    stays = await _stays(session, services, others, tariff, now + AHEAD)
    *before, (own, stay) = stays.parts

    def price_at(moment: datetime) -> int:
        ended = replace(stays, parts=(*before, (own, replace(stay, end=moment))))
        return _cheaper(ended, tariff).amount_fen

    begun = (now - stay.start) // MINUTE * MINUTE  # what is counted are minutes of the stay
    return list(steps_ahead(price_at, stay.start + begun, stay.end, MOST_STEPS))


def _cheaper(stays: _Stays, tariff: Tariff) -> Priced:
    """By the tariff, or by the one that was known then where that is cheaper."""
    now = stays.priced(tariff)
    if not tariff.reaches_back:
        return now
    try:
        then = stays.priced(tariff.as_announced())
    except TariffNotInForce:  # nothing had been published when it left
        return now
    return now if now.amount_fen < then.amount_fen else then


async def price_under(
    session: ParkingSession, services: Services, others: OtherStays, version_id: str
) -> Priced:
    """What a session that has ended would cost by one version alone; nothing changes by asking."""
    tariff = tariff_of(services.definitions, STREET)
    stays = await _stays(session, services, others, tariff)
    return stays.priced(tariff.only(version_id))


async def _stays(
    session: ParkingSession,
    services: Services,
    others: OtherStays,
    tariff: Tariff,
    until: datetime | None = None,
) -> _Stays:
    chain = await _chain(session, services)
    until = session.left_at or until or services.clock()
    parts = [
        (each, await _stay(chain[:number], each.left_at or until, services))
        for number, each in enumerate(chain, 1)
    ]
    earlier: tuple[Stay, ...] = ()
    if tariff.caps_plates and session.plate is not None and session.plate["plate_complete"]:
        earlier = await _earlier(chain, services, others, ZoneInfo(tariff.time_zone))
    return _Stays(tuple(parts), earlier)


async def _chain(session: ParkingSession, services: Services) -> list[ParkingSession]:
    """The sessions of one stay, up to this one."""
    chain = [session]
    while (first := chain[0].continues) is not None and first not in [each.id for each in chain]:
        chain.insert(0, await services.store.load(ParkingSession, first))
    return chain


async def _earlier(
    chain: list[ParkingSession], services: Services, others: OtherStays, zone: ZoneInfo
) -> tuple[Stay, ...]:
    """The stays of the same plate that began before, of the day and the one before it: a window
    belongs to the day on which it begins. Raises `Unavailable`."""
    first, plate_id = chain[0], chain[-1].plate_id
    assert plate_id is not None
    day = first.arrived_at.astimezone(ZoneInfo(first.time_zone) if first.time_zone else zone).date()
    since = datetime.combine(day - timedelta(days=1), time(), zone)
    pool, position = services.store.keeping, others.position
    ids = await others.of_plate(pool, plate_id, since, first.arrived_at, position)
    if ids is None:
        raise Unavailable("the read model of sessions is behind")
    found = [await services.store.load(ParkingSession, each) for each in ids]
    own = {each.id for each in chain}
    known = [
        each
        for each in found
        if each.id not in own
        and each.left_at is not None
        and not each.voided
        and each.plate_id == plate_id
    ]
    continued = {each.continues for each in known}
    return tuple(
        [
            await _stay(await _chain(each, services), each.left_at, services)
            for each in known
            if each.id not in continued and each.left_at is not None
        ]
    )


def _priced(parts: list[Part], tariff: Tariff) -> Priced:
    """The price of the whole, less what was asked for in the sessions before."""
    *before, (session, stay) = parts
    already_fen = _priced(before, tariff).due_fen if before else 0
    payments = prepaying.payments_of(session)
    if not payments:
        whole = price(stay, tariff)
        return Priced(whole, already_fen, stay, whole.total_fen)
    payments[0] = replace(payments[0], fen=payments[0].fen + already_fen)
    owed = owed_on_leaving(stay, tariff, payments, prepaying.held_up(session))
    grace = grace_said(owed, payments, session)
    return Priced(owed.price, already_fen, stay, owed.due_fen, grace)


def grace_said(owed: Owed, payments: list[Paid], session: ParkingSession) -> dict[str, Any]:
    """How payments before leaving counted, as the event has it; why the grace was longer."""
    return {
        "whole_fen": owed.price.total_fen,
        "paid_fen": owed.paid_fen,
        "paid_at": [as_text(each.at) for each in payments],
        "until": None if owed.grace_until is None else as_text(owed.grace_until),
        "in_grace": owed.in_grace,
        "held_up": list(session.held_up.values()),
    }


async def price_that_decided(
    session: ParkingSession, services: Services, others: OtherStays
) -> dict[str, Any]:
    """The price as the event that decided it has it; before there is one, as it would be now.

    Raises `SessionStillOpen`.
    """
    for event in reversed(await services.store.read(session.id)):
        if event.topic in PRICED:
            return {name: event.data[name] for name in PRICE_MEMBERS}
    if session.left_at is None:
        raise SessionStillOpen("the vehicle still stands there")
    return (await price_of(session, services, others)).as_event()


async def say_price(
    session: ParkingSession, context: CommandContext, services: Services, others: OtherStays
) -> None:
    """Price a session by its facts, unless they have changed meanwhile or it has been done."""
    priced, facts = await price_of(session, services, others), session.facts
    cause = "left" if session.price_fen is None else "corrected"
    await change_session(
        session.id,
        services,
        lambda each, now: each.price(now, cause=cause, facts=facts, **priced.as_event()),
        context,
    )


async def found_lower(
    session: ParkingSession,
    services: Services,
    others: OtherStays,
    version_id: str,
    *,
    unpaid_only: bool,
) -> Lowered | None:
    """By how much a session would cost less by a version of the tariff; nothing changes by it."""
    if session.left_at is None or session.price_fen is None:
        return None
    priced = await price_of(session, services, others, including=version_id)
    facts = session.facts
    if version_id not in priced.price.versions:
        return None
    return lower_by(session, priced.amount_fen, facts, unpaid_only=unpaid_only)


async def price_less(
    session_id: str,
    context: CommandContext,
    services: Services,
    others: OtherStays,
    *,
    cause: str,
    about: str,
    version_id: str | None = None,
    unpaid_only: bool = False,
) -> Lowered | None:
    """Price a session again where it costs less by what is known now; None where it does not.

    `about` is what has changed: a permit, a batch. It never costs more by this. `version_id`: only
    where this version of the tariff has a part in that.
    """
    session = await services.store.load(ParkingSession, session_id)
    while session.next_step() is Step.PRICE:
        await say_price(session, context, services, others)
        session = await services.store.load(ParkingSession, session_id)
    if session.left_at is None or session.price_fen is None:
        return None
    priced = await price_of(session, services, others, including=version_id)
    facts = session.facts
    if version_id is not None and version_id not in priced.price.versions:
        return None
    said = priced.as_event() | {"cause": cause, "about": about}
    lowered: Lowered | None = None

    def decide(each: ParkingSession, now: datetime) -> None:
        nonlocal lowered
        lowered = reprice(each, now, facts=facts, unpaid_only=unpaid_only, **said)

    await change_session(session_id, services, decide, context)
    return lowered


async def _stay(chain: list[ParkingSession], until: datetime, services: Services) -> Stay:
    first, last = chain[0], chain[-1]
    until = max(until, first.arrived_at)
    permits: tuple[Permit, ...] = ()
    if last.plate_id is not None:
        permits = await permits_of(last.plate_id, last.zone_id, first.arrived_at, until, services)
    rules = parking_rules_at(services.definitions, first.arrived_at)
    occupancies = tuple(
        Occupancy(each.place_id, each.arrived_at, each.left_at or until) for each in chain
    )
    return Stay(
        start=first.arrived_at,
        end=until,
        zone=first.tariff_zone,
        time_zone=first.time_zone,
        plate_class=None if last.plate is None else last.plate["plate_class"],
        permits=permits,
        charging=tuple(charging_of(chain)),
        berths=occupancies,
        merge_gap=rules.merge_gap,
        began_under=first.tariff_version,
    )


def stay_said(stay: Stay, choices: dict[str, Any]) -> dict[str, Any]:
    """A stay as the event has it, with what the tariff left open."""
    return {
        "start": as_text(stay.start),
        "end": as_text(stay.end),
        "zone": stay.zone,
        "time_zone": stay.time_zone,
        "plate_class": stay.plate_class,
        "permits": [each.kind for each in stay.permits],
        "charging": [
            {"begins": as_text(each.begins), "ends": each.ends and as_text(each.ends)}
            for each in stay.charging
        ],
        "earlier_fen": {day.isoformat(): fen for day, fen in stay.earlier_fen.items()},
        "berths": [each.berth for each in stay.berths],
        "choices": choices,
    }
