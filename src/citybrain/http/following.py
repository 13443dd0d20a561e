"""How many streams of events somebody has open at once: each keeps us looking for as long as it is.

With a token it is the subject that counts, from wherever they ask; without one the network, which
may follow as much as it may have connections, also where a proxy speaks for it.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from citybrain.domain.actor import Actor
from citybrain.http.limits import caller_of
from citybrain.http.problems import RateLimited
from citybrain.http.runtime import RUNTIME

RETRY_AFTER_SECONDS = 5


class TooManyStreams(RateLimited):
    """The caller follows as much as one caller may."""

    code = "too-many-streams"


FOLLOWERS: web.AppKey[Counter[str]] = web.AppKey("followers", Counter)
"""Who follows, and how many streams."""


@contextmanager
def following(request: web.Request, actor: Actor | None) -> Iterator[None]:
    """Whoever asks follows one more stream within the block; raises `TooManyStreams`."""
    settings, followers = request.app[RUNTIME].settings, request.app[FOLLOWERS]
    limit = (
        settings.http_connections_per_address
        if actor is None
        else settings.http_streams_per_subject
    )
    caller = caller_of(request, actor)
    if followers[caller] >= limit:
        raise TooManyStreams(
            f"{limit} streams are open already",
            retry_after_seconds=RETRY_AFTER_SECONDS,
            limit=limit,
        )
    followers[caller] += 1
    try:
        yield
    finally:
        followers[caller] -= 1
        if not followers[caller]:
            del followers[caller]
