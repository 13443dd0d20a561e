"""The web clients: phone, board, desk and the auditor's window, built from `src/web`.

Each is one HTML file for every address below its own (the client routes within), and files with a
digest in their names, which are kept for ever. Both were packed by the build.
"""

import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aiohttp import web

from citybrain.errors import Unavailable
from citybrain.http.limits import LIMITER, caller_of

PAGES: Final = Path(__file__).parent / "pages"
CLIENTS: Final = {"m": "phone", "board": "board", "desk": "desk", "audit": "audit"}
"""Where it is served → its folder."""

PACKED: Final = (".gz", ".br")
"""Files that stand in for others, for whoever takes them packed."""

KEPT: Final = "public, max-age=31536000, immutable"
USES_OF_DEVICES: Final = {
    "m": {"Permissions-Policy": "camera=(self), geolocation=(self), microphone=()"}
}
"""The phone alone looks at a face and asks where it is."""

mimetypes.add_type("application/manifest+json", ".webmanifest")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PagesNotBuilt(Unavailable):
    """The pages have not been built."""

    code = "pages-not-built"


def add_clients(app: web.Application, *, stories: bool) -> None:
    """Serve them; their stories (each screen in each state, without a server) in development."""
    app.router.add_get("/static/{name}", _static)
    for base, folder in CLIENTS.items():
        _add_client(app, base, folder)
        if stories:
            told = page(PAGES / folder / "stories.html")
            app.router.add_get(f"/stories/{folder}/{{story:.*}}", told)


def _add_client(app: web.Application, base: str, folder: str) -> None:
    headers = {"Cache-Control": "no-cache", **USES_OF_DEVICES.get(base, {})}
    app.router.add_get(f"/{base}", _moved(f"/{base}/"))
    for path in sorted((PAGES / folder).glob("*")):  # a service worker, a manifest
        if path.suffix not in (".html", *PACKED):
            app.router.add_get(f"/{base}/{path.name}", _file(path, headers))
    app.router.add_get(f"/{base}/{{screen:.*}}", page(PAGES / folder / "index.html", headers))


@cache
def _built() -> Mapping[str, Path]:
    """What the build has put beside the pages, by name: looked at once a process."""
    return {path.name: path for path in (PAGES / "static").glob("*") if path.suffix not in PACKED}


async def _static(request: web.Request) -> web.StreamResponse:
    await request.app[LIMITER].spend(caller_of(request))
    path = _built().get(request.match_info["name"])
    if path is None:
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Cache-Control": KEPT})


def page(path: Path, headers: Mapping[str, str] = MappingProxyType({})) -> Handler:
    """Serve an HTML file of the build, which is asked for anew each time."""
    return _file(path, {"Cache-Control": "no-cache", **headers}) if path.is_file() else _not_built


async def _not_built(request: web.Request) -> web.StreamResponse:
    await request.app[LIMITER].spend(caller_of(request))
    raise PagesNotBuilt("the pages are not built; run `make pages`, and start again")


def _file(path: Path, headers: dict[str, str]) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        await request.app[LIMITER].spend(caller_of(request))
        return web.FileResponse(path, headers=headers)

    return handler


def _moved(to: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        await request.app[LIMITER].spend(caller_of(request))
        raise web.HTTPPermanentRedirect(to)

    return handler


def found_at(to: str) -> Handler:
    """Send whoever asks on to another address, which may be another one tomorrow."""

    async def handler(request: web.Request) -> web.StreamResponse:
        await request.app[LIMITER].spend(caller_of(request))
        raise web.HTTPFound(to)

    return handler
