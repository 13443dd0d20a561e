"""Made-up people before a camera: the pictures that tests send.

The people and their pictures were chosen once, so that no test depends on who is drawn: the
development pack reads each picture, sees nobody twice and no picture twice, all with room to
spare. `test_named_people` holds what they were chosen for.
"""

import base64
from collections.abc import Sequence
from functools import cache
from typing import Any

from ops.devfaces.kiosk import take
from tests.given.numbers import next_number

ANNA, BORIS, CHEN = 9_000_001, 9_000_003, 9_000_010
SHOTS: dict[tuple[int, str], tuple[int, ...]] = {
    (ANNA, "neutral"): (1, 2, 3, 4, 5, 6, 7, 8),
    (ANNA, "left"): (3, 4, 5, 6, 8, 9, 10, 11, 12, 13),
    (ANNA, "right"): (1, 2, 3, 4, 5, 13, 14, 15, 16, 17),
    (BORIS, "neutral"): (1, 2, 3, 4, 5, 6, 7, 8),
    (BORIS, "left"): (1, 3, 5, 6, 7, 8, 9, 10, 11, 12),
    (BORIS, "right"): (5, 13, 14, 15, 16, 17, 18, 19, 20, 21),
    (CHEN, "neutral"): (1, 2, 3, 4, 5, 6, 7, 8),
    (CHEN, "left"): (1, 2, 8, 9, 10, 11, 12, 13, 14, 15),
    (CHEN, "right"): (11, 12, 14, 16, 17, 18, 19, 20, 22, 24),
}


def jpeg(person: int, turn: str = "neutral", *, shot: int | None = None, **fixed: Any) -> bytes:
    """The next picture of a named person in this test; any picture where `shot` names one."""
    if shot is None:
        shot = SHOTS[person, turn][next_number((person, turn)) - 1]
    return take(person, turn, shot, **fixed) if fixed else _taken(person, turn, shot)


@cache
def _taken(person: int, turn: str, shot: int) -> bytes:
    return take(person, turn, shot)


def in_base64(content: bytes) -> str:
    """As a request carries it."""
    return base64.b64encode(content).decode()


def frames(steps: Sequence[str], person: int) -> list[str]:
    """A picture for each step of a challenge."""
    return [in_base64(jpeg(person, step)) for step in steps]
