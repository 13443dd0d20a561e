"""A kiosk's camera: good light, a person who does as asked. For simulations and tests."""

import secrets
from functools import cache
from typing import Any

import cv2

from citybrain.faces import load_pack
from citybrain.faces.engine import Models
from citybrain.faces.images import decode
from ops.devfaces.renderer import photo

YAWS = {"neutral": 0.0, "left": 24.0, "right": -24.0}  # degrees; the person's own side
SIDE = 320
HARDNESS = 0.4
FRONTAL_DEGREES, TURNED_DEGREES = 6.0, 16.0  # well within what a challenge asks for
CALM = {
    "pitch": 0.0,
    "occluded": False,
    "hat": False,
    "hard_shadow": False,
    "blur": 0.0,
    "ambient": 0.68,
    "diffuse": 0.32,
    "gain": 1.0,
    "gamma": 1.0,
}


def take(person: int, turn: str = "neutral", shot: int | None = None, **fixed: Any) -> bytes:
    """A JPEG of a made-up person; another picture each time, unless `shot` names one."""
    seed = secrets.randbits(48) if shot is None else shot
    circumstances: dict[str, Any] = CALM | {"yaw": YAWS[turn], "head_share": 0.6} | fixed
    taken = photo(person, seed, SIDE, HARDNESS, **circumstances)
    return cv2.imencode(".jpg", taken.image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def take_until_read(person: int, turn: str = "neutral") -> bytes:
    """A picture whose pose the development pack reads: about one in 400 it does not."""
    while True:
        content = take(person, turn)
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
