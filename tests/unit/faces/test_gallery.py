"""1:N search: the index against brute force, whatever was added, replaced and removed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.faces.gallery import Gallery
from tests.given.analyses import DIMENSION, embedding

Steps = list[tuple[int, int | None]]
STEPS = st.lists(st.tuples(st.integers(0, 12), st.none() | st.integers(0, 40)), max_size=60)


@given(STEPS, st.integers(0, 60), st.integers(1, 8))
def test_a_search_finds_what_brute_force_finds(steps: Steps, wanted: int, most: int) -> None:
    gallery, there = Gallery(DIMENSION), dict[str, int]()
    for number, face in steps:
        citizen = f"citizen-{number}"
        if face is None:
            gallery.remove(citizen)
            there.pop(citizen, None)
        else:
            gallery.put(citizen, f"template-{face}", embedding(face))
            there[citizen] = face

    found = gallery.search(embedding(wanted), most)

    assert len(gallery) == len(there)
    scores = sorted(float(embedding(face) @ embedding(wanted)) for face in there.values())
    expected = scores[::-1][:most]
    assert np.allclose([candidate.score for candidate in found], expected, atol=1e-6)
    for candidate in found:
        assert candidate.template_id == f"template-{there[candidate.citizen_id]}"


def test_among_many_a_shortlist_by_signs_finds_the_same_people(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = 20_000
    random = np.random.default_rng(3)
    faces = random.standard_normal((people, DIMENSION)).astype(np.float32)
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    gallery = Gallery(DIMENSION)
    for number, face in enumerate(faces):
        gallery.put(f"citizen-{number}", "t", face)
    for number in range(0, people, 7):
        gallery.remove(f"citizen-{number}")
    monkeypatch.setattr("citybrain.faces.gallery.EXACT_UP_TO", 100)

    for number in (1, 8, 19_998):  # pictures of people at a cosine of about 0.5
        probe = faces[number] + 1.7 * faces[0]
        probe /= np.linalg.norm(probe)
        found, exact = gallery.search(probe, 5), gallery.search_exactly(probe, 5)
        assert found[0].template_id == exact[0].template_id
        assert found[0].citizen_id == f"citizen-{number}"
        assert abs(found[0].score - float(faces[number] @ probe)) < 1e-6
    assert all(found.citizen_id != "citizen-0" for found in gallery.search(faces[0], 5))
