"""Opaque cursors and `min_position`: what every list of a read model shares."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, Self, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field

from citybrain.eventstore.read_models import read_where_kept
from citybrain.geo.gcj02 import Crs, to_wgs84
from citybrain.http.problems import Malformed, NotCaughtUp
from citybrain.http.runtime import Runtime
from commands.fields import Day
from projections.reading import Pool, wait_until

L = TypeVar("L", bound="Located")
R = TypeVar("R", bound=Mapping[str, Any])
T = TypeVar("T")
K = TypeVar("K")

CATCH_UP_SECONDS = 5.0
STANDBY_SECONDS = 1.0
MAX_POSITION = (1 << 63) - 1
MAX_DAYS = 3660


class Query(BaseModel):
    """Base of query parameters: unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class CrsQuery(Query):
    """In which coordinates the client speaks; ours are WGS-84."""

    crs: Crs = Field(Crs.WGS84, description="of all coordinates: wgs84 or gcj02")


class ReadModelQuery(Query):
    """A read of a read model."""

    min_position: int = Field(
        0,
        ge=0,
        le=MAX_POSITION,
        description="wait until the read model has reached this log position (an X-Position)",
    )


class PagedQuery(ReadModelQuery):
    """A page of a list."""

    after: str | None = Field(None, max_length=500, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=500, description="rows in the page, at most")


class Located(Protocol):
    """A model with a place, in degrees."""

    @property
    def latitude(self) -> float: ...

    @property
    def longitude(self) -> float: ...

    def model_copy(self, *, update: Mapping[str, Any]) -> Self: ...


def in_wgs84(body: L, crs: Crs) -> L:
    """The same in our coordinates."""
    if crs is Crs.WGS84:
        return body
    latitude, longitude = to_wgs84(body.latitude, body.longitude, crs)
    return body.model_copy(update={"latitude": latitude, "longitude": longitude})


def page(rows: Sequence[R], limit: int, *key: str) -> tuple[Sequence[R], str | None]:
    """Of one row more than a page holds: the page, and the cursor of what comes after it.

    `key` names the members that the list is sorted by, a time first.
    """
    shown = rows[:limit]
    if len(rows) <= limit:
        return shown, None
    return shown, encode_cursor(*(shown[-1][name] for name in key))


def page_by(rows: Sequence[T], limit: int, key: Callable[[T], K]) -> tuple[Sequence[T], K | None]:
    """The same for a list whose next page begins after a plain value: a position, an id."""
    shown = rows[:limit]
    return shown, key(shown[-1]) if len(rows) > limit else None


def encode_cursor(*parts: Any) -> str:
    """An opaque cursor of the sort key of the last row."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def decode_time_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """The (time, id) in a cursor; raises `Malformed` on a made-up one."""
    if cursor is None:
        return None
    at, identity = decode_cursor(cursor, 2)
    return at, identity


def decode_cursor(cursor: str, length: int) -> list[Any]:
    """A time and the texts after it in a cursor; raises `Malformed` on a made-up one."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        time, *texts = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        at = datetime.fromisoformat(time)
        at.astimezone(UTC)
        if at.tzinfo is None or len(texts) != length - 1 or not all(map(_is_text, texts)):
            raise ValueError(cursor)
    except (ValueError, TypeError, binascii.Error, OverflowError):
        raise Malformed("after is not a cursor that a page gave") from None
    return [at, *texts]


def _is_text(part: Any) -> bool:
    return isinstance(part, str) and "\x00" not in part


class DatedQuery(ReadModelQuery):
    """Days of a read model; the last 30 where absent."""

    since: Day | None = None
    until: Day | None = None

    def days(self, today: date) -> tuple[date, date]:
        """First and last day; raises `Malformed` on too many."""
        until = self.until or today
        since = self.since or until - timedelta(days=30)
        if since > until or (until - since).days > MAX_DAYS:
            raise Malformed(f"since lies before until, at most {MAX_DAYS} days")
        return since, until


async def caught_up(pool: Pool, projection: str, position: int) -> bool:
    """Wait for a read model as long as a client is let wait; false when that was not enough.

    A standby is waited for a part of it, then the model is read where it is kept.
    """
    if await wait_until(pool, projection, position, STANDBY_SECONDS):
        return True
    read_where_kept()
    return await wait_until(pool, projection, position, CATCH_UP_SECONDS - STANDBY_SECONDS)


async def wait_for_position(runtime: Runtime, projection: str, position: int) -> None:
    """Wait for a read model; raises `Malformed` beyond the head and `NotCaughtUp` in time."""
    if position == 0:
        return
    if position > await runtime.store.head():
        raise Malformed("min_position lies behind the end of the log")
    pool = runtime.store.models
    if not await caught_up(pool, projection, position):
        raise NotCaughtUp(f"{projection} has not reached position {position} yet")
