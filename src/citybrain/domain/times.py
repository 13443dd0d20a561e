"""When something happened, as decisions take it: never in the future, written in UTC."""

from datetime import UTC, datetime, timedelta

from citybrain.errors import Refused

CLOCK_TOLERANCE = timedelta(minutes=5)


class TimeOutOfOrder(Refused):
    """`occurred_at` lies before the step it follows, or in the future."""

    code = "time-out-of-order"


def not_future(occurred_at: datetime, now: datetime) -> datetime:
    """`occurred_at` in UTC; raises `TimeOutOfOrder`, `ValueError` where it has no offset."""
    if occurred_at.tzinfo is None:
        raise ValueError("occurred_at has no offset from UTC")
    if occurred_at > now + CLOCK_TOLERANCE:
        raise TimeOutOfOrder("occurred_at lies in the future", occurred_at=occurred_at.isoformat())
    return occurred_at.astimezone(UTC)


def in_utc(at: datetime) -> datetime:
    """A moment in UTC; one beyond the years that a `datetime` has is the nearest that it has."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return (datetime.min if at.year == 1 else datetime.max).replace(tzinfo=UTC)


def as_text(at: datetime) -> str:
    """A moment as events carry it: RFC 3339 in UTC."""
    return written(at if at.tzinfo is UTC else at.astimezone(UTC))


def written(at: datetime) -> str:
    """A moment in RFC 3339. An event says `now` several times: it is written once."""
    global _last
    last, text = _last
    if last is not at:
        text = at.isoformat()
        _last = at, text
    return text


_last = (datetime.max, datetime.max.isoformat())


def moment(text: str) -> datetime:
    """The moment that a text of ours stands for."""
    return datetime.fromisoformat(text)
