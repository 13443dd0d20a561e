"""The codec writes the stock library's bytes and reads them back."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from eventsourcing.persistence import DatetimeAsISO, DecimalAsStr, JSONTranscoder, UUIDAsHex
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.times import as_text
from citybrain.eventstore.codec import OrjsonTranscoder, decode_state

ours = OrjsonTranscoder()
stock = JSONTranscoder()
for transcoding in (UUIDAsHex(), DecimalAsStr(), DatetimeAsISO()):
    stock.register(transcoding)

text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
    | st.uuids()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]))
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4)
)
states = st.dictionaries(text, values, max_size=6).filter(lambda d: set(d) != {"_type_", "_data_"})


@given(states)
def test_bytes_equal_the_stock_transcoders(state: dict[str, Any]) -> None:
    assert ours.encode(state) == stock.encode(state)


@given(states)
def test_what_was_encoded_is_decoded(state: dict[str, Any]) -> None:
    assert ours.decode(ours.encode(state)) == state
    assert ours.decode(stock.encode(state)) == stock.decode(ours.encode(state))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1 << 63, -(1 << 63) - 1])
def test_what_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        ours.encode({"value": value})


@pytest.mark.parametrize("state", [b"", b"[1]", b"{", b"\xff", b'{"a":{"_type_":"no","_data_":1}}'])
def test_foreign_bytes_are_an_error_and_no_surprise(state: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        decode_state(state)


def test_money_and_times_survive() -> None:
    state = {"at": datetime(2026, 3, 1, tzinfo=UTC), "fee": Decimal("12.50"), "x": 1e-7}
    assert ours.decode(ours.encode(state)) == state


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=2, max_size=2))
def test_a_moment_that_was_written_last_is_not_taken_for_another(moments: list[datetime]) -> None:
    for at in (*moments, *moments, moments[1]):
        assert as_text(at) == at.isoformat()
        assert ours.encode({"at": at}) == stock.encode({"at": at})
