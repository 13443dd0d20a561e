"""Documents that are the same for everybody: made and packed once, on a thread, when first asked.

Nobody is sent what they have. One is written piece by piece: whoever does not read holds no more of
it than a piece, and others are answered in between.
"""

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from citybrain.http.conditional import unless_had
from citybrain.http.limits import LIMITER, caller_of
from citybrain.http.time_limits import TIMER

BYTES_A_TOKEN = 16 << 10  # of the caller's share
PIECE_BYTES = 64 << 10
CACHING = "public, no-cache"  # keep it, and ask whether it is still the one


@dataclass(frozen=True, slots=True)
class Made:
    """A document in both forms; each has an entity tag of its own."""

    plain: bytes
    packed: bytes
    digest: str


def made(body: bytes) -> Made:
    """Pack a document."""
    digest = hashlib.sha256(body).hexdigest()[:32]
    return Made(body, gzip.compress(body, mtime=0), digest)


def add_document(
    app: web.Application, path: str, make: Callable[[], Made], content_type: str
) -> None:
    """Serve it at a path, to GET and HEAD. `make` is called again and again: it remembers."""

    async def document(request: web.Request) -> web.StreamResponse:
        await request.app[LIMITER].spend(caller_of(request))
        found = await asyncio.to_thread(make)
        headers = {"Vary": "Accept-Encoding", "Cache-Control": CACHING, "ETag": f'"{found.digest}"'}
        body = found.plain
        if takes_gzip(request.headers.get("Accept-Encoding", "")):
            body = found.packed
            headers |= {"Content-Encoding": "gzip", "ETag": f'"{found.digest}-gzip"'}
        charset = "utf-8" if content_type.startswith("text/") else None
        answer = web.StreamResponse(headers=headers)
        answer.content_type, answer.charset = content_type, charset
        answer.content_length = len(body)
        sent = unless_had(request, answer)
        if sent is not answer or request.method == "HEAD":
            return sent
        await request.app[LIMITER].charge(caller_of(request), len(body) / BYTES_A_TOKEN)
        with request[TIMER].standing_still():  # whoever reads slowly has the time
            await answer.prepare(request)
            for begin in range(0, len(body), PIECE_BYTES):
                await answer.write(body[begin : begin + PIECE_BYTES])
                await asyncio.sleep(0)
        return answer

    app.router.add_get(path, document)


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` has gzip, or anything, with a weight above nothing."""
    for part in accepted.lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        if coding in ("gzip", "*"):
            try:
                return not weight or float(weight) > 0
            except ValueError:
                return False
    return False
