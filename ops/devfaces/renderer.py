"""Draws a made-up person: ellipsoids for head, nose, ears and hair, seen without perspective.

All surfaces are closed forms, so the five landmarks and the box are exact. Head frame and
camera frame have x to the picture's right, y down and z towards the camera.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ops.devfaces.people import SHOT, Colour, Person, Shot
from ops.devfaces.surfaces import AZIMUTH_RANGE, Ellipsoid, Hit, View, sample
from ops.devfaces.textures import (
    SUBPIXEL,
    Places,
    face_texture,
    hair_texture,
    lay_over,
    mouth_shape,
)
from ops.devfaces.textures import Floats as Floats

Pixels = NDArray[np.uint8]


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


class _Layers:
    """A picture that things are laid over, and how much of the background they cover."""

    def __init__(self, behind: Floats, view: View) -> None:
        self.image = behind.copy()
        self.cover = np.zeros((len(behind), len(behind)), np.float32)
        self._view = view

    def lay(self, mask: Floats, colour: NDArray[Any]) -> None:
        """Lay a colour, or a picture, over the picture where the mask is."""
        mask = mask.astype(np.float32, copy=False)
        lay_over(self.image, mask, colour)
        np.maximum(self.cover, mask, out=self.cover)

    def fill(self, places: Places, colour: NDArray[Any]) -> None:
        """Fill a polygon in the upright camera frame."""
        mask = np.zeros_like(self.cover)
        pixels = np.array([self._view.pixel(x, y) for x, y in places]) * (1 << SUBPIXEL)
        points = np.round(pixels).astype(np.int32)
        cv2.fillPoly(mask, [points], (1.0,), cv2.LINE_AA, SUBPIXEL)
        self.lay(mask, colour)


def render(person: Person, shot: Shot, behind: Floats) -> Render:
    """The person before a background, which is a square picture."""
    random = np.random.default_rng(shot.seed)
    view = View(person, shot, len(behind))
    layers = _Layers(behind, view)
    head = Ellipsoid(np.zeros(3), np.array([person.head_width, 1 + person.chin, person.head_depth]))
    skull, nose = view.hit(head), _nose(person, head)
    _lay_body(person, shot, head, layers)
    _lay_head(person, shot, view, head, skull, nose, layers)
    _lay_circumstances(person, shot, view, random, layers)
    landmarks = _landmarks(person, shot, view, head, nose)
    return Render(layers.image, layers.cover, landmarks, _box(view, skull))


def _lay_body(person: Person, shot: Shot, head: Ellipsoid, layers: _Layers) -> None:
    """Long hair behind, neck and shoulders."""
    flat = shot.ambient + shot.diffuse * 0.3
    if not person.bald and person.hair_length > 0.2:
        low = 0.35 + 0.75 * person.hair_length
        wide = _shell(person, head).radii[0] * 0.98
        places = [(-wide, -0.3), (wide, -0.3), (wide, low), (-wide, low)]
        layers.fill(places, person.hair * flat * 0.8)
    neck = person.head_width * 0.6
    skin = person.skin * np.float32(shot.tan)
    layers.fill([(-neck, 0.4), (neck, 0.4), (neck, 1.5), (-neck, 1.5)], skin * flat * 0.85)
    shoulders = [(-1.7, 2.6), (-1.35, 1.62), (-neck, 1.28), (0, 1.45)]
    shoulders += [(neck, 1.28), (1.35, 1.62), (1.7, 2.6)]
    layers.fill(shoulders, shot.clothes * flat)


def _lay_head(
    person: Person,
    shot: Shot,
    view: View,
    head: Ellipsoid,
    skull: Hit,
    nose_shape: Ellipsoid,
    layers: _Layers,
) -> None:
    """Ears, face, nose, hair."""
    flat, shell = shot.ambient + shot.diffuse * 0.3, _shell(person, head)
    skin = person.skin * np.float32(shot.tan)
    for side in (-1, 1):
        ear = view.hit(_ear(person, head, side))
        seen = (ear.depth > skull.depth) | (skull.cover < 0.5)
        layers.lay(ear.cover * seen, skin * (ear.light * 0.95)[..., None])
    if not person.bald:  # behind the head, so that none of the wall shows through
        behind = view.hit(shell).cover * np.clip((0.1 - view.y) * 8, 0, 1)
        layers.lay(behind, person.hair * flat * 0.8)
    face, back = sample(face_texture(person, shot).pixels, skull)
    face[back] = skin if person.bald else person.hair
    layers.lay(skull.cover, face * skull.light[..., None])
    nose = view.hit(nose_shape)
    before = nose.cover * np.clip((nose.depth - skull.depth) * 40, 0, 1)
    layers.lay(before, _nose_colour(person, skin, nose) * nose.light[..., None])
    if not person.bald:
        _lay_hair(person, shot, view, shell, skull, layers.lay)


def _lay_circumstances(
    person: Person, shot: Shot, view: View, random: np.random.Generator, layers: _Layers
) -> None:
    """A hat, something before the face, a hard shadow."""
    if shot.hat:
        brim = person.head_width * 1.12
        places = [(-brim, -0.55), (-brim * 0.8, -1.2), (brim * 0.8, -1.2), (brim, -0.55)]
        layers.fill(places, shot.clothes[::-1])
    if shot.occluded:
        _occlude(random, view, layers.lay)
    if shot.hard_shadow:
        angle, place = random.uniform(0, 2 * np.pi), random.normal(0, 0.3)
        edge = np.cos(angle) * view.x + np.sin(angle) * view.y + place
        shade = (1 - 0.45 * np.clip(edge * 6, 0, 1)).astype(np.float32)[..., None]
        layers.image *= shade


def _surface(head: Ellipsoid, u: float, v: float) -> NDArray[np.float64]:
    azimuth, ring = u * AZIMUTH_RANGE, np.sqrt(max(0.0, 1 - v * v))
    place = np.array([ring * np.sin(azimuth), v, ring * np.cos(azimuth)])
    return np.asarray(head.radii * place)


def _nose(person: Person, head: Ellipsoid) -> Ellipsoid:
    v = person.nose_v - person.nose_height * 0.45
    radii = np.array([person.nose_width, person.nose_height, person.nose_depth])
    centre = _surface(head, 0, v) - np.array([0, 0, 0.35 * person.nose_depth])
    return Ellipsoid(centre, radii, float(np.deg2rad(person.nose_tilt_degrees)))


def _nose_colour(person: Person, skin: Colour, nose: Hit) -> Floats:
    """Skin, darker underneath, with two nostrils."""
    x, y, _ = nose.place
    under = 1 - 0.35 * np.clip((y - 0.55) * 3, 0, 1)
    size = np.float32(person.nostril / person.nose_width * 1.5)
    for side in (-1, 1):
        away = ((x - side * 0.42) / size) ** 2 + ((y - 0.86) / (size * 0.5)) ** 2
        under = under * (1 - 0.65 * np.exp(-away))
    return np.asarray(skin * under[..., None], np.float32)


def _ear(person: Person, head: Ellipsoid, side: int) -> Ellipsoid:
    centre = np.array([side * head.radii[0] * 1.0, person.ear_v, -0.05])
    return Ellipsoid(centre, person.ear_size * np.array([0.45, 1.1, 0.7]))


def _shell(person: Person, head: Ellipsoid) -> Ellipsoid:
    """The surface of the hair."""
    volume = person.hair_volume
    return Ellipsoid(
        np.array([0.0, -0.04 - volume * 0.4, -0.05]),
        head.radii * (1.03 + volume * np.array([0.8, 0.5, 0.5])),
    )


def _lay_hair(
    person: Person, shot: Shot, view: View, shell: Ellipsoid, skull: Hit, lay: Any
) -> None:
    strands, where = hair_texture(person, shot)
    hit = view.hit(shell)
    both = np.dstack([strands, where]).astype(np.float32)
    sampled, back = sample(both, hit)
    colour, mask = sampled[..., :3], sampled[..., 3]
    longest = 0.25 + 0.6 * person.hair_length
    mask = np.where(back, np.clip((longest - hit.place[1]) * 8, 0, 1), mask)
    lay(mask * hit.cover * (hit.depth > skull.depth - 0.02), colour * hit.light[..., None])


def _occlude(random: np.random.Generator, view: View, lay: Any) -> None:
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


def _landmarks(person: Person, shot: Shot, view: View, head: Ellipsoid, nose: Ellipsoid) -> Floats:
    width, rise = mouth_shape(person, shot)
    places = (
        _surface(head, -person.eye_u, person.eye_v),
        _surface(head, person.eye_u, person.eye_v),
        nose.foremost(),
        _surface(head, -width, person.mouth_v + rise),
        _surface(head, width, person.mouth_v + rise),
    )
    return np.array([view.project(place) for place in places], np.float32)


def _box(view: View, skull: Hit) -> Floats:
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
