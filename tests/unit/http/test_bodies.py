"""Room for bodies: never more than there is, a share for each caller, one kept for devices."""

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.http.bodies import CALLERS, KEPT, BodiesFull, BodyRoom, TooManyBodies

LIMIT = 1600
SHARE = LIMIT // CALLERS

steps = st.lists(
    st.tuples(
        st.sampled_from("abcdefgh"),
        st.one_of(st.integers(0, 2 * SHARE), st.integers(0, LIMIT + 1)),
        st.booleans(),
        st.booleans(),
    ),
    max_size=60,
)


@given(steps)
def test_whatever_is_sent_fits_and_devices_keep_their_share(
    sent: list[tuple[str, int, bool, bool]],
) -> None:
    room = BodyRoom(LIMIT)
    held: list[tuple[str, int, bool, ExitStack]] = []
    for caller, size, device, ends in sent:
        place = ExitStack()
        own = [taken for owner, taken, _, _ in held if owner == caller]
        try:
            place.enter_context(room.place(caller, size, device=device))
        except TooManyBodies:
            assert sum(own) + size > SHARE
        except BodiesFull:
            assert room.held + size > LIMIT - (0 if device else LIMIT // KEPT)
        else:
            assert not sum(own) or sum(own) + size <= SHARE
            assert device or room.held <= LIMIT - LIMIT // KEPT
            held.append((caller, size, device, place))
        assert room.held == sum(taken for _, taken, _, _ in held) <= LIMIT
        if ends and held:
            held.pop(0)[3].close()
    for *_, place in held:
        place.close()
    assert room.held == 0


def test_a_refusal_says_when_to_come_again() -> None:
    room = BodyRoom(LIMIT)
    with room.place("kiosk-1", SHARE, device=True):
        with pytest.raises(TooManyBodies) as one, room.place("kiosk-1", 1, device=True):
            pass
        with (
            pytest.raises(BodiesFull) as all_of_them,
            room.place("citizen-1", LIMIT - LIMIT // KEPT),
        ):
            pass
        with room.place("citizen-2", SHARE):
            pass
    for refused in (one.value, all_of_them.value):
        assert refused.retry_after_seconds >= 1
