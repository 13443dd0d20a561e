"""A photo as it is shown, whole or small: the same wherever somebody may see it."""

from typing import Final, Literal

from aiohttp import web
from pydantic import Field

from citybrain.http.conditional import has
from citybrain.http.paging import Query
from citybrain.http.routing import Answer, Call
from citybrain.photos import Photos
from citybrain.photos.headers import SUFFIXES, content_type_of
from citybrain.photos.store import PhotoDamaged

HEADERS = {
    "Cache-Control": "private, no-cache",  # asked for again each time: it may be erased
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
SHOWN: Final[dict[int, Answer]] = {
    200: Answer("the picture: image/jpeg, image/png or image/webp"),
    304: Answer("the same as If-None-Match names"),
}


class PhotoQuery(Query):
    """How large."""

    size: Literal["full", "thumbnail"] = Field(
        "full", description="thumbnail: a JPEG, its longer side 320 pixels at most"
    )


async def photo_response(call: Call, digest: str) -> web.Response:
    """The photo of this digest; raises `PhotoNotFound`. That it may be seen is settled before."""
    photos = photos_of(call)
    content = await photos.get(digest)
    small = call.query.size == "thumbnail"
    tag = f'"{digest}-320"' if small else f'"{digest}"'
    headers = {"ETag": tag, **HEADERS}
    if has(call.request, tag):
        return web.Response(status=304, headers=headers)
    if small:
        content = await photos.thumbnail(content)
    content_type = content_type_of(content)
    if content_type is None:
        raise PhotoDamaged("the stored bytes are no photo")
    name = f"{digest[:16]}{'-small' if small else ''}.{SUFFIXES[content_type]}"
    headers["Content-Disposition"] = f'inline; filename="{name}"'
    return web.Response(body=content, content_type=content_type, headers=headers)


def photos_of(call: Call) -> Photos:
    """Where photos are kept."""
    photos = call.runtime.services.photos
    assert photos is not None  # a serving process has them
    return photos
