"""Parking sessions as their events make them, for tests of decisions."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking import following
from citybrain.domain.parking.beside import Beside, say
from citybrain.domain.parking.following import ReadPlate
from citybrain.domain.parking.presence import Beginning, Ending, Observation, Presence, Sign
from citybrain.domain.parking.session import ParkingSession, Place
from tests.given.parking.plates import plate

NINE = datetime(2026, 9, 14, 1, tzinfo=UTC)  # 09:00 in the city
PARKING = ("parking",)
OFFICER = Actor("officer-1", frozenset({Role.OFFICIAL}), "parking")
SECOND = Actor("officer-2", frozenset({Role.SUPERVISOR}), "parking")
ANNA = Actor("citizen-anna", frozenset({Role.CITIZEN}))
BERTH = Place("Z1-001", "berth", "Z1-A", "area-1", "1", "Asia/Shanghai")
CAR = "plate-" + "a" * 32
OTHER = "plate-" + "b" * 32

Step = Callable[[ParkingSession], None]


def sealed(plate_id: str = CAR, complete: bool = True) -> dict[str, Any]:
    """A plate as events have it."""
    return {
        "plate_id": plate_id,
        "plate_sealed": "sealed",
        "plate_class": "ordinary",
        "plate_complete": complete,
        "plate_mended": False,
        "plates_version": "2018",
    }


def presence(
    minutes: float | None = None, *signs: str, ending: Ending = Ending.SEEN, late: float = 0
) -> Presence:
    """From nine (and `late` minutes) on, for so many minutes; still there where None."""
    begins = NINE + timedelta(minutes=late)
    found = Presence(begins, Beginning.SEEN, begins, ["d1", *signs])
    found.readings.append(Observation("d1", begins, Sign.ARRIVED, "c-1", plate("豫A12345")))
    if minutes is not None:
        found.end(NINE + timedelta(minutes=minutes), ending)
    return found


def reading(
    detection_id: str = "d1",
    plate_id: str = CAR,
    doubt: dict[str, Any] | None = None,
    complete: bool = True,
) -> ReadPlate:
    """What a camera read."""
    return ReadPlate(
        detection_id=detection_id,
        read_at=NINE,
        plate=sealed(plate_id, complete),
        confidence=97,
        characters=None,
        judged_by="plate",
        doubt=doubt,
        thresholds_version="2026",
    )


def opened(session_id: str = "parking-" + "1" * 32) -> ParkingSession:
    """A vehicle arrived at nine."""
    return ParkingSession.open(
        NINE,
        session_id=session_id,
        place=BERTH,
        presence=presence(),
        rules_version="2020",
        simulated=False,
    )


def left(*readings: ReadPlate, minutes: float = 40, **completions: str) -> ParkingSession:
    """It left after so many minutes, and this was read."""
    session = opened()
    follow(session, presence(minutes, "d2"), *readings, **completions)
    return session


def follow(
    session: ParkingSession, found: Presence, *readings: ReadPlate, **completions: str
) -> None:
    """What the signs come to now."""
    following.follow(session, NINE, found, readings or (reading(),), completions)


def price(session: ParkingSession, amount_fen: int = 400) -> None:
    """It costs so much."""
    session.price(
        NINE,
        amount_fen=amount_fen,
        already_fen=0,
        lines=[{"version": "street+1", "rule": "1/day", "kind": "parking", "fen": amount_fen}],
        stay={"start": session.arrived_at.isoformat(), "zone": session.tariff_zone},
        tariff_versions=["street+1"],
        cause="left",
        facts=session.facts,
    )


def suspect(session: ParkingSession, other: str = "parking-other") -> None:
    """The same plate is 18 km away at the same time."""
    say(session, NINE, Beside(others={other: (18_000, 0)}))
