"""The renderer of made-up people: its truth is true, and a seed is a picture."""

import numpy as np
import pytest

from citybrain.faces.pose import yaw_degrees
from ops.devfaces.people import Person
from ops.devfaces.renderer import photo

PLAIN = {"pitch": 0.0, "roll": 0.0, "occluded": False, "hat": False}


def test_a_seed_is_a_picture() -> None:
    one, same, other_shot, other = (photo(p, s, 120) for p, s in ((1, 1), (1, 1), (1, 2), (2, 1)))
    assert np.array_equal(one.image, same.image)
    assert not np.array_equal(one.image, other_shot.image)
    assert not np.array_equal(one.image, other.image)
    assert Person.of(1) != Person.of(2)


@pytest.mark.parametrize("yaw", [-35.0, -15.0, 0.0, 15.0, 35.0])
def test_landmarks_lie_in_the_box_and_in_order(yaw: float) -> None:
    for person in range(12):
        taken = photo(person, 0, 160, yaw=yaw, **PLAIN)
        left, top, right, bottom = taken.box
        left_eye, right_eye, nose, left_mouth, right_mouth = taken.landmarks
        assert ((taken.landmarks[:, 0] > left) & (taken.landmarks[:, 0] < right)).all()
        assert ((taken.landmarks[:, 1] > top) & (taken.landmarks[:, 1] < bottom)).all()
        assert left_eye[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_a_nose_points_where_the_head_is_turned() -> None:
    for person in range(20):
        read = [
            yaw_degrees(photo(person, 0, 160, yaw=yaw, **PLAIN).landmarks)
            for yaw in (-25.0, 0.0, 25.0)
        ]
        assert read[0] < -12 < read[1] < 12 < read[2]
        assert abs(read[1]) < 3
