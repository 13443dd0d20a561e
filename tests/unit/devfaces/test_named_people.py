"""The people whom tests send before a camera: the development pack is sure of all of them.

The margins are what other machines may compute otherwise, and more.
"""

from itertools import combinations

import numpy as np
import pytest

from citybrain.faces import load_pack
from citybrain.faces.engine import Analysis, Models
from citybrain.faces.images import decode, hash_distance
from citybrain.faces.liveness import NEUTRAL_DEGREES, SAME_FRAME_BITS, TURNED_DEGREES
from citybrain.faces.quality import ENROLMENT, VERIFICATION, check
from citybrain.faces.services import SAME_SESSION_RATE
from tests.given.people import ANNA, BORIS, CHEN, SHOTS, jpeg

DEGREES, LIKENESS, BITS = 4.0, 0.1, 2  # margins
TURNS = ("neutral", "left", "right")
Seen = dict[tuple[int, str], list[Analysis]]


@pytest.fixture(scope="module")
def models() -> Models:
    return Models(load_pack(None, production=False))


@pytest.fixture(scope="module")
def seen(models: Models) -> Seen:
    """Every picture, as the pack reads it."""
    found: Seen = {}
    for (person, turn), shots in SHOTS.items():
        for shot in shots:
            (analysis,) = models.analyse([decode(jpeg(person, turn, shot=shot))])
            assert isinstance(analysis, Analysis), (person, turn, shot, analysis)
            found.setdefault((person, turn), []).append(analysis)
    return found


def likeness(one: list[Analysis], other: list[Analysis]) -> np.ndarray:
    """The similarity of each picture with each of the others."""
    embeddings = [np.array([each.embedding for each in some]) for some in (one, other)]
    return np.asarray(embeddings[0] @ embeddings[1].T)


def test_every_pose_is_read_and_good_enough(seen: Seen) -> None:
    for (person, turn), pictures in seen.items():
        for number, each in enumerate(pictures):
            check(each.quality, ENROLMENT if turn == "neutral" else VERIFICATION)
            yaw = each.quality.yaw_degrees
            if turn == "neutral":
                assert abs(yaw) < NEUTRAL_DEGREES - DEGREES, (person, turn, number)
            else:
                turned = yaw if turn == "left" else -yaw
                straight = [each.quality.yaw_degrees for each in seen[person, "neutral"]]
                assert turned > TURNED_DEGREES + max(map(abs, straight)) + DEGREES


def test_each_is_the_same_person_in_all_pictures(models: Models, seen: Seen) -> None:
    calibration = models.pack.calibration
    decision = max(point.threshold for point in calibration.points)
    session = calibration.at(SAME_SESSION_RATE).threshold
    for person in (ANNA, BORIS, CHEN):
        straight = seen[person, "neutral"]
        assert likeness(straight, straight).min() > decision + LIKENESS
        for turn in ("left", "right"):
            assert likeness(straight, seen[person, turn]).min() > session + LIKENESS


def test_they_are_pairwise_different(models: Models, seen: Seen) -> None:
    mildest = min(point.threshold for point in models.pack.calibration.points)
    for pair in combinations((ANNA, BORIS, CHEN), 2):
        one, other = (
            [a for of, each in seen.items() if of[0] == who for a in each] for who in pair
        )
        assert likeness(one, other).max() < mildest - LIKENESS, pair


def test_no_two_pictures_count_as_one(seen: Seen) -> None:
    hashes = [each.difference_hash for pictures in seen.values() for each in pictures]
    nearest = min(hash_distance(one, other) for one, other in combinations(hashes, 2))
    assert nearest > SAME_FRAME_BITS + BITS - 1
