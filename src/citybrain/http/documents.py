"""Documents that are the same for everybody: made and packed once, on a thread, when first asked.

Nobody is sent what they have.
"""

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from citybrain.http.conditional import unless_had
from citybrain.http.limits import LIMITER, caller_of

BYTES_A_TOKEN = 16 << 10  # of the caller's share
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
        answer = web.Response(
            body=body, content_type=content_type, charset=charset, headers=headers
        )
        sent = unless_had(request, answer)
        if sent is answer and request.method == "GET":
            await request.app[LIMITER].charge(caller_of(request), len(body) / BYTES_A_TOKEN)
        return sent

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
