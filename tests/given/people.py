"""Made-up people before a camera: the pictures that tests send."""

import base64
from collections.abc import Sequence
from itertools import count
from typing import Any

from ops.devfaces.kiosk import take, take_until_read

_shots = count(1)


def jpeg(person: int, turn: str = "neutral", *, shot: int | None = None, **fixed: Any) -> bytes:
    """A new picture of a person each time, unless `shot` names one."""
    return take(person, turn, next(_shots) if shot is None else shot, **fixed)


def in_base64(content: bytes) -> str:
    """As a request carries it."""
    return base64.b64encode(content).decode()


def frames(steps: Sequence[str], person: int) -> list[str]:
    """A picture for each step of a challenge."""
    return [in_base64(take_until_read(person, step)) for step in steps]
