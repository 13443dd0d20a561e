"""Messages: what passes is tried again while it is news, what stays is left out; no number said."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
import structlog

from citybrain.errors import Unavailable
from citybrain.mail import MailRefused
from citybrain.notifications import NoNotifier
from citybrain.vault import NoSuchKey, PersonErased, SealBroken
from commands.processes.telling import NEWS, telling

AT = datetime(2026, 9, 14, 10, tzinfo=UTC)
EVENT: Any = SimpleNamespace(topic="case.closed", stream_id="case-1", recorded_at=AT)
PASSING = [
    Unavailable("the provider is away"),
    ConnectionResetError("138 0000 0000"),
    TimeoutError(),
    asyncpg.TooManyConnectionsError("x"),
    asyncpg.LockNotAvailableError("x"),
]
LASTING = [
    ValueError("no number: 138 0000 0000"),
    MailRefused("x"),
    SealBroken("x"),
    asyncpg.DataError("138 0000 0000"),
]
NOBODY = [NoNotifier("x"), PersonErased("x"), NoSuchKey("x")]


def said(error: Exception, later: timedelta) -> list[Any]:
    """What the log has of a message that fails so long after its event."""
    services: Any = SimpleNamespace(clock=lambda: AT + later)
    with structlog.testing.capture_logs() as logs, telling(EVENT, services):
        raise error
    return logs


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_what_passes_is_tried_again_for_a_day(error: Exception) -> None:
    for later in (timedelta(0), NEWS):
        with pytest.raises(type(error)):
            said(error, later)
    (line,) = said(error, NEWS + timedelta(seconds=1))
    assert (line["event"], line["stream_id"]) == ("message_not_sent", "case-1")
    assert "138" not in str(line)


@pytest.mark.parametrize("error", LASTING, ids=lambda error: type(error).__name__)
def test_what_stays_is_left_out_and_said(error: Exception) -> None:
    (line,) = said(error, timedelta(0))
    assert (line["event"], line["log_level"]) == ("message_not_sent", "warning")
    assert "138" not in str(line)


def test_where_none_is_sent_or_nobody_is_left_it_is_no_fault() -> None:
    assert [said(error, timedelta(0)) for error in NOBODY] == [[], [], []], "nobody is warned"
