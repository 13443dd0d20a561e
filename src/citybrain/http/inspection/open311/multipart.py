"""Forms that come with photos: `multipart/form-data` (RFC 7578), as browsers and phones send it.

Whatever says that it is a picture, or is called `media`, is taken for a photo; nothing here looks
into it. Other files are left out.
"""

from collections.abc import Collection

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.hdrs import CONTENT_TYPE

from citybrain.http.bodies import CALLERS, body_place, body_time
from citybrain.http.inspection.open311.reading import (
    BODY_BYTES,
    FIELDS,
    Form,
    Open311Error,
    checked,
    form_of_pairs,
)
from citybrain.http.runtime import RUNTIME
from citybrain.settings import Settings

PHOTOS = 5
MEDIA = ("media", "media[]")
NO_FORM = "the body is not the multipart/form-data that its headers say"


async def read_multipart(request: web.Request, known: Collection[str]) -> Form:
    """The form in the body and the photos beside it; raises `Open311Error`."""
    limit = most_bytes(request.app[RUNTIME].settings)
    too_large = Open311Error(413, f"the body exceeds {limit} bytes")
    if (request.content_length or 0) > limit:
        raise too_large
    texts, photos = [], []
    try:
        with body_place(request, None, limit):
            async with body_time(request):
                reader = await request.multipart()
                left = limit
                while (part := await reader.next()) is not None:
                    if isinstance(part, MultipartReader):
                        raise Open311Error(400, "a form has no forms in it")
                    content = await _content(part, left, too_large)
                    left -= len(content)
                    if _is_photo(part):
                        photos += [content] if content else []
                    elif part.filename is None and part.name is not None:
                        texts.append((part.name, content.decode()))
    except (ValueError, AssertionError, RuntimeError, LookupError, web.RequestPayloadError) as bad:
        raise Open311Error(400, NO_FORM) from bad
    if len(photos) > PHOTOS:
        raise Open311Error(400, f"media: {PHOTOS} photos at most")
    return _form(texts, photos, known)


def most_bytes(settings: Settings) -> int:
    """The largest form with photos: a caller's share of the room for bodies, at most."""
    share = settings.bodies_limit_bytes // CALLERS
    return BODY_BYTES + min(PHOTOS * settings.photos_limit_bytes, share)


def _form(texts: list[tuple[str, str]], photos: list[bytes], known: Collection[str]) -> Form:
    if len(texts) > FIELDS or sum(len(name) + len(text) for name, text in texts) > BODY_BYTES:
        raise Open311Error(413, f"the fields exceed {FIELDS} or {BODY_BYTES} bytes")
    form = form_of_pairs(checked(texts, "body"), known)
    form.photos.extend(photos)
    return form


def _is_photo(part: BodyPartReader) -> bool:
    if part.filename is None:
        return False
    return part.name in MEDIA or part.headers.get(CONTENT_TYPE, "").startswith("image/")


async def _content(part: BodyPartReader, left: int, too_large: Open311Error) -> bytes:
    found = bytearray()
    while chunk := await part.read_chunk():
        found += chunk
        if len(found) > left:
            raise too_large
    return bytes(part.decode(found))
