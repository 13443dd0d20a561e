"""Random ids are UUIDs as the standard library makes them, and none comes twice."""

import os
import pickle
from uuid import RFC_4122, UUID

from citybrain import random_ids
from citybrain.random_ids import AT_ONCE, random_uuid


def test_they_are_uuids_of_version_4_and_no_two_are_the_same() -> None:
    made = [random_uuid() for _ in range(3 * AT_ONCE)]
    assert len(set(made)) == len(made)
    for each in made:
        assert (each.version, each.variant) == (4, RFC_4122)
        assert each == UUID(str(each)) == pickle.loads(pickle.dumps(each))


def test_a_child_of_a_fork_does_not_draw_what_its_parent_has_drawn() -> None:
    random_uuid()
    assert random_ids._drawn
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, str(len(random_ids._drawn)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 10) == b"0"
    os.close(reading)
    os.close(writing)
