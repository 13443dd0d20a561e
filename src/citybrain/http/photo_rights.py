"""Which photos an official sees: each system says so of those that its records name.

A photo that no system's record names is anybody's of the staff: it has just been uploaded.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from citybrain.domain.actor import Actor
from citybrain.http.runtime import RUNTIME, Runtime

PhotoRight = Callable[[Runtime, Actor, str], Awaitable[bool | None]]
"""Whether somebody sees the photo of this digest; None where nothing of the system names it."""

PHOTO_RIGHTS: web.AppKey[list[PhotoRight]] = web.AppKey("photo_rights", list)


def say_who_sees(app: web.Application, right: PhotoRight) -> None:
    """Add what a system has to say."""
    app.setdefault(PHOTO_RIGHTS, []).append(right)


async def may_see(app: web.Application, actor: Actor, digest: str) -> bool:
    """Whether one system lets them see it, or none says anything of it."""
    said = [await right(app[RUNTIME], actor, digest) for right in app.get(PHOTO_RIGHTS, ())]
    return True in said or False not in said
