"""The texture of a made-up head: skin, eyes, brows, mouth, hair, drawn flat in (u, v)."""

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ops.devfaces.people import Colour, Person, Shot

Floats = NDArray[np.float32]
Places = Iterable[tuple[float, float]]

TEXTURE = 160  # pixels a side
SUBPIXEL = 4  # OpenCV draws at a sixteenth of a pixel

_V, _U = (
    axis.astype(np.float32) for axis in np.mgrid[-1 : 1 : TEXTURE * 1j, -1 : 1 : TEXTURE * 1j]
)
_WAVE = np.linspace(-1, 1, 13)


def lay_over(image: Floats, mask: Floats, colour: NDArray[Any]) -> None:
    """Lay a colour, or a picture of the same size, over an image: as thick as the mask says."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    above = (colour[window] if colour.ndim == 3 else colour).astype(np.float32, copy=False)
    image[window] += mask[window][..., None] * (above - image[window])


class Canvas:
    """A texture to draw on in (u, v)."""

    def __init__(self, colour: Colour) -> None:
        self.pixels: Floats = np.empty((TEXTURE, TEXTURE, 3), np.float32)
        self.pixels[:] = colour

    def shade(self, factor: Floats) -> None:
        """Multiply the brightness."""
        self.pixels *= factor[..., None]

    def blend(self, mask: Floats, colour: NDArray[Any]) -> None:
        """Lay a colour on, as thick as the mask says."""
        lay_over(self.pixels, mask.astype(np.float32, copy=False), colour)

    def polygon(self, places: Places, colour: NDArray[Any]) -> None:
        """Fill an area."""
        cv2.fillPoly(self.pixels, [_points(places)], _scalar(colour), cv2.LINE_AA, SUBPIXEL)

    def line(self, places: Places, colour: NDArray[Any], thickness: float) -> None:
        """Draw through places."""
        points = _points(places).reshape(-1, 1, 2)
        width = max(1, round(thickness * TEXTURE / 2))
        cv2.polylines(self.pixels, [points], False, _scalar(colour), width, cv2.LINE_AA, SUBPIXEL)

    def ellipse(
        self,
        u: float,
        v: float,
        radius_u: float,
        radius_v: float,
        colour: NDArray[Any],
        degrees: float = 0.0,
        thickness: float | None = None,
    ) -> None:
        """Fill an ellipse, or draw its outline."""
        _draw_ellipse(self.pixels, u, v, radius_u, radius_v, colour, degrees, thickness)


def _disc(u: float, v: float, radius_u: float, radius_v: float, degrees: float = 0.0) -> Floats:
    """The mask of an ellipse."""
    mask = np.zeros((TEXTURE, TEXTURE), np.float32)
    _draw_ellipse(mask, u, v, radius_u, radius_v, np.ones(1), degrees, None)
    return mask


def _draw_ellipse(
    image: Floats,
    u: float,
    v: float,
    radius_u: float,
    radius_v: float,
    colour: NDArray[Any],
    degrees: float,
    thickness: float | None,
) -> None:
    scale = TEXTURE / 2 * (1 << SUBPIXEL)
    (centre,) = _points([(u, v)])
    cv2.ellipse(
        image,
        tuple(map(int, centre)),
        (int(radius_u * scale), int(radius_v * scale)),
        degrees,
        0,
        360,
        _scalar(colour),
        -1 if thickness is None else max(1, round(thickness * TEXTURE / 2)),
        cv2.LINE_AA,
        SUBPIXEL,
    )


def _points(places: Places) -> NDArray[np.int32]:
    scale = (TEXTURE - 1) / 2 * (1 << SUBPIXEL)
    return np.round((np.asarray(list(places)) + 1) * scale).astype(np.int32)


def _scalar(colour: NDArray[Any]) -> tuple[float, ...]:
    return tuple(map(float, colour))


def _bump(u: float, v: float, width: float, height: float) -> Floats:
    across = np.exp(-(((_U[0] - u) / width) ** 2))
    down = np.exp(-(((_V[:, 0] - v) / height) ** 2))
    return np.asarray(np.multiply.outer(down, across), np.float32)


def face_texture(person: Person, shot: Shot) -> Canvas:
    skin = person.skin * np.float32(shot.tan)
    canvas = Canvas(skin)
    _relief(canvas, person, skin)
    _hair_on_face(canvas, person)
    for side in (-1, 1):
        _eye(canvas, person, shot, skin, side)
        _brow(canvas, person, shot, skin, side)
    _mouth(canvas, person, shot)
    if shot.wrinkles > 0:
        faded = skin * (1 - 0.25 * min(1.0, shot.wrinkles))
        for v in (-0.28, -0.22):
            canvas.line([(u * 0.3, v + 0.02 * u * u) for u in _WAVE], faded, 0.008)
    if shot.glasses:
        _glasses(canvas, person)
    return canvas


def _relief(canvas: Canvas, person: Person, skin: Colour) -> None:
    """Sockets, folds, cheeks, freckles and moles."""
    relief = np.ones((TEXTURE, TEXTURE), np.float32)
    middle = (person.nose_v + person.mouth_v) / 2
    for side in (-1, 1):
        relief -= person.eye_socket * _bump(side * (person.eye_u - 0.02), person.eye_v, 0.13, 0.13)
        relief -= 0.10 * person.fold * _bump(side * (person.nose_width + 0.09), middle, 0.03, 0.12)
    relief -= 0.12 * _bump(0, person.mouth_v + person.lower_lip + 0.06, 0.10, 0.03)
    relief -= 0.18 * _bump(0, person.nose_v + 0.10, person.nose_width * 0.8, 0.05)
    canvas.shade(relief)
    for side in (-1, 1):
        red = person.cheek_red * _bump(side * 0.30, person.nose_v + 0.02, 0.14, 0.14)
        canvas.blend(red, np.array([0.75, 0.72, 1.08]) * skin)
    if person.freckles > 0:
        random = np.random.default_rng(person.freckle_seed)
        grain = random.random((TEXTURE // 2, TEXTURE // 2), np.float32)
        grain = cv2.resize(grain, (TEXTURE, TEXTURE)).astype(np.float32)
        where = np.minimum(1, _bump(0.25, 0.2, 0.3, 0.2) + _bump(-0.25, 0.2, 0.3, 0.2))
        canvas.shade(1 - 0.35 * person.freckles * np.clip((grain - 0.72) * 4, 0, 1) * where)
    for u, v, radius in person.moles:
        canvas.ellipse(u, v, radius, radius, skin * 0.35)


def _hair_on_face(canvas: Canvas, person: Person) -> None:
    """Beard and moustache."""
    if person.beard > 0:
        edge = person.beard_v + 0.25 * np.clip(0.6 - np.abs(_U), 0, 1)
        grown = np.clip((_V - edge) * 6, 0, 1) * (np.abs(_U) < 0.8)
        canvas.blend(0.85 * min(1.0, person.beard * 1.2) * grown, person.hair * 0.8)
    if person.moustache > 0:
        middle = (person.nose_v + person.mouth_v) / 2 + 0.045
        grown = _bump(0, middle, person.mouth_width * 0.9, 0.035)
        canvas.blend(0.9 * min(1.0, person.moustache * 1.3) * grown, person.hair * 0.8)


def _eye(canvas: Canvas, person: Person, shot: Shot, skin: Colour, side: int) -> None:
    u, v = side * person.eye_u, person.eye_v
    width, height = person.eye_width, person.eye_height * float(np.clip(shot.eyes_open, 0.06, 1))
    tilt = -side * person.eye_tilt_degrees
    canvas.ellipse(u, v, width * 1.1, height * 1.35 + 0.006, skin * 0.72, tilt)
    canvas.ellipse(u, v, width, height, np.array([232, 236, 238]), tilt)
    if shot.eyes_open > 0.2:
        radius = person.iris_size * person.eye_height * 1.15 + 0.01
        centre = u + shot.gaze * width / 2
        white = _disc(u, v, width, height, tilt)
        canvas.blend(white * _disc(centre, v, radius, radius), person.iris)
        canvas.blend(white * _disc(centre, v, radius * 0.45, radius * 0.45), np.full(3, 8))
        shine = _disc(centre - 0.012, v - 0.014, radius * 0.2, radius * 0.2)
        canvas.blend(white * shine, np.full(3, 250))
    angle = np.deg2rad(tilt)
    arch = height * 1.05 * np.sqrt(np.maximum(0, 1 - _WAVE**2))
    lid = [
        (
            u + x * width * 1.05 * np.cos(angle) + y * np.sin(angle),
            v + x * width * 1.05 * np.sin(angle) - y * np.cos(angle),
        )
        for x, y in zip(_WAVE, arch, strict=True)
    ]
    canvas.line(lid, skin * (0.45 - 0.3 * person.lashes), 0.008 + 0.012 * person.lashes)


def _brow(canvas: Canvas, person: Person, shot: Shot, skin: Colour, side: int) -> None:
    base = person.eye_v - person.brow_gap - shot.brows_up
    dark = person.brow_darkness
    colour = person.hair * dark * 0.8 + skin * 0.55 * (1 - dark)
    places = [
        (
            side * (person.eye_u + x * person.brow_width),
            base - person.brow_arch * (1 - x * x) + x * person.brow_tilt,
        )
        for x in _WAVE
    ]
    canvas.line(places, colour, person.brow_thickness)
    canvas.line(places[:7], colour, person.brow_thickness * 1.4)


def _mouth(canvas: Canvas, person: Person, shot: Shot) -> None:
    width, rise = mouth_shape(person, shot)
    gap = 0.10 * shot.mouth_open
    full = 1 - _WAVE**2
    u = _WAVE * width
    base = person.mouth_v + rise * _WAVE**2 + person.mouth_slant * _WAVE
    bow = 1 - person.cupid_bow * np.exp(-((_WAVE / 0.22) ** 2))
    upper_edge, lower_edge = base - gap * 0.3 * full, base + gap * full
    top = upper_edge - person.upper_lip * full * bow
    bottom = lower_edge + person.lower_lip * full

    def between(one: NDArray[Any], other: NDArray[Any]) -> list[tuple[float, float]]:
        there = list(zip(u, one, strict=True))
        return there + list(zip(u[::-1], other[::-1], strict=True))

    canvas.polygon(between(top, upper_edge), person.lip * 0.92)
    canvas.polygon(between(lower_edge, bottom), person.lip)
    if gap > 0.012:
        canvas.polygon(between(upper_edge, lower_edge), np.array([30, 25, 60]))
        teeth = np.minimum(upper_edge + min(gap / 2, 0.03), lower_edge)
        canvas.polygon(between(upper_edge, teeth), np.array([225, 232, 235]))
    else:
        canvas.line(zip(u, upper_edge, strict=True), person.lip * 0.45, 0.01)


def mouth_shape(person: Person, shot: Shot) -> tuple[float, float]:
    """Half its width, and how much lower its corners are than its middle."""
    return person.mouth_width * (1 + 0.22 * shot.smile), -0.05 * shot.smile


def _glasses(canvas: Canvas, person: Person) -> None:
    colour, thick = person.glasses_colour, person.glasses_thickness
    u, v, width = person.eye_u, person.eye_v, person.glasses_width
    for side in (-1, 1):
        canvas.ellipse(
            side * u, v + 0.01, width, person.glasses_height, colour, thickness=thick / 2
        )
        canvas.line([(side * (u + width), v), (side * 0.9, v - 0.04)], colour, thick / 2)
    canvas.line([(width - u, v), (0, v - 0.02), (u - width, v)], colour, thick / 2)


def hair_texture(person: Person, shot: Shot) -> tuple[Floats, Floats]:
    """Strands (a colour) and where hair is, 0 to 1, on the shell around the head."""
    edge = person.hairline + shot.hair_shift
    edge = edge + 0.6 * person.hair_peak * np.cos((_U - person.hair_parting) * 4.2)
    edge = edge + 0.85 * np.clip(np.abs(_U) - 0.42, 0, 1)
    top = np.clip((edge - _V) * 14, 0, 1)
    longest = 0.15 + 0.6 * person.hair_length
    side = np.clip((np.abs(_U) - person.sideburn) * 14, 0, 1) * np.clip((longest - _V) * 8, 0, 1)
    strands = 1 + 0.12 * np.sin(_U * 70 + 3 * np.sin(_V * 9 + person.hair_parting * 9))
    return person.hair * strands[..., None].astype(np.float32), np.maximum(top, side)


# --- surfaces -----------------------------------------------------------------------------
