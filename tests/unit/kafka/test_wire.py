"""K06 · what is on the wire: keys, values and headers of the records, and back."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.kafka.wire import (
    METADATA,
    NotOurRecord,
    ReceivedEvent,
    headers_of,
    key_of,
    received,
    topic_of,
)

SOURCE = "https://city.example/citybrain"
INCARNATION = UUID("6b1d7c1c-8f6e-4f6e-9d0e-1d2c3b4a5f60")
PRICED = ReceivedEvent(
    position=4711,
    stream_id="parking-s005",
    version=12,
    topic="parking.priced",
    state=b'{"amount_fen":600}',
    recorded_at=datetime(2026, 9, 14, 1, 0, 0, 123000, UTC),
    metadata_json=(
        '{"actor":"meter-1","role":"device","channel":"device",'
        '"command_id":"0199432a-0000-7000-8000-00000000000b",'
        '"correlation_id":"0199432a-0000-7000-8000-00000000000a"}'
    ),
    incarnation=INCARNATION,
)


def test_k06_key_and_headers_are_those_of_cloudevents_in_binary_mode() -> None:
    assert topic_of("citybrain.", PRICED.stream_id) == "citybrain.parking"
    assert key_of(PRICED) == b"parking-s005"
    assert dict(headers_of(PRICED, SOURCE, INCARNATION)) == {
        "ce_specversion": b"1.0",
        "ce_id": b"4711",
        "ce_source": f"{SOURCE}#{INCARNATION}".encode(),
        "ce_type": b"parking.priced",
        "ce_subject": b"parking-s005",
        "ce_time": b"2026-09-14T01:00:00.123000Z",
        "ce_sequence": b"0000000000000000012",
        "ce_streamversion": b"12",
        "ce_incarnation": str(INCARNATION).encode(),
        "ce_traceparent": b"00-0199432a00007000800000000000000a-800000000000000b-00",
        "content-type": b"application/json",
        METADATA: str(PRICED.metadata_json).encode(),
    }


@given(
    st.builds(
        ReceivedEvent,
        position=st.integers(1, 2**63 - 1),
        stream_id=st.from_regex(r"[a-z][a-z0-9_]{0,31}-[A-Za-z0-9_.:-]{1,160}", fullmatch=True),
        version=st.integers(1, 2**63 - 1),
        topic=st.text(min_size=1, max_size=40),
        state=st.binary(),
        recorded_at=st.datetimes(timezones=st.just(UTC)),
        metadata_json=st.none() | st.just(PRICED.metadata_json),
        incarnation=st.uuids(),
    )
)
def test_what_was_published_is_what_is_received(event: ReceivedEvent) -> None:
    headers = headers_of(event, SOURCE, event.incarnation)
    assert received(key_of(event), event.state, headers) == event


@pytest.mark.parametrize("name", ["ce_id", "ce_streamversion", "ce_incarnation", "ce_subject"])
def test_a_record_of_somebody_else_is_refused_without_repeating_it(name: str) -> None:
    headers = headers_of(PRICED, SOURCE, INCARNATION)
    lacking = [header for header in headers if header[0] != name]
    for wrong in (lacking, [*lacking, (name, b"secret")]):
        with pytest.raises(NotOurRecord) as refused:
            received(b"parking-s005", b"{}", wrong)
        assert "secret" not in str(refused.value)
    with pytest.raises(NotOurRecord):
        received(None, b"{}", headers)
