"""A price that is found lower afterwards: never higher, and only by the facts that it is of."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking.repricing import reprice
from citybrain.domain.parking.session import ParkingSession, Step
from tests.given.parking.sessions import NINE, left, opened, price

AMOUNTS = st.integers(min_value=0, max_value=1000)


def priced(amount_fen: int) -> ParkingSession:
    session = left()
    price(session, amount_fen)
    return session


def again(session: ParkingSession, amount_fen: int, facts: int | None = None) -> int:
    said: dict[str, Any] = {"already_fen": 0, "lines": [], "stay": {}, "tariff_versions": ["v2"]}
    lowered = reprice(
        session,
        NINE,
        amount_fen=amount_fen,
        facts=session.facts if facts is None else facts,
        cause="permit",
        about="permit-1",
        **said,
    )
    if lowered is None:
        return 0
    assert lowered.paid == session.settled
    return lowered.fen


@given(st.lists(AMOUNTS, max_size=6), AMOUNTS, st.booleans())
def test_p26_nothing_is_ever_raised_by_pricing_again(
    amounts: list[int], first: int, paid: bool
) -> None:
    session = priced(first)
    if paid:
        session.settle(NINE, amount_fen=first, how="paid", claim_id=None)
    expected = first
    for amount in amounts:
        lowered = again(session, amount)
        assert lowered == max(expected - amount, 0)
        expected = min(expected, amount)
        assert session.price_fen == expected
    assert session.settled == paid


def test_a_price_of_other_facts_or_of_no_session_lowers_nothing() -> None:
    session = priced(400)
    assert again(session, 200, facts=session.facts - 1) == 0
    session.void(NINE, reason="no-such-session")
    assert again(session, 200) == 0
    still_there = opened()
    assert again(still_there, 0) == 0
    assert still_there.next_step() is Step.NOTHING
