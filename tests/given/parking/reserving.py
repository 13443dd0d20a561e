"""Citizens who reserve berths over a real log: the clock is set, the bank is in this process."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from citybrain.definitions.parking.reservations import ReservationDefinitions, ReservationRules
from citybrain.domain.actor import Actor, Role, system_actor
from citybrain.domain.parking.calendar import BerthCalendar
from citybrain.domain.parking.claim import Claim, claim_id
from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.reservation import DEPOSIT, ParkingReservation
from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore, StreamNotFound
from citybrain.payments import Kind
from commands.citizens.citizen import RegisterCitizen, register_citizen
from commands.handling import CommandContext
from commands.parking.arriving import BerthNow, Seen, arrived, left
from commands.parking.places import NewPlace, describe_places
from commands.parking.plates import PlateKeeper
from commands.parking.processes import collecting
from commands.parking.processes.reservation_deadlines import ReservationDeadlines
from commands.parking.processes.reservations import Drive
from commands.parking.reservations import (
    ConfirmReservation,
    HoldBerth,
    confirm_reservation,
    hold_berth,
)
from commands.services import Services
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.driving import CLERK, context
from tests.given.numbers import next_number
from tests.given.parking.city import places as a_small_city
from tests.given.parking.city import version
from tests.given.parking.collecting import anybody
from tests.given.parking.deposit_bank import BankAwayForLong, DepositBank
from tests.given.parking.plates import plate
from tests.given.parking.reservations import BERTH, clock
from tests.given.services import services_over

BORN = date(1990, 5, 1)
BERTHS = [f"Z1-{number:03}" for number in range(20, 36)]
IMPORT = system_actor("places")
SYSTEM = Actor("system:test", frozenset({Role.SYSTEM}))


@dataclass
class Street:
    """Berths, people and a bank; `at` sets the time of that day."""

    services: Services
    bank: DepositBank = field(init=False)
    now: datetime = field(default_factory=lambda: clock("9:00"))
    free: list[str] = field(default_factory=list)
    standing: dict[str, BerthNow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.services.clock = lambda: self.now
        self.bank = self.services.payments = DepositBank(lambda: self.now)
        self.deadlines = ReservationDeadlines(self._look)

    @classmethod
    async def open(cls, store: EventStore, rules: ReservationRules | None = None) -> "Street":
        """The places are known; other rules where they are given."""
        street = cls(services_over(store))
        if rules is not None:
            definitions = street.services.definitions
            street.services.definitions = definitions.extended(ReservationDefinitions((rules,)))
        for each in await describe_places(places(), sent(IMPORT), street.services):
            assert not isinstance(each, CitybrainError), each
        return street

    def at(self, text: str) -> datetime:
        """It is then now."""
        self.now = clock(text)
        return self.now

    async def citizen(self, phone: str | None = None) -> Actor:
        """Somebody new."""
        command = RegisterCitizen(
            name="張三",
            id_number=identity_number(BORN, next_number("citizen")),
            birth_date=BORN,
            phone=phone,
            simulated=True,
        )
        found = await register_citizen(command, context(CLERK), self.services)
        return Actor(found.stream_id, frozenset({Role.CITIZEN}))

    async def hold(
        self,
        actor: Actor,
        berth: str = BERTH,
        start: str = "14:00",
        end: str = "15:00",
        plate: str = "豫A2W200",
        key: str | None = None,
    ) -> str:
        """Hold a berth; the reservation's id."""
        return await self.hold_span(actor, berth, clock(start), clock(end), plate, key)

    async def hold_span(
        self,
        actor: Actor,
        berth: str,
        start: datetime,
        end: datetime,
        plate: str,
        key: str | None = None,
    ) -> str:
        """The same, of any day."""
        command = HoldBerth(berth=berth, start=start, end=end, plate=plate)
        found = await hold_berth(command, sent(actor, key), self.services)
        return found.stream_id

    async def ask(self, actor: Actor, reservation_id: str) -> None:
        """Take it, and pay."""
        await confirm_reservation(reservation_id, ConfirmReservation(), sent(actor), self.services)

    async def reserved(self, actor: Actor, **said: Any) -> str:
        """Held, paid and confirmed."""
        reservation_id = await self.hold(actor, **said)
        await self.ask(actor, reservation_id)
        await self.go_on(reservation_id)
        return reservation_id

    async def go_on(self, reservation_id: str) -> None:
        """The process managers take it as far as it goes, or as the bank lets them."""
        before = -1
        while before != (before := await self.services.store.head()):
            await self.drive(reservation_id).run()
            await self.collected(reservation_id)

    async def collected(self, reservation_id: str) -> None:
        """The same, if there is a claim, and as far as the bank lets it."""
        with suppress(BankAwayForLong, StreamNotFound):
            await self.collect(reservation_id)

    async def collect(self, reservation_id: str) -> None:
        """The bank is told what the claim for its deposit has asked for."""
        await collecting._Drive(
            claim_id(reservation_id, DEPOSIT), sent(SYSTEM), self.services, anybody
        ).run()

    async def claim(self, reservation_id: str) -> Claim:
        """Where its deposit is."""
        return await self.services.store.load(Claim, claim_id(reservation_id, DEPOSIT))

    def kept_fen(self, reservation_id: str) -> int:
        """What the bank took for it, less what it gave back."""
        claim = claim_id(reservation_id, DEPOSIT)
        taken = self.bank.moved_fen(Kind.CHARGE, claim)
        return taken - self.bank.moved_fen(Kind.REFUND, claim)

    def drive(self, reservation_id: str) -> Drive:
        """The process manager with one reservation."""
        return Drive(reservation_id, sent(SYSTEM), self.services, self._beside)

    async def ring(self, reservation_id: str) -> None:
        """Its alarm, if it is time for that."""
        reservation = await self.load(reservation_id)
        alarm = self.deadlines.alarm_at(reservation)
        if alarm is not None and alarm <= self.now:
            await self.deadlines.ring(reservation, sent(SYSTEM), self.services)

    async def comes(self, raw: str | None, berth: str, at: str, confidence: int = 97) -> list[str]:
        """A vehicle came to a berth at a time, and it is told now."""
        return await self.comes_at(raw, berth, clock(at), confidence)

    async def comes_at(
        self, raw: str | None, berth: str, at: datetime, confidence: int = 97
    ) -> list[str]:
        """The same, of any day."""
        seen = await self.seen(raw, berth, at, confidence)
        return await arrived(seen, sent(SYSTEM), self.services)

    async def goes(self, raw: str | None, berth: str, at: str) -> list[str]:
        """A vehicle left."""
        return await self.goes_at(raw, berth, clock(at))

    async def goes_at(self, raw: str | None, berth: str, at: datetime) -> list[str]:
        """The same, of any day."""
        return await left(await self.seen(raw, berth, at), sent(SYSTEM), self.services)

    async def seen(self, raw: str | None, berth: str, at: datetime, confidence: int = 97) -> Seen:
        """What a camera says."""
        sealed = None
        if raw is not None:
            sealed = await PlateKeeper(self.services).seal(plate(raw))
        return Seen(
            berth=berth,
            occurred_at=at,
            plate=sealed,
            sure=raw is not None and confidence >= 90,
            confidence=confidence if raw else None,
            detection_id=f"detection-{at.isoformat()}",
        )

    async def load(self, reservation_id: str) -> ParkingReservation:
        """Where it stands."""
        return await self.services.store.load(ParkingReservation, reservation_id)

    async def status(self, reservation_id: str) -> str:
        """Where it stands, in a word."""
        return (await self.load(reservation_id)).status.value

    async def calendar(self, berth: str = BERTH) -> BerthCalendar:
        """Who has the berth."""
        return await self.services.store.load(BerthCalendar, BerthCalendar.id_of(berth))

    async def topics(self, reservation_id: str) -> Sequence[str]:
        """What happened to it, without what all of them begin with."""
        events = await self.services.store.read(reservation_id)
        return [event.topic.removeprefix("parking.reservation_") for event in events]

    async def _beside(self, *_: Any) -> list[str]:
        return self.free

    async def _look(self, berth: str, since: datetime, services: Services) -> BerthNow:
        return self.standing.get(berth, BerthNow())


def places() -> list[NewPlace]:
    """The small city, with more berths on its block face."""
    return [
        *a_small_city(),
        *(
            NewPlace(
                berth,
                PlaceKind.BERTH,
                version(berth, 100 + 5.0 * number, parent="Z1", number=number, length_cm=500),
            )
            for number, berth in enumerate(BERTHS, 20)
        ),
    ]


def sent(actor: Actor, key: str | None = None) -> CommandContext:
    """Of a command that somebody sends."""
    return CommandContext(actor, "test", uuid4(), uuid4(), idempotency_key=key)
