"""Bindings of plates as values: asked, proved, and held."""

from datetime import UTC, datetime, timedelta
from typing import Any

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens.citizen import Citizen
from citybrain.domain.citizens.consents import give_consent
from citybrain.domain.money import Fen
from citybrain.domain.parking.binding import AGREEMENT, PlateBinding
from citybrain.domain.parking.holding import ParkingPlate
from citybrain.domain.parking.registration import Registration
from tests.given.citizens import own, registered

CITY = timedelta(hours=8)
NOW = datetime(2026, 9, 14, 2, tzinfo=UTC)
LONG_AGO = datetime(2020, 3, 1, tzinfo=UTC)
PLATE_ID = "plate-" + "a" * 32
PLATE = {
    "plate_id": PLATE_ID,
    "plate_sealed": "c2VhbGVk",
    "plate_class": "ordinary",
    "plate_complete": True,
    "plate_mended": False,
    "plates_version": "v",
}
THEIRS = Registration(True, LONG_AGO)


def day(text: str, hour: str = "00:00:00") -> datetime:
    """A moment of September 2026 in the city, as `09-08` and `17:30:00`."""
    return datetime.fromisoformat(f"2026-{text}T{hour}+08:00").astimezone(UTC)


def question(number: int = 1) -> dict[str, str]:
    return {"request_id": f"q{number}", "department": "police", "record": "vehicle"}


def citizen(at: datetime = NOW) -> Citizen:
    """Somebody who is registered since before anything happens here."""
    return registered()


def asked(whose: Citizen, at: datetime = NOW, **fields: Any) -> PlateBinding:
    """A binding that waits for the registry; its consent is given."""
    binding_id = PlateBinding.new_id()
    give_consent(
        whose,
        own(whose),
        at,
        consent_id=f"consent-{binding_id}",
        agreement=AGREEMENT,
        notice_sha256="ab" * 32,
        about=binding_id,
        most=5,
    )
    said: dict[str, Any] = {
        "plate": PLATE,
        "per_debit_fen": Fen(2000),
        "per_day_fen": Fen(5000),
        "terms_version": "v1",
        "waits_until": at + timedelta(days=7),
        "question": question(),
    }
    return PlateBinding.ask(
        at,
        binding_id=binding_id,
        citizen_id=whose.id,
        consent_id=f"consent-{binding_id}",
        **said | fields,
    )


def answered(
    binding: PlateBinding, registration: Registration = THEIRS, at: datetime = NOW
) -> PlateBinding:
    """What the registry says to the question that is open."""
    assert binding.question is not None
    binding.answer(
        at,
        binding.question["request_id"],
        registration,
        again_at=at + timedelta(days=30),
        good_until=at + timedelta(days=45),
        evidence={"signed_sealed": "c2VhbGVk", "sha256": "ab" * 32},
    )
    return binding


def active(
    whose: Citizen,
    plate: ParkingPlate,
    registration: Registration = THEIRS,
    at: datetime = NOW,
    **fields: Any,
) -> PlateBinding:
    """A binding that holds its plate."""
    binding = answered(asked(whose, at, **fields), registration, at)
    assert registration.since is not None
    plate.hold(at, binding_id=binding.id, holder=whose.id, since=registration.since)
    binding.activate(at)
    return binding


def plate_known(at: datetime = NOW) -> ParkingPlate:
    return ParkingPlate.know(at, plate_id=PLATE_ID)


def as_citizen(whose: Citizen) -> Actor:
    return Actor(whose.id, frozenset({Role.CITIZEN}))


def let_go(plate: ParkingPlate, binding: PlateBinding, at: datetime) -> None:
    """What follows from the end of a binding, as the process manager does it."""
    assert binding.held_until is not None
    until, proved = binding.held_until
    plate.let_go(
        at, binding_id=binding.id, until=datetime.fromisoformat(until), proved=bool(proved)
    )
