"""The envelope around every JSON answer, and the address of the page that follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web
from yarl import URL

from citybrain.city_day import CITY_ZONE
from citybrain.http.own_url import own_url
from citybrain.http.parking.cds.asking import EPOCH, Asked, milliseconds
from citybrain.http.parking.cds.versions import Media

CURRENCY = "CNY"


@dataclass(frozen=True, slots=True)
class Found:
    """What an answer holds, and when that was last changed. `following`: the cursor after it.

    `of_many`: it is a page, so that its links say whether another one follows.
    """

    data: Mapping[str, Any]
    last_updated: datetime | None
    following: str | None = None
    of_many: bool = False


def rendered(asked: Asked, found: Found) -> web.Response:
    """The answer, in the version that was asked for."""
    body: dict[str, Any] = {
        "version": asked.version.full,
        "time_zone": CITY_ZONE.key,
        "last_updated": milliseconds(found.last_updated or EPOCH),
        "currency": CURRENCY,
        "data": found.data,
    }
    if found.of_many:
        body["links"] = {"next": _following(asked, found.following)}
    headers = {"Content-Type": Media.JSON.of(asked.version), "Vary": "Accept"}
    return web.Response(body=orjson.dumps(body), headers=headers)


def newest(*moments: datetime | None) -> datetime | None:
    """The latest of moments that are known."""
    return max(filter(None, moments), default=None)


def _following(asked: Asked, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = {**asked.parameters, "cursor": cursor}
    return str(URL(own_url(asked.request) + asked.request.rel_url.raw_path).with_query(query))
