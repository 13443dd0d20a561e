"""Pages of other origins: those that the settings name may ask from a browser (WHATWG Fetch, 3.2).

There are no cookies: a page that asks has a token of its own.
"""

from typing import Final

from aiohttp import hdrs, web

from citybrain.settings import Settings

ASKED: Final = (
    "Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
    "Last-Event-ID, X-Correlation-Id"
)
SHOWN: Final = (
    "Content-Disposition, Content-Language, ETag, Idempotency-Replayed, Location, Retry-After, "
    "X-Correlation-Id, X-Position"
)
METHODS: Final = "GET, HEAD, POST, PUT, DELETE"
REMEMBERED_SECONDS: Final = "7200"
ANY: Final = "*"

ORIGINS: web.AppKey[frozenset[str]] = web.AppKey("origins", frozenset)


def origins_of(settings: Settings) -> frozenset[str]:
    """Those that may ask, as browsers write them."""
    return frozenset(origin.rstrip("/").lower() for origin in settings.cors_origins)


def may_ask(request: web.Request) -> bool:
    """Whether the page that asks is of an origin that may."""
    among = request.app[ORIGINS]
    return ANY in among or request.headers.get("Origin", "").lower() in among


def let_read(request: web.Request, answer: web.StreamResponse) -> None:
    """Say whether the page may read the answer; a cache keeps it for that origin only."""
    if hdrs.ORIGIN not in request.headers or not request.app[ORIGINS]:
        return
    varies = answer.headers.get("Vary")
    if "Origin" not in (varies or ""):
        answer.headers["Vary"] = f"{varies}, Origin" if varies else "Origin"
    if may_ask(request):
        answer.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        answer.headers["Access-Control-Expose-Headers"] = SHOWN


def preflight(request: web.Request) -> web.Response | None:
    """The answer to a browser that asks whether it may; None to whoever asks something else."""
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
        return None
    if not may_ask(request):
        return None
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": ASKED,
            "Access-Control-Max-Age": REMEMBERED_SECONDS,
        },
    )
