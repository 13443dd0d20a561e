"""Made-up people before a camera: the pictures that tests send."""

import base64
from collections.abc import Sequence
from functools import cache
from itertools import count
from typing import Any

from citybrain.faces import load_pack
from citybrain.faces.engine import Models
from citybrain.faces.images import decode
from ops.devfaces.kiosk import YAWS, take

FRONTAL_DEGREES, TURNED_DEGREES = 6.0, 16.0  # within what `judge` accepts, pair by pair

_shots = count(1)


def jpeg(person: int, turn: str = "neutral", *, shot: int | None = None, **fixed: Any) -> bytes:
    """A new picture of a person each time, unless `shot` names one."""
    return take(person, turn, next(_shots) if shot is None else shot, **fixed)


def in_base64(content: bytes) -> str:
    """As a request carries it."""
    return base64.b64encode(content).decode()


def frames(steps: Sequence[str], person: int) -> list[str]:
    """A picture for each step of a challenge."""
    return [in_base64(_well_read(person, step)) for step in steps]


def _well_read(person: int, turn: str) -> bytes:
    """The development pack misreads about one pose in 400: then another picture is taken."""
    while True:
        content = jpeg(person, turn)
        (seen,) = _models().analyse([decode(content)])
        if isinstance(seen, Exception):
            continue
        yaw = seen.quality.yaw_degrees
        turned = yaw * YAWS[turn] > 0 and abs(yaw) > TURNED_DEGREES
        if turned or (turn == "neutral" and abs(yaw) < FRONTAL_DEGREES):
            return content


@cache
def _models() -> Models:
    return Models(load_pack(None, production=False))
