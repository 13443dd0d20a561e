"""Measures a pack on labelled pictures: thresholds for false-match rates, with their bounds.

A pair of one person's pictures is genuine, of two people's an impostor pair. A rate is only
reported where at least ten false matches are expected, so that its bound means something
(ISO/IEC 19795-1; one-sided 95 % Clopper-Pearson bound).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from citybrain.errors import InvalidInput
from citybrain.faces.calibration import Calibration, OperatingPoint

RATES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
EXPECTED_FALSE_MATCHES = 10
CONFIDENCE = 0.95
BLOCK = 1024

Progress = Callable[[int, int], None]


class TooFewPairs(InvalidInput):
    """Not enough pictures of enough people for any threshold."""

    code = "too-few-pairs"


def calibrate(
    embeddings: NDArray[np.float32],
    persons: Sequence[str],
    *,
    pack_id: str,
    digests: dict[str, str],
    made_from: str,
    progress: Progress = lambda *_: None,
) -> Calibration:
    """All pairs of `embeddings` (n x dimension, unit vectors) of the `persons` they show."""
    genuine, impostor = _scores(embeddings, np.asarray(persons), progress)
    points = tuple(
        _point(rate, genuine, impostor)
        for rate in RATES
        if len(impostor) * rate >= EXPECTED_FALSE_MATCHES
    )
    if not points or not len(genuine):
        raise TooFewPairs(
            f"{len(genuine)} genuine and {len(impostor)} impostor pairs support no threshold"
        )
    return Calibration(
        pack_id=pack_id,
        detection_sha256=digests["detection"],
        recognition_sha256=digests["recognition"],
        made_from=made_from,
        genuine_pairs=len(genuine),
        impostor_pairs=len(impostor),
        points=points,
    )


def _scores(
    embeddings: NDArray[np.float32], persons: NDArray[np.str_], progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosine similarities of all genuine and all impostor pairs; the latter sorted."""
    genuine, impostor = [], []
    for first in range(0, len(embeddings), BLOCK):
        scores = embeddings[first : first + BLOCK] @ embeddings.T
        same = persons[first : first + BLOCK, None] == persons[None]
        later = np.arange(len(persons))[None] > np.arange(first, first + len(scores))[:, None]
        genuine.append(scores[same & later])
        impostor.append(scores[~same & later])
        progress(min(first + BLOCK, len(embeddings)), len(embeddings))
    return np.concatenate(genuine), np.sort(np.concatenate(impostor))


def _point(
    rate: float, genuine: NDArray[np.float32], impostor: NDArray[np.float32]
) -> OperatingPoint:
    """The lowest threshold that at most `rate` of the impostor pairs reach."""
    allowed = int(len(impostor) * rate)
    threshold = float(np.nextafter(impostor[len(impostor) - allowed - 1], np.float32(2)))
    matches = int(len(impostor) - np.searchsorted(impostor, np.float32(threshold)))
    return OperatingPoint(
        false_match_rate=rate,
        threshold=threshold,
        false_matches=matches,
        true_match_rate=float((genuine >= threshold).mean()),
        upper_95=float(betaincinv(matches + 1, len(impostor) - matches, CONFIDENCE)),
    )
