"""Which way a head is turned, from the five landmarks of a detector.

A nose stands before the plane of eyes and mouth. When the head turns, its tip moves sideways
between them, by about the tangent of the yaw; measured in units of the distance from eyes to
mouth this is the same for every size of face.
"""

import math

import numpy as np
from numpy.typing import NDArray

Landmarks = NDArray[np.float32]
"""5 x 2 pixels: left eye, right eye, nose, left and right mouth corner, as seen."""

NOSE_DEPTH = 0.40  # of the distance from eyes to mouth; measured with `ops.devfaces evaluate`


def yaw_degrees(landmarks: Landmarks) -> float:
    """The turn to the side in degrees: positive when the nose points to the image's right."""
    points = landmarks.astype(np.float64)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    across = points[1] - points[0]
    across /= np.linalg.norm(across) + 1e-9
    down = mouth - eyes
    height = abs(float(down @ np.array([-across[1], across[0]]))) + 1e-9
    middle = eyes + down * _share(points[2], eyes, down)
    sideways = float((points[2] - middle) @ across)
    return math.degrees(math.atan2(sideways / height, NOSE_DEPTH))


def roll_degrees(landmarks: Landmarks) -> float:
    """The tilt of the line between the eyes, in degrees."""
    across = landmarks[1] - landmarks[0]
    return math.degrees(math.atan2(float(across[1]), float(across[0])))


def _share(
    nose: NDArray[np.float64], eyes: NDArray[np.float64], down: NDArray[np.float64]
) -> float:
    """How far down the line from eyes to mouth the nose lies, 0 to 1."""
    return float(np.clip((nose - eyes) @ down / (down @ down + 1e-9), 0.0, 1.0))
