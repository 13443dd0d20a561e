"""Measures a pack on made-up people that the training never saw, through insightface."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from citybrain.faces.calibration import CALIBRATION, Calibration
from citybrain.faces.engine import Analysis, Models
from citybrain.faces.images import Pixels
from citybrain.faces.measuring import calibrate
from citybrain.faces.pack import load_pack
from citybrain.faces.pose import yaw_degrees
from ops.devfaces.renderer import Floats, Photo, empty_scene, photo

UNSEEN = 2_000_000_000  # seeds of people; the training uses other ones
SIDE = 320
SAME_BOX = 0.5  # intersection over union
TURN_DEGREES = 24.0


@dataclass(slots=True)
class _Detections:
    """Tallies over pictures of one person each, and over empty ones."""

    pictures: int = 0
    found: int = 0
    extra: int = 0
    landmark_errors: list[float] | None = None


def evaluate(folder: Path, people: int, shots: int = 3) -> dict[str, Any]:
    """Detection, matching, pose, sizes; writes the calibration into the pack's folder.

    Each person has one mild picture, as an enrolment takes it, and harder ones. A picture
    without a detected face is counted against detection and cannot be compared.
    """
    cv2.setNumThreads(1)
    pack = load_pack(folder, production=False)
    models = Models(pack, "cpu")
    embeddings, persons, tally = [], [], _Detections(landmark_errors=[])
    for person in range(people):
        for shot in range(shots):
            taken = photo(UNSEEN + person, shot, SIDE, hardness=0.5 if shot == 0 else 1.0)
            _count(tally, models, taken)
            (found,) = models.analyse([taken.image])
            if isinstance(found, Analysis):
                embeddings.append(found.embedding)
                persons.append(str(person))
        if (person + 1) % 100 == 0:
            print(f"{person + 1}/{people} people", flush=True)
    calibration = calibrate(
        np.stack(embeddings),
        persons,
        pack_id=pack.pack_id,
        digests=pack.digests,
        made_from=f"{len(embeddings)} rendered pictures of {people} made-up people",
    )
    (folder / CALIBRATION).write_text(calibration.model_dump_json(indent=1) + "\n")
    errors = np.array(tally.landmark_errors)
    return {
        "people": people,
        "pictures": tally.pictures,
        "detection_rate": tally.found / tally.pictures,
        "extra_faces_a_picture": tally.extra / tally.pictures,
        "faces_in_empty_pictures": _faces_in_empty(models, people),
        "landmark_error_of_eye_distance": {
            "mean": float(errors.mean()),
            "p95": float(np.quantile(errors, 0.95)),
        },
        "matching": _matching(calibration),
        "turns": _turns(models, min(people, 300)),
        "files": {path.name: path.stat().st_size for path in sorted(folder.glob("*.onnx"))},
        "digests": pack.digests,
    }


def _matching(calibration: Calibration) -> dict[str, Any]:
    return {
        "genuine_pairs": calibration.genuine_pairs,
        "impostor_pairs": calibration.impostor_pairs,
        "true_match_rate_at_false_match_rate": {
            f"{point.false_match_rate:g}": point.true_match_rate for point in calibration.points
        },
    }


def _count(tally: _Detections, models: Models, taken: Photo) -> None:
    boxes, landmarks = models.detect(taken.image)
    tally.pictures += 1
    right = [row for row in range(len(boxes)) if _overlap(boxes[row], taken.box) >= SAME_BOX]
    tally.found += bool(right)
    tally.extra += len(boxes) - min(1, len(right))
    if right and tally.landmark_errors is not None:
        away = np.linalg.norm(landmarks[right[0]] - taken.landmarks, axis=1).mean()
        apart = np.linalg.norm(taken.landmarks[0] - taken.landmarks[1])
        tally.landmark_errors.append(float(away / max(8.0, float(apart))))


def _overlap(one: Floats, other: Floats) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return float(width * height / (areas[0] + areas[1] - width * height))


def _faces_in_empty(models: Models, pictures: int) -> float:
    found = sum(len(models.detect(empty_scene(UNSEEN + seed))[0]) for seed in range(pictures))
    return found / pictures


def _turns(models: Models, people: int) -> dict[str, float]:
    """Whether a turned head is read as turned, from a neutral picture of the same person."""
    estimates: list[float] = []
    truths: list[float] = []
    right = 0
    for person in range(people):
        yaws = (0.0, TURN_DEGREES if person % 2 else -TURN_DEGREES)
        seen = [_yaw(models, _mild(UNSEEN + person, 90 + n, yaw)) for n, yaw in enumerate(yaws)]
        if None in seen:
            continue
        neutral, turned = (float(value) for value in seen if value is not None)
        right += (turned - neutral > 0) == (yaws[1] > 0)
        estimates += [neutral, turned]
        truths += yaws
    slope = float(np.polyfit(truths, estimates, 1)[0])
    return {
        "people": len(truths) / 2,
        "side_read_right": right / (len(truths) / 2),
        "degrees_read_a_degree": slope,
        "mean_error_degrees": float(np.abs(np.array(estimates) - truths).mean()),
    }


def _mild(person: int, shot: int, yaw: float) -> Pixels:
    image: NDArray[np.uint8] = photo(
        person, shot, SIDE, hardness=0.6, yaw=yaw, pitch=0.0, occluded=False
    ).image
    return image


def _yaw(models: Models, image: Pixels) -> float | None:
    boxes, landmarks = models.detect(image)
    return yaw_degrees(np.asarray(landmarks[0], np.float32)) if len(boxes) else None
