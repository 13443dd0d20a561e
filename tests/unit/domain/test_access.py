"""Accesses: one reading is one stream, of very many people several."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.access import MOST_ABOUT, Access

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@given(st.integers(0, 3 * MOST_ABOUT))
def test_everybody_is_in_it_once_and_no_event_is_long(people: int) -> None:
    about = [f"citizen-{number:032x}" for number in range(people)]
    accesses = Access.record(
        NOW,
        about=about,
        who="auditor-1",
        role="auditor",
        department=None,
        what="list",
        purpose="audit",
        through="get_v1_applications",
    )
    assert [person for access in accesses for person in access.about] == about
    assert all(1 <= len(access.about) <= MOST_ABOUT for access in accesses)
