"""Draws a made-up person: ellipsoids for head, nose, ears and hair, seen without perspective.

All surfaces are closed forms, so the five landmarks and the box are exact. Head frame and
camera frame have x to the picture's right, y down and z towards the camera.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ops.devfaces.people import SHOT, Colour, Person, Shot

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Places = Iterable[tuple[float, float]]

TEXTURE = 160  # pixels a side
AZIMUTH_RANGE = float(np.deg2rad(100))  # u from -1 to 1 spans twice this
SUBPIXEL = 4  # OpenCV draws at a sixteenth of a pixel

_V, _U = (
    axis.astype(np.float32) for axis in np.mgrid[-1 : 1 : TEXTURE * 1j, -1 : 1 : TEXTURE * 1j]
)
_WAVE = np.linspace(-1, 1, 13)


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture (BGR) with its truth: landmarks 5 x 2 and the face's box (left, top, right,
    bottom) in pixels; left and right are the picture's."""

    image: Pixels
    landmarks: Floats
    box: Floats


@dataclass(frozen=True, slots=True)
class Render:
    """A person before the camera's faults, with what covers the background (0 to 1)."""

    image: Floats
    cover: Floats
    landmarks: Floats
    box: Floats


def photo(
    person_seed: int, shot_seed: int, size: int = 320, hardness: float = 1.0, **fixed: Any
) -> Photo:
    """One person before a background, as a kiosk's camera would take them."""
    random = np.random.default_rng([SHOT, person_seed, shot_seed])
    person = Person.of(person_seed)
    shot = Shot.draw(random, person, hardness, **fixed)
    rendered = render(person, shot, background(random, size))
    return Photo(develop(rendered.image, shot, random), rendered.landmarks, rendered.box)


def empty_scene(seed: int, size: int = 320) -> Pixels:
    """A background with nobody before it."""
    random = np.random.default_rng([SHOT, seed])
    image = background(random, size)
    return develop(image, Shot.draw(random, Person.of(seed)), random)


def _over(image: Floats, mask: Floats, colour: NDArray[Any]) -> None:
    """Lay a colour, or a picture of the same size, over an image: as thick as the mask says."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    above = (colour[window] if colour.ndim == 3 else colour).astype(np.float32, copy=False)
    image[window] += mask[window][..., None] * (above - image[window])


# --- the texture of a head ----------------------------------------------------------------


class _Canvas:
    """A texture to draw on in (u, v)."""

    def __init__(self, colour: Colour) -> None:
        self.pixels: Floats = np.empty((TEXTURE, TEXTURE, 3), np.float32)
        self.pixels[:] = colour

    def shade(self, factor: Floats) -> None:
        """Multiply the brightness."""
        self.pixels *= factor[..., None]

    def blend(self, mask: Floats, colour: NDArray[Any]) -> None:
        """Lay a colour on, as thick as the mask says."""
        _over(self.pixels, mask.astype(np.float32, copy=False), colour)

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


def _face_texture(person: Person, shot: Shot) -> _Canvas:
    skin = person.skin * np.float32(shot.tan)
    canvas = _Canvas(skin)
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


def _relief(canvas: _Canvas, person: Person, skin: Colour) -> None:
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


def _hair_on_face(canvas: _Canvas, person: Person) -> None:
    """Beard and moustache."""
    if person.beard > 0:
        edge = person.beard_v + 0.25 * np.clip(0.6 - np.abs(_U), 0, 1)
        grown = np.clip((_V - edge) * 6, 0, 1) * (np.abs(_U) < 0.8)
        canvas.blend(0.85 * min(1.0, person.beard * 1.2) * grown, person.hair * 0.8)
    if person.moustache > 0:
        middle = (person.nose_v + person.mouth_v) / 2 + 0.045
        grown = _bump(0, middle, person.mouth_width * 0.9, 0.035)
        canvas.blend(0.9 * min(1.0, person.moustache * 1.3) * grown, person.hair * 0.8)


def _eye(canvas: _Canvas, person: Person, shot: Shot, skin: Colour, side: int) -> None:
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


def _brow(canvas: _Canvas, person: Person, shot: Shot, skin: Colour, side: int) -> None:
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


def _mouth(canvas: _Canvas, person: Person, shot: Shot) -> None:
    width, rise = _mouth_shape(person, shot)
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


def _mouth_shape(person: Person, shot: Shot) -> tuple[float, float]:
    """Half its width, and how much lower its corners are than its middle."""
    return person.mouth_width * (1 + 0.22 * shot.smile), -0.05 * shot.smile


def _glasses(canvas: _Canvas, person: Person) -> None:
    colour, thick = person.glasses_colour, person.glasses_thickness
    u, v, width = person.eye_u, person.eye_v, person.glasses_width
    for side in (-1, 1):
        canvas.ellipse(
            side * u, v + 0.01, width, person.glasses_height, colour, thickness=thick / 2
        )
        canvas.line([(side * (u + width), v), (side * 0.9, v - 0.04)], colour, thick / 2)
    canvas.line([(width - u, v), (0, v - 0.02), (u - width, v)], colour, thick / 2)


def _hair_texture(person: Person, shot: Shot) -> tuple[Floats, Floats]:
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


@dataclass(frozen=True, slots=True)
class _Ellipsoid:
    """In the head frame; `lean` turns it around the x axis, its top backwards."""

    centre: NDArray[np.float64]
    radii: NDArray[np.float64]
    lean: float = 0.0

    @property
    def axes(self) -> NDArray[np.float64]:
        """From the head frame to the frame of its own axes."""
        cos, sin = np.cos(self.lean), np.sin(self.lean)
        return np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])

    def foremost(self) -> NDArray[np.float64]:
        """The point with the greatest z: the tip of a nose."""
        towards = self.axes @ np.array([0.0, 0.0, 1.0])
        tip = self.radii**2 * towards / np.linalg.norm(self.radii * towards)
        point: NDArray[np.float64] = self.centre + self.axes.T @ tip
        return point


@dataclass(frozen=True, slots=True)
class _Hit:
    """Where sight lines meet an ellipsoid: its place (unit sphere, own axes), distance to the
    camera's plane, coverage with a soft edge, and light."""

    place: list[Floats]
    depth: Floats
    cover: Floats
    light: Floats


class _View:
    """Sight lines of a picture, in the head frame, for one pose."""

    def __init__(self, person: Person, shot: Shot, size: int) -> None:
        self.person, self.size = person, size
        self.scale = shot.head_share * size / 2
        self.centre = size / 2
        yaw, pitch, roll = np.deg2rad([shot.yaw, shot.pitch, shot.roll])
        self.cos, self.sin = float(np.cos(roll)), float(np.sin(roll))
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        nod = np.array(
            [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
        )
        self.rotation = nod @ turn
        grid = (np.arange(size, dtype=np.float32) - np.float32(self.centre)) / np.float32(
            self.scale
        )
        across, down = grid[None], grid[:, None]
        self.x = self.cos * across + self.sin * down
        self.y = -self.sin * across + self.cos * down
        self.narrowed = self.x / _width(person, self.y)
        light = np.array([shot.light_x, shot.light_y, 1.0])
        self.light = self.rotation.T @ (light / np.linalg.norm(light))
        self.ambient, self.diffuse = shot.ambient, shot.diffuse

    def project(self, point: NDArray[np.float64]) -> tuple[float, float]:
        """Pixels of a point in the head frame."""
        x, y, _ = self.rotation @ point
        return self.pixel(float(x * _width(self.person, np.float32(y))), float(y))

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a place in the upright camera frame."""
        return (
            self.centre + self.scale * (self.cos * x - self.sin * y),
            self.centre + self.scale * (self.sin * x + self.cos * y),
        )

    def hit(self, shape: _Ellipsoid) -> _Hit:
        """Meet an ellipsoid."""
        axes = shape.axes @ self.rotation.T / shape.radii[:, None]
        shift = shape.axes @ shape.centre / shape.radii
        start = [
            np.float32(axes[i, 0]) * self.narrowed
            + np.float32(axes[i, 1]) * self.y
            - np.float32(shift[i])
            for i in range(3)
        ]
        along = [np.float32(axes[i, 2]) for i in range(3)]
        a = sum(d * d for d in along)
        b = sum(s * d for s, d in zip(start, along, strict=True))
        c = sum(s * s for s in start) - np.float32(1)
        inside = b * b - a * c
        depth = (np.sqrt(np.maximum(inside, 1e-6)) - b) / a
        place = [s + depth * d for s, d in zip(start, along, strict=True)]
        toward = shape.axes @ self.light
        normal = [p / np.float32(r) for p, r in zip(place, shape.radii, strict=True)]
        length = np.sqrt(sum(n * n for n in normal)) + np.float32(1e-6)
        lit = sum(n * np.float32(t) for n, t in zip(normal, toward, strict=True)) / length
        soft = np.float32(self.scale * float(shape.radii.min()) * 0.9)
        return _Hit(
            place=place,
            depth=depth,
            cover=np.clip(inside / a * soft, 0, 1),
            light=np.float32(self.ambient) + np.float32(self.diffuse) * np.clip(lit, 0, 1),
        )


def _width(person: Person, y: Any) -> Any:
    """How much wider than an ellipsoid a head is at a height: temples, cheeks, jaw."""
    y = np.clip(y, -1.1, 1.1)
    top, low = np.clip(-y, 0, 1), np.clip(y - 0.05, 0, 1)
    bulge = np.exp(-(((y - 0.2) / 0.35) ** 2))
    return 1 + person.temple * top**2 + person.cheek_width * bulge + person.jaw * low**1.4


def _sample(texture: Floats, hit: _Hit) -> tuple[Floats, NDArray[np.bool_]]:
    """A texture on a surface, and where the surface is beyond the texture's range."""
    azimuth = cv2.phase(np.ascontiguousarray(hit.place[2]), np.ascontiguousarray(hit.place[0]))
    azimuth = np.where(azimuth > np.pi, azimuth - 2 * np.pi, azimuth) / AZIMUTH_RANGE
    to_pixels = (TEXTURE - 1) / 2
    at_u = ((azimuth + 1) * to_pixels).astype(np.float32)
    at_v = ((hit.place[1] + 1) * to_pixels).astype(np.float32)
    sampled = cv2.remap(
        texture, at_u, at_v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    return sampled, np.abs(azimuth) > 1


# --- a picture ----------------------------------------------------------------------------


def render(person: Person, shot: Shot, behind: Floats) -> Render:
    """The person before a background, which is a square picture."""
    random = np.random.default_rng(shot.seed)
    size = len(behind)
    view = _View(person, shot, size)
    skin = person.skin * np.float32(shot.tan)
    image, cover = behind.copy(), np.zeros((size, size), np.float32)

    def lay(mask: Floats, colour: NDArray[Any]) -> None:
        mask = mask.astype(np.float32, copy=False)
        _over(image, mask, colour)
        np.maximum(cover, mask, out=cover)

    def fill(places: Places, colour: NDArray[Any]) -> None:
        mask = np.zeros((size, size), np.float32)
        pixels = np.array([view.pixel(x, y) for x, y in places]) * (1 << SUBPIXEL)
        points = np.round(pixels).astype(np.int32)
        cv2.fillPoly(mask, [points], (1.0,), cv2.LINE_AA, SUBPIXEL)
        lay(mask, colour)

    flat = shot.ambient + shot.diffuse * 0.3
    head = _Ellipsoid(
        np.zeros(3), np.array([person.head_width, 1 + person.chin, person.head_depth])
    )
    shell = _shell(person, head)
    if not person.bald and person.hair_length > 0.2:
        low = 0.35 + 0.75 * person.hair_length
        wide = shell.radii[0] * 0.98
        fill([(-wide, -0.3), (wide, -0.3), (wide, low), (-wide, low)], person.hair * flat * 0.8)
    neck = person.head_width * 0.6
    fill([(-neck, 0.4), (neck, 0.4), (neck, 1.5), (-neck, 1.5)], skin * flat * 0.85)
    shoulders = [(-1.7, 2.6), (-1.35, 1.62), (-neck, 1.28), (0, 1.45)]
    shoulders += [(neck, 1.28), (1.35, 1.62), (1.7, 2.6)]
    fill(shoulders, shot.clothes * flat)

    skull = view.hit(head)
    for side in (-1, 1):
        ear = view.hit(_ear(person, head, side))
        seen = (ear.depth > skull.depth) | (skull.cover < 0.5)
        lay(ear.cover * seen, skin * (ear.light * 0.95)[..., None])
    if not person.bald:  # behind the head, so that none of the wall shows through
        lay(view.hit(shell).cover * np.clip((0.1 - view.y) * 8, 0, 1), person.hair * flat * 0.8)
    face, back = _sample(_face_texture(person, shot).pixels, skull)
    face[back] = skin if person.bald else person.hair
    lay(skull.cover, face * skull.light[..., None])
    nose_shape = _nose(person, head)
    nose = view.hit(nose_shape)
    before = nose.cover * np.clip((nose.depth - skull.depth) * 40, 0, 1)
    lay(before, _nose_colour(person, skin, nose) * nose.light[..., None])
    if not person.bald:
        _lay_hair(person, shot, view, shell, skull, lay)
    if shot.hat:
        brim = person.head_width * 1.12
        fill(
            [(-brim, -0.55), (-brim * 0.8, -1.2), (brim * 0.8, -1.2), (brim, -0.55)],
            shot.clothes[::-1],
        )
    if shot.occluded:
        _occlude(random, view, lay)
    if shot.hard_shadow:
        angle, place = random.uniform(0, 2 * np.pi), random.normal(0, 0.3)
        edge = np.cos(angle) * view.x + np.sin(angle) * view.y + place
        image *= (1 - 0.45 * np.clip(edge * 6, 0, 1)).astype(np.float32)[..., None]
    landmarks = _landmarks(person, shot, view, head, nose_shape)
    return Render(image, cover, landmarks, _box(view, skull))


def _surface(head: _Ellipsoid, u: float, v: float) -> NDArray[np.float64]:
    azimuth, ring = u * AZIMUTH_RANGE, np.sqrt(max(0.0, 1 - v * v))
    place = np.array([ring * np.sin(azimuth), v, ring * np.cos(azimuth)])
    return np.asarray(head.radii * place)


def _nose(person: Person, head: _Ellipsoid) -> _Ellipsoid:
    v = person.nose_v - person.nose_height * 0.45
    radii = np.array([person.nose_width, person.nose_height, person.nose_depth])
    centre = _surface(head, 0, v) - np.array([0, 0, 0.35 * person.nose_depth])
    return _Ellipsoid(centre, radii, float(np.deg2rad(person.nose_tilt_degrees)))


def _nose_colour(person: Person, skin: Colour, nose: _Hit) -> Floats:
    """Skin, darker underneath, with two nostrils."""
    x, y, _ = nose.place
    under = 1 - 0.35 * np.clip((y - 0.55) * 3, 0, 1)
    size = np.float32(person.nostril / person.nose_width * 1.5)
    for side in (-1, 1):
        away = ((x - side * 0.42) / size) ** 2 + ((y - 0.86) / (size * 0.5)) ** 2
        under = under * (1 - 0.65 * np.exp(-away))
    return np.asarray(skin * under[..., None], np.float32)


def _ear(person: Person, head: _Ellipsoid, side: int) -> _Ellipsoid:
    centre = np.array([side * head.radii[0] * 1.0, person.ear_v, -0.05])
    return _Ellipsoid(centre, person.ear_size * np.array([0.45, 1.1, 0.7]))


def _shell(person: Person, head: _Ellipsoid) -> _Ellipsoid:
    """The surface of the hair."""
    volume = person.hair_volume
    return _Ellipsoid(
        np.array([0.0, -0.04 - volume * 0.4, -0.05]),
        head.radii * (1.03 + volume * np.array([0.8, 0.5, 0.5])),
    )


def _lay_hair(
    person: Person, shot: Shot, view: _View, shell: _Ellipsoid, skull: _Hit, lay: Any
) -> None:
    strands, where = _hair_texture(person, shot)
    hit = view.hit(shell)
    both = np.dstack([strands, where]).astype(np.float32)
    sampled, back = _sample(both, hit)
    colour, mask = sampled[..., :3], sampled[..., 3]
    longest = 0.25 + 0.6 * person.hair_length
    mask = np.where(back, np.clip((longest - hit.place[1]) * 8, 0, 1), mask)
    lay(mask * hit.cover * (hit.depth > skull.depth - 0.02), colour * hit.light[..., None])


def _occlude(random: np.random.Generator, view: _View, lay: Any) -> None:
    """Something before the face: a hand, a phone."""
    angle = random.uniform(0, 2 * np.pi)
    place = view.pixel(np.cos(angle) * 0.75, 0.1 + np.sin(angle) * 0.75)
    mask = np.zeros_like(view.narrowed)
    units = view.scale * (1 << SUBPIXEL)
    cv2.ellipse(
        mask,
        (int(place[0] * (1 << SUBPIXEL)), int(place[1] * (1 << SUBPIXEL))),
        (int(random.uniform(0.15, 0.4) * units), int(random.uniform(0.15, 0.4) * units)),
        random.uniform(0, 180),
        0,
        360,
        (1.0,),
        -1,
        cv2.LINE_AA,
        SUBPIXEL,
    )
    lay(mask, random.uniform(10, 240, 3))


def _landmarks(
    person: Person, shot: Shot, view: _View, head: _Ellipsoid, nose: _Ellipsoid
) -> Floats:
    width, rise = _mouth_shape(person, shot)
    places = (
        _surface(head, -person.eye_u, person.eye_v),
        _surface(head, person.eye_u, person.eye_v),
        nose.foremost(),
        _surface(head, -width, person.mouth_v + rise),
        _surface(head, width, person.mouth_v + rise),
    )
    return np.array([view.project(place) for place in places], np.float32)


def _box(view: _View, skull: _Hit) -> Floats:
    """The face from above the brows to the chin."""
    rows, columns = np.nonzero((skull.cover > 0.5) & (view.y > -0.66))
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)


def background(random: np.random.Generator, size: int) -> Floats:
    """A wall, a gradient or a clutter of shapes."""
    base = random.uniform(10, 245, 3).astype(np.float32)
    image = np.empty((size, size, 3), np.float32)
    image[:] = base
    kind = random.integers(5)
    if kind == 1:
        ramp = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
        ramp = ramp if random.random() < 0.5 else ramp.transpose(1, 0, 2)
        image += ramp * (random.uniform(10, 245, 3).astype(np.float32) - base)
    elif kind > 1:
        cells = int(random.integers(2, 24))
        patches = random.uniform(0, 255, (cells, cells, 3)).astype(np.float32)
        smooth = cv2.INTER_CUBIC if kind < 4 else cv2.INTER_NEAREST
        patches = cv2.resize(patches, (size, size), interpolation=smooth).astype(np.float32)
        image = patches * np.float32(random.uniform(0.3, 1)) + image * np.float32(
            random.uniform(0, 0.5)
        )
    for _ in range(int(random.integers(0, 7))):
        _clutter(random, image)
    return np.clip(image, 0, 255)


def _clutter(random: np.random.Generator, image: Floats) -> None:
    size = len(image)
    colour = tuple(map(float, random.uniform(0, 255, 3)))
    x, y, extent = (int(random.uniform(0, limit)) for limit in (size, size, size * 0.4))
    extent = max(4, extent)
    match int(random.integers(4)):
        case 0:
            cv2.circle(image, (x, y), extent, colour, -1, cv2.LINE_AA)
        case 1:
            corner = (x + extent, y + int(extent * random.uniform(0.2, 3)))
            cv2.rectangle(image, (x, y), corner, colour, -1)
        case 2:
            axes = (extent, max(2, int(extent * random.uniform(0.3, 1))))
            angle = random.uniform(0, 180)
            cv2.ellipse(image, (x, y), axes, angle, 0, 360, colour, -1, cv2.LINE_AA)
        case _:
            end = (int(random.uniform(0, size)), int(random.uniform(0, size)))
            cv2.line(image, (x, y), end, colour, int(random.integers(1, 9)), cv2.LINE_AA)


def develop(image: Floats, shot: Shot, random: np.random.Generator) -> Pixels:
    """What a camera makes of it: exposure, blur, noise, compression."""
    height, width = image.shape[:2]
    exposed = np.clip(image * (shot.white_balance * np.float32(shot.gain)), 0, 255)
    curve = (255 * (np.arange(256) / 255) ** shot.gamma).astype(np.float32)
    image = cv2.LUT(exposed.astype(np.uint8), curve).astype(np.float32)
    if shot.shrink < 1:
        small = (max(8, int(width * shot.shrink)), max(8, int(height * shot.shrink)))
        shrunk = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        image = cv2.resize(shrunk, (width, height)).astype(np.float32)
    if shot.blur > 0.15:
        image = cv2.GaussianBlur(image, (0, 0), shot.blur * width / 160).astype(np.float32)
    if shot.noise > 0.3:
        grain = random.standard_normal((height, width, 1), np.float32) * np.float32(0.7)
        colour = random.standard_normal((height, width, 3), np.float32) * np.float32(0.5)
        image += (grain + colour) * np.float32(shot.noise)
    pixels = np.clip(image, 0, 255).astype(np.uint8)
    if not shot.jpeg_quality:
        return pixels
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, shot.jpeg_quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
