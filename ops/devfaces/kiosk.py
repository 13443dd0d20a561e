"""A kiosk's camera: good light, a person who does as asked. For simulations and tests."""

import secrets
from typing import Any

import cv2

from ops.devfaces.renderer import photo

YAWS = {"neutral": 0.0, "left": 24.0, "right": -24.0}  # degrees; the person's own side
SIDE = 320
HARDNESS = 0.4
CALM = {
    "pitch": 0.0, "occluded": False, "hat": False, "hard_shadow": False, "blur": 0.0,
    "ambient": 0.68, "diffuse": 0.32, "gain": 1.0, "gamma": 1.0,
}  # fmt: skip


def take(person: int, turn: str = "neutral", shot: int | None = None, **fixed: Any) -> bytes:
    """A JPEG of a made-up person; another picture each time, unless `shot` names one."""
    seed = secrets.randbits(48) if shot is None else shot
    circumstances: dict[str, Any] = CALM | {"yaw": YAWS[turn], "head_share": 0.6} | fixed
    taken = photo(person, seed, SIDE, HARDNESS, **circumstances)
    return cv2.imencode(".jpg", taken.image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
