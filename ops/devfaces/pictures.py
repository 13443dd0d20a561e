"""Training pictures: scenes with boxes and landmarks for the detector, crops for the recogniser."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from insightface.utils.face_align import norm_crop
from numpy.typing import NDArray

from ops.devfaces.people import Person, Shot
from ops.devfaces.renderer import Floats, Pixels, background, develop, render

CROPS, SCENES, PATCHES = 0xC0DE, 0x5CE0, 0xCA7C  # keep the families of seeds apart
CROP_SIDE = 112
FACES_MOST = 4
FACE_COUNTS = (0.14, 0.52, 0.18, 0.10, 0.06)  # how often a scene has 0, 1, 2, 3, 4 faces
PART = 250  # pictures a process renders at a time


def aligned_crops(people: range, shots: int) -> tuple[Pixels, NDArray[np.int64]]:
    """Crops as the recogniser gets them, n x 112 x 112 x 3, and whose they are, from 0."""
    parts = [
        people[first : first + PART // shots] for first in range(0, len(people), PART // shots)
    ]
    crops = np.concatenate(_in_parallel(partial(_crops_of, shots=shots), parts))
    return crops, np.repeat(np.arange(len(people)), shots)


def _crops_of(people: range, shots: int) -> Pixels:
    return np.stack([_crop(seed, number) for seed in people for number in range(shots)])


def _crop(person_seed: int, number: int) -> Pixels:
    random = np.random.default_rng([CROPS, person_seed, number])
    person = Person.of(person_seed)
    shot = Shot.draw(random, person, head_share=random.uniform(0.50, 0.66))
    rendered = render(person, shot, background(random, 144))
    image = develop(rendered.image, shot, random)
    wrong_by = random.normal(0, 1.0, rendered.landmarks.shape)  # a detector is never exact
    crop: Pixels = norm_crop(image, (rendered.landmarks + wrong_by).astype(np.float32), CROP_SIDE)
    return crop


@dataclass(frozen=True, slots=True)
class Scenes:
    """Pictures (n x side x side x 3), their faces (n x 4 x 14: box, then five landmarks) and how
    many of the four there are."""

    images: Pixels
    faces: Floats
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Patch:
    """A person cut out, to be put into scenes."""

    image: Pixels
    cover: Pixels
    landmarks: Floats
    box: Floats


def scenes(count: int, side: int) -> Scenes:
    """Scenes with up to four people, and things that look a little like people."""
    parts = [range(first, min(first + PART, count)) for first in range(0, count, PART)]
    made = _in_parallel(partial(_scenes_of, side=side), parts)
    return Scenes(
        *(
            np.concatenate([getattr(part, name) for part in made])
            for name in ("images", "faces", "counts")
        )
    )


def _scenes_of(numbers: range, side: int) -> Scenes:
    patches = [_patch(PATCHES + number) for number in numbers]
    images = np.empty((len(numbers), side, side, 3), np.uint8)
    faces = np.zeros((len(numbers), FACES_MOST, 14), np.float32)
    counts = np.zeros(len(numbers), np.int64)
    for row, number in enumerate(numbers):
        images[row], found = _scene(np.random.default_rng([SCENES, number]), patches, side)
        counts[row] = len(found)
        for place, face in enumerate(found):
            faces[row, place] = face
    return Scenes(images, faces, counts)


def _patch(seed: int) -> _Patch:
    random = np.random.default_rng([PATCHES, seed])
    person = Person.of(1_000_000_000 + seed)
    shot = Shot.draw(random, person, 1.15, head_share=0.56)
    made = render(person, shot, np.zeros((256, 256, 3), np.float32))
    image = np.clip(made.image, 0, 255).astype(np.uint8)
    return _Patch(image, (made.cover * 255).astype(np.uint8), made.landmarks, made.box)


def _scene(
    random: np.random.Generator, patches: list[_Patch], side: int
) -> tuple[Pixels, list[Floats]]:
    image, taken = background(random, side), np.zeros((side, side), bool)
    faces: list[Floats] = []
    wanted = int(random.choice(FACES_MOST + 1, p=FACE_COUNTS))
    for _ in range(wanted):
        patch = patches[int(random.integers(len(patches)))]
        placed = _place(random, patch, side, alone=wanted == 1)
        left, top, right, bottom = np.clip(placed.box, 0, side).astype(int)
        whole = (placed.box[2] - placed.box[0]) * (placed.box[3] - placed.box[1])
        seen = (right - left) * (bottom - top) / whole
        if seen < 0.72 or taken[top:bottom, left:right].mean() > 0.12:
            continue
        cover = placed.cover.astype(np.float32)[..., None] / 255
        image += cover * (placed.image - image)
        taken[top:bottom, left:right] = True
        faces.append(np.concatenate([placed.box, placed.landmarks.ravel()]))
    for _ in range(int(random.integers(0, 3))):
        _blob(random, image, taken)
    shot = Shot.draw(random, Person.of(0), blur=random.uniform(0, 0.7))
    return develop(image, shot, random), faces


def _place(random: np.random.Generator, patch: _Patch, side: int, *, alone: bool) -> _Patch:
    """The patch at a random size, place and tilt in an empty picture."""
    smallest, largest = (26, 0.9 * side) if alone else (18, 0.4 * side)
    height = float(np.exp(random.uniform(np.log(smallest), np.log(largest))))
    scale = height / float(patch.box[3] - patch.box[1])
    middle = (patch.box[:2] + patch.box[2:]) / 2
    room = min(0.4 * height, side / 2)
    target = random.uniform(room, side - room, 2)
    image, cover, shrunk = patch.image, patch.cover, 1.0
    if scale < 0.7:  # shrink first, so that nothing aliases
        shrunk = scale
        image, cover = (
            np.asarray(
                cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA),
                np.uint8,
            )
            for picture in (image, cover)
        )
    angle = np.deg2rad(random.normal(0, 8))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    move = np.hstack([turn, (target - turn @ middle)[:, None]])
    warp = np.hstack([turn / shrunk, move[:, 2:]])
    half = scale * (patch.box[2:] - patch.box[:2]) / 2
    return _Patch(
        cv2.warpAffine(image, warp, (side, side)).astype(np.uint8),
        cv2.warpAffine(cover, warp, (side, side)).astype(np.uint8),
        (patch.landmarks @ turn.T + move[:, 2]).astype(np.float32),
        np.concatenate([target - half, target + half]).astype(np.float32),
    )


def _blob(random: np.random.Generator, image: Floats, taken: NDArray[np.bool_]) -> None:
    """Skin and hair without features, where no face is."""
    side = len(image)
    x, y, radius = (
        int(random.uniform(low, high)) for low, high in ((0, side), (0, side), (8, side / 4))
    )
    if taken[max(0, y - radius) : y + radius, max(0, x - radius) : x + radius].any():
        return
    person = Person.of(int(random.integers(1 << 30)))
    skin, hair = (tuple(map(float, colour)) for colour in (person.skin, person.hair))
    cv2.ellipse(image, (x, y), (int(radius * 0.75), radius), 0, 0, 360, skin, -1, cv2.LINE_AA)
    if random.random() < 0.5:
        axes = (int(radius * 0.8), int(radius * 0.6))
        cv2.ellipse(image, (x, y - radius // 2), axes, 0, 180, 360, hair, -1, cv2.LINE_AA)


def _in_parallel(work: Callable[[range], Any], parts: list[range]) -> list[Any]:
    with ProcessPoolExecutor(initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        made = []
        for number, part in enumerate(pool.map(work, parts), 1):
            made.append(part)
            print(f"\r{number}/{len(parts)}", end="", flush=True)
        print()
        return made


def save(path: Path, **arrays: NDArray[Any]) -> None:
    """Write arrays for the training."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
