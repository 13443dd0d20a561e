"""What two citizens have in parking: a session, a plate and a permit each; and its devices."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.detection import ParkingDetection
from citybrain.domain.parking.notice import ParkingNotice
from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.repricing_batch import ParkingRepricing, Scope
from citybrain.domain.parking.stray import StrayPayment
from citybrain.errors import CitybrainError
from commands.handling import CommandContext
from commands.parking import looking
from commands.parking.binding import BindPlate, bind_plate
from commands.parking.claim import raise_claim
from commands.parking.permit import AskPermit, ask_permit
from commands.parking.places import NewPlace, describe_places
from commands.parking.plates import PlateKeeper
from commands.services import Services
from tests.given.agreements import PARKING_NOTICE
from tests.given.api import Api
from tests.given.numbers import next_number
from tests.given.parking.city import GARAGE, IMPORT, places, version
from tests.given.parking.claims import DECISION
from tests.given.parking.plates import plate as complete
from tests.given.parking.sessions import NINE, follow, opened, presence, price, reading

BERTH = "Z1-001"
PLATE, OTHER_PLATE = "豫A12345", "豫A54321"

Parked = tuple[str, str]
"""A session, and its claim."""


async def parked(services: Services, mine: str, theirs: str) -> tuple[Parked, Parked]:
    """What both owe; devices `camera-1`, `vehicle-1` and `c-1` watch the street."""
    command_id = uuid4()
    by = CommandContext(IMPORT, "import", command_id, command_id)
    devices = [
        NewPlace(name, PlaceKind.DEVICE, version(name, watches=[BERTH, GARAGE]))
        for name in (*(f"{role.value}-1" for role in (Role.CAMERA, Role.VEHICLE)), "elsewhere-1")
    ]
    for each in await describe_places([*places(), *devices], by, services):
        assert not isinstance(each, CitybrainError), each
    return (
        await owed_session(services, 1, mine, PLATE),
        await owed_session(services, 2, theirs, OTHER_PLATE),
    )


async def disputed(services: Services, session_id: str, citizen: str) -> None:
    """A citizen says that a stay of theirs is wrong, with a photo."""
    command_id = uuid4()
    says = CommandContext(Actor(citizen, frozenset({Role.CITIZEN})), "test", command_id, command_id)
    wrong = looking.DisputeSession(grounds="I left at eight", evidence_sha256=["ab" * 32])
    await looking.dispute_session(session_id, wrong, says, services)


async def noticed(services: Services, *claims: str) -> None:
    """Somebody thinks of making these debts public."""
    for claim_id in claims:
        notice = ParkingNotice.open(services.clock(), claim_id)
        await services.store.save(notice, metadata=_by("officer-9").metadata())


async def strayed(services: Services) -> str:
    """A payment for a plate that nobody has read."""
    sealed = await PlateKeeper(services).seal(complete("豫A6C316"))
    stray = StrayPayment.ask(
        services.clock(), request_id=uuid4(), place_id="Z1", plate=sealed.members(), amount_fen=400
    )
    await services.store.save(stray, metadata=_by("kiosk-1").metadata())
    return stray.id


async def trailed(services: Services) -> str:
    """A trailer that was read on leaving."""
    sealed = await PlateKeeper(services).seal(complete("豫A0582挂"))
    sign = ParkingDetection.record(
        services.clock(),
        detection_id=ParkingDetection.new_id(),
        device_id="c-1",
        ref="trailer",
        sign="left",
        place_id=GARAGE,
        occurred_at=NINE,
        plate=sealed.members(),
        confidence=95,
        characters=None,
        evidence_sha256=[],
        opening=None,
        by_hand=False,
        reason="",
        simulated=True,
    )
    await services.store.save(sign, metadata=_by("c-1").metadata())
    return sign.id


async def priced_again(services: Services) -> None:
    """Somebody wants a day's stays priced again by the version in force, which is no cheaper."""
    batch = ParkingRepricing.propose(
        services.clock(),
        repricing_id=ParkingRepricing.new_id(),
        version_id=tariff_of(services.definitions, "street").versions[0].id,
        begins=NINE - timedelta(days=1),
        ends=NINE,
        scope=Scope.ALL,
        reason="ruling",
        proposed_by="officer-9",
    )
    await services.store.save(batch, metadata=_by("officer-9").metadata())


async def bindings(services: Services, mine: str, theirs: str) -> tuple[str, str]:
    """A plate that each has asked to bind; the registry is silent."""
    return await _bound(services, mine, "豫A10001"), await _bound(services, theirs, "豫A10002")


async def permits(services: Services, mine: str, theirs: str) -> tuple[str, str]:
    """A permit that each has asked for."""
    return await _permitted(services, mine), await _permitted(services, theirs)


async def _permitted(services: Services, citizen: str) -> str:
    asked = AskPermit(kind="disabled-badge", plate="豫A10003")
    return (await ask_permit(asked, _by(citizen), services)).stream_id


def _by(citizen: str) -> CommandContext:
    return CommandContext(Actor(citizen, frozenset({Role.CITIZEN})), "test", uuid4(), uuid4())


async def _bound(services: Services, citizen: str, text: str) -> str:
    asked = BindPlate(
        plate=text, per_debit_limit_fen=2000, per_day_limit_fen=5000, notice_sha256=PARKING_NOTICE
    )
    return (await bind_plate(asked, _by(citizen), services)).stream_id


def span(now: datetime, hours: int = 1) -> dict[str, Any]:
    """An hour that begins so many hours from now."""
    start = now.replace(microsecond=0) + timedelta(hours=hours)
    return {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}


async def reserves(api: Api, citizen: str) -> str:
    """A reservation of theirs, each of a berth of its own."""
    number = next_number("reserved berth") + 1
    body = {"berth": f"Z1-{number:03}", "plate": "豫A12345"} | span(datetime.now(UTC))
    path = "/v1/parking/reservations"
    answer = await api.call("POST", path, "citizen", subject=citizen, json=body)
    assert answer.status == 201, answer.body
    return str(answer.json["reservation_id"])


async def owed_session(services: Services, number: int, payer: str | None, plate: str) -> Parked:
    """A session that costs 400 fen, and its claim; on nobody where only the plate is known."""
    command_id = uuid4()
    context = CommandContext(IMPORT, "import", command_id, command_id)
    sealed = await PlateKeeper(services).seal(complete(plate))
    session = opened(f"parking-{number:032x}")
    follow(session, presence(40, "d2"), replace(reading(), plate=sealed.members()))
    price(session)
    claim_id = await raise_claim(
        context,
        services,
        subject=session.id,
        number=1,
        citizen_id=payer,
        amount_fen=400,
        due_at=NINE,
        decision_sha256=DECISION,
        plate_id=sealed.plate_id,
    )
    session.claim_made(
        NINE,
        claim_id=claim_id,
        amount_fen=400,
        payer=payer,
        due_at=NINE,
        debited=False,
        why_not="plate-not-bound",
        terms=None,
    )
    await services.store.save(session, metadata=context.metadata())
    return session.id, claim_id
