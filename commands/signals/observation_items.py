"""Items of a batch of observations, as they come over the wire, read into readings.

Thousands come each second, and each is read into one small tuple: by hand, which costs less than
a model for each (`citybrain bench signals-ingest`). What a lane can hold and carry is checked
afterwards, by the domain. Texts say which member is wrong and what it takes, never what was sent.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from citybrain.domain.signals.observation import LONGEST_MS, MOST_VEHICLES, Reading, Vehicles
from citybrain.errors import InvalidInput
from commands.fields import EARLIEST, LATEST

LONGEST_CODE = 100
MOST_MOVEMENTS = 32

ITEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["junction", "detector", "at"],
    "additionalProperties": False,
    "properties": {
        "junction": {"type": "string"},
        "detector": {"type": "string", "description": "of the junction's definition"},
        "lane": {"type": "string", "description": "the lane or exit that it watches; checked"},
        "at": {"type": "string", "format": "date-time", "description": "when it saw this"},
        "seconds": {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": LONGEST_MS // 1000,
            "description": "over how long before `at` was counted: with count, occupancy, speed",
        },
        "count": {"type": "integer", "minimum": 0, "description": "vehicles that passed"},
        "occupancy": {"type": "number", "minimum": 0, "maximum": 1},
        "speed": {"type": "number", "minimum": 0, "description": "mean, in m/s"},
        "queue": {"type": "integer", "minimum": 0, "description": "vehicles that stand"},
        "occupied": {"type": "boolean", "description": "the zone from now on; a button: pressed"},
        "vehicles": {
            "type": "array",
            "maxItems": MOST_VEHICLES,
            "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            "description": "metres to the end of the lane and m/s of each",
        },
        "room": {"type": "number", "minimum": 0, "description": "vehicles that fit into an exit"},
        "crossed": {
            "type": "object",
            "additionalProperties": {"type": "integer", "minimum": 0},
            "description": "vehicles over the stop line by movement, since the reading before",
        },
        "in_box": {
            "type": "object",
            "additionalProperties": {"type": "integer", "minimum": 0},
            "description": "by movement for how many milliseconds somebody stands in the box",
        },
    },
}
"""An item in the words of JSON Schema, for the API's description."""

MEMBERS = frozenset(ITEM["properties"])
NUMBERS = (float, int)
PAIRS = "vehicles: metres to the end of the lane and m/s of each"
OVER_TIME = "count, occupancy and speed say over how many seconds, and nothing else does"


class Moments:
    """Reads times; those of one batch are mostly the same."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, said: object) -> int:
        """Milliseconds since 1970; raises `InvalidInput`."""
        if type(said) is not str:
            raise InvalidInput("at: a time is written as 2026-09-14T09:00:00+08:00")
        found = self._known.get(said)
        if found is None:
            found = self._known[said] = _moment(said)
        return found


def read_item(item: object, moments: Moments) -> Reading:
    """What an item says; raises `InvalidInput` with the member that is wrong.

    Of whom it is said, `code_of` reads.
    """
    if type(item) is not dict:
        raise InvalidInput("an observation is an object")
    if not item.keys() <= MEMBERS:
        raise InvalidInput("an observation has a member that is not known")
    get = item.get
    passed, occupancy, speed = get("count"), get("occupancy"), get("speed")
    queue, occupied, vehicles = get("queue"), get("occupied"), get("vehicles")
    room, crossed, in_box = get("room"), get("crossed"), get("in_box")
    covers_ms = 0
    if passed is not None or occupancy is not None or speed is not None:
        covers_ms = _span(get("seconds"))
        if passed is not None and type(passed) is not int:
            raise _not_whole("count")
        if occupancy is not None:
            _number("occupancy", occupancy)
        if speed is not None:
            _number("speed", speed)
    elif get("seconds") is not None:
        raise InvalidInput(f"seconds: {OVER_TIME}")
    elif queue is occupied is vehicles is room is crossed is in_box is None:
        raise InvalidInput("an observation says something")
    if queue is not None and type(queue) is not int:
        raise _not_whole("queue")
    if occupied is not None and type(occupied) is not bool:
        raise InvalidInput("occupied: true or false")
    if room is not None:
        _number("room", room)
    said = (
        moments.of(get("at")),
        covers_ms,
        passed,
        occupancy,
        speed,
        queue,
        occupied,
        None if vehicles is None else _vehicles(vehicles),
        room,
        None if crossed is None else _by_movement("crossed", crossed),
        None if in_box is None else _by_movement("in_box", in_box),
    )
    return tuple.__new__(Reading, said)  # as `Reading(*said)`, in less than half the time


def code_of(item: Mapping[str, object], member: str) -> str:
    """A member that is a code; raises `InvalidInput`."""
    said = item.get(member)
    if type(said) is not str or not 0 < len(said) <= LONGEST_CODE:
        raise InvalidInput(f"{member}: a code of 1 to {LONGEST_CODE} characters")
    return said


def _not_whole(member: str) -> InvalidInput:
    return InvalidInput(f"{member}: a whole number")


def _number(member: str, said: object) -> None:
    if type(said) is not float and type(said) is not int:
        raise InvalidInput(f"{member}: a number")


def _span(said: object) -> int:
    """Milliseconds of `seconds`."""
    if type(said) is int and 0 < said <= LONGEST_MS // 1000:
        return said * 1000
    if type(said) is not float and type(said) is not int:
        raise InvalidInput(f"seconds: {OVER_TIME}")
    if not 0 < said <= LONGEST_MS / 1000:
        raise InvalidInput(f"seconds: up to {LONGEST_MS // 1000}")
    return max(1, round(said * 1000))


def _moment(said: str) -> int:
    try:
        at = datetime.fromisoformat(said) if said[4:5] == "-" and len(said) > 18 else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not EARLIEST <= at <= LATEST:
        raise InvalidInput("at: a time is written as 2026-09-14T09:00:00+08:00")
    return round(at.timestamp() * 1000)


def _vehicles(said: object) -> Vehicles:
    if type(said) is not list or len(said) > MOST_VEHICLES:
        raise InvalidInput(f"vehicles: an array of at most {MOST_VEHICLES}")
    found: list[tuple[float, float]] = []
    nearest, ordered = 0.0, True
    for each in said:
        if type(each) is not list or len(each) != 2:
            raise InvalidInput(PAIRS)
        metres, speed = each
        if type(metres) not in NUMBERS or type(speed) not in NUMBERS:
            raise InvalidInput(PAIRS)
        ordered = ordered and metres >= nearest
        nearest = metres
        found.append((metres, speed))
    return tuple(found if ordered else sorted(found))


def _by_movement(member: str, said: object) -> Mapping[str, int]:
    if type(said) is not dict or len(said) > MOST_MOVEMENTS:
        raise InvalidInput(f"{member}: whole numbers by movement, at most {MOST_MOVEMENTS}")
    for number in said.values():
        if type(number) is not int:
            raise _not_whole(member)
    return said
