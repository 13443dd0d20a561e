"""Photos of street problems over HTTP: a raw picture goes in, its digest comes out.

The digest is what a report or a step of a case names as evidence. It is of the bytes that are
kept, which are not those that were sent: metadata is gone.
"""

import asyncio
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.actor import WATCHERS, Role
from citybrain.domain.photo_deletion import DELETERS
from citybrain.http.bodies import body_place, read_body
from citybrain.http.commanding import context, done
from citybrain.http.limits import RateLimiter
from citybrain.http.openapi import OCTETS
from citybrain.http.photo_rights import may_see
from citybrain.http.photo_showing import SHOWN, PhotoQuery, photo_response, photos_of
from citybrain.http.problems import BodyTooLarge, RequestTimeout, UnsupportedMediaType
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.runtime import RUNTIME
from citybrain.photos.checking import ImageTooLarge, too_large
from citybrain.photos.store import PhotoNotFound
from commands.photos import DeletePhoto, delete_photo

STAFF = (Role.OFFICIAL, Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR)
UPLOADERS = (*WATCHERS, Role.CITIZEN, Role.OFFICIAL, Role.OPERATOR)

UPLOADS: web.AppKey[RateLimiter] = web.AppKey("uploads", RateLimiter)


class PhotoTooLarge(BodyTooLarge):
    """The body has more bytes than a photo may have."""

    code = ImageTooLarge.code


class PhotoAnswer(BaseModel):
    """A kept photo."""

    sha256: str = Field(description="of the kept bytes, in hex; evidence names it")
    width: int = Field(description="pixels, upright")
    height: int = Field(description="pixels, upright")
    bytes: int
    content_type: Literal["image/jpeg", "image/png", "image/webp"]


async def upload(call: Call) -> web.Response:
    """Take a photo."""
    request, settings = call.request, call.runtime.settings
    caller, photos = call.authenticated.subject, photos_of(call)
    await request.app[UPLOADS].spend(caller)
    if not request.content_type.startswith(("image/", OCTETS)):
        raise UnsupportedMediaType("the body must be a picture (image/…)")
    refusal, limit = too_large(photos.limits), photos.limits.bytes
    too_much = PhotoTooLarge(refusal.message, **refusal.details)
    seconds = settings.photos_upload_seconds
    try:
        async with asyncio.timeout(seconds) as timer:
            with body_place(request, call.actor, limit):
                content = await read_body(request, limit, too_much)
                with photos.admitted(caller):
                    photo = await photos.take(content)
    except TimeoutError:
        if not timer.expired():
            raise
        raise RequestTimeout(f"the upload took longer than {seconds:g} s") from None
    answer = PhotoAnswer(
        sha256=photo.sha256,
        width=photo.width,
        height=photo.height,
        bytes=len(photo.content),
        content_type=photo.content_type,
    )
    location = {"Location": f"/v1/photos/{photo.sha256}"}
    return json_response(answer, status=201, headers=location)


class PhotoDeletionAnswer(BaseModel):
    """A deletion on the record."""

    deletion_id: str
    sha256: str
    reason: str
    version: int


async def delete(call: Call) -> web.Response:
    """Erase a photo, on the record."""
    digest = call.request.match_info["sha256"]
    return done(await delete_photo(digest, call.body, context(call), call.runtime.services))


async def show(call: Call) -> web.Response:
    """A photo, or a small one of it."""
    digest = call.request.match_info["sha256"]
    if not await may_see(call.request.app, call.authenticated, digest):
        raise PhotoNotFound("there is no such photo")
    return await photo_response(call, digest)


def mount(app: web.Application) -> None:
    """Uploads have a rate limit of their own."""
    runtime = app[RUNTIME]
    per_second, burst = runtime.settings.photos_rate_per_second, runtime.settings.photos_rate_burst
    app[UPLOADS] = RateLimiter("photos", per_second, burst, runtime.store)


ROUTES = (
    Route(
        method="POST",
        path="/v1/photos",
        tag="photos",
        handler=upload,
        roles=UPLOADERS,
        media="image/*",
        summary="Upload a photo: the body is JPEG, PNG, WebP or HEIC (Content-Type: image/…)",
        answers={
            201: Answer("kept, without its metadata; Location is the photo", PhotoAnswer),
            413: Answer("image-too-large"),
            415: Answer("the body is not image/…"),
            422: Answer("unsupported-image, image-too-many-pixels, image-animated, image-damaged"),
        },
        streaming=True,  # it has its own time limit: phones are slow
    ),
    Route(
        method="GET",
        path="/v1/photos/{sha256}",
        summary="A photo",
        tag="photos",
        handler=show,
        roles=STAFF,
        query=PhotoQuery,
        answers=SHOWN,
    ),
    Route(
        method="POST",
        path="/v1/photos/{sha256}/deletion",
        summary="Have a photo erased; evidence goes on naming its digest",
        tag="photos",
        handler=delete,
        roles=DELETERS,
        body=DeletePhoto,
        answers={200: Answer("it is gone, and who had it erased is recorded", PhotoDeletionAnswer)},
    ),
)
