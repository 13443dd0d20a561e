"""Ellipsoids in the head frame, and where the sight lines of a picture meet them.

Head frame and camera frame have x to the picture's right, y down and z towards the camera.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ops.devfaces.people import Person, Shot
from ops.devfaces.textures import TEXTURE, Floats

AZIMUTH_RANGE = float(np.deg2rad(100))  # u from -1 to 1 spans twice this


@dataclass(frozen=True, slots=True)
class Ellipsoid:
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
class Hit:
    """Where sight lines meet an ellipsoid: its place (unit sphere, own axes), distance to the
    camera's plane, coverage with a soft edge, and light."""

    place: list[Floats]
    depth: Floats
    cover: Floats
    light: Floats


class View:
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

    def hit(self, shape: Ellipsoid) -> Hit:
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
        return Hit(
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


def sample(texture: Floats, hit: Hit) -> tuple[Floats, NDArray[np.bool_]]:
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
