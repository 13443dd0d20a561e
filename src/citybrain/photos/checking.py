"""From an untrusted upload to the bytes that are kept: checked, upright, without metadata.

The picture is decoded fully and encoded again, in its own format. So what is kept is only what
our encoder wrote: no EXIF (place, camera, owner), XMP, comment, text, colour profile, embedded
preview or trailing data can come through, and no parser of ours has to know where such things
hide. Cutting segments out would spare the pixels, but not turn the picture upright or bring its
colours to sRGB. PNG loses nothing, and lossless WebP becomes PNG; a JPEG is encoded with its own
quantisation tables, which changes pixels by little more than rounding; other WebP at quality 90.
HEIC, the pictures of phones, becomes JPEG at quality 90: not every browser shows it.

The same upload gives the same bytes, as long as Pillow's encoders stay the same ones.
"""

import hashlib
import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PIL import Image, ImageCms
from PIL.ExifTags import Base
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile, get_sampling
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from citybrain.errors import InvalidInput
from citybrain.photos.headers import (
    ContentType,
    content_type_of,
    is_heic,
    jpeg_scans,
    webp_is_animated,
    webp_is_lossless,
    webp_size,
)

JPEG_END, NOT_PIXELS = b"\xff\xd9", b"\x55\xaa" * 16
MAX_SCANS = 64  # each is a pass over all pixels; encoders write about 10
PNG_END = b"\0\0\0\0IEND\xae\x42\x60\x82"
SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I")
THUMBNAIL_SIDE = 320
THUMBNAIL_QUALITY = 80

# By class, not by Image.open: that would take a phone's JPEG with a second picture behind it
# (a gain map, a depth map) for a series of frames.
OPENERS: Final[dict[ContentType, type[ImageFile]]] = {
    "image/jpeg": JpegImageFile, "image/png": PngImageFile, "image/webp": WebPImageFile,
}  # fmt: skip
KEPT_MODES: Final[dict[ContentType, tuple[str, ...]]] = {
    "image/jpeg": ("L", "RGB"),
    "image/png": ("1", "L", "LA", "P", "I;16", "RGB", "RGBA"),
    "image/webp": ("RGB", "RGBA"),
}
# EXIF 2.32, 4.6.4: what turns a picture of this orientation upright
UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip


class UnsupportedImage(InvalidInput):
    """Not a JPEG, PNG, WebP or HEIC file."""

    code = "unsupported-image"


class ImageTooLarge(InvalidInput):
    """More bytes than a photo may have."""

    code = "image-too-large"


class ImageTooManyPixels(InvalidInput):
    """More pixels than a photo may have, however few bytes they take."""

    code = "image-too-many-pixels"


class ImageAnimated(InvalidInput):
    """Several frames in one file."""

    code = "image-animated"


class ImageDamaged(InvalidInput):
    """The file ends early or contradicts itself."""

    code = "image-damaged"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a photo may have, at most."""

    bytes: int = 10_000_000
    pixels: int = 50_000_000  # half as many of a WebP


@dataclass(frozen=True, slots=True)
class CheckedPhoto:
    """A photo as it is kept; `sha256` in hex is of `content`, sizes are in pixels."""

    content: bytes
    sha256: str
    content_type: ContentType
    width: int
    height: int


def check(content: bytes, limits: Limits) -> CheckedPhoto:
    """The photo to keep of an upload. Takes 8 bytes of memory a pixel, and seconds.

    Raises `UnsupportedImage`, `ImageTooLarge`, `ImageTooManyPixels`, `ImageAnimated` or
    `ImageDamaged`, all of them before a pixel is decoded where the header tells.
    """
    if len(content) > limits.bytes:
        raise too_large(limits)
    content_type = content_type_of(content)
    if content_type is None and not is_heic(content):
        raise UnsupportedImage("a photo is a JPEG, PNG, WebP or HEIC file")
    try:
        if content_type is None:
            plain = _from_heic(content, limits)
        else:
            plain = _upright_or_ended(content, content_type, limits)
        buffer = io.BytesIO()
        plain.image.save(buffer, plain.content_type.removeprefix("image/").upper(), **plain.options)
    except InvalidInput:
        raise
    except Exception as error:  # a decoder fed with nonsense fails in any way
        raise ImageDamaged("the picture cannot be decoded") from error
    kept = buffer.getvalue()
    digest = hashlib.sha256(kept).hexdigest()
    return CheckedPhoto(kept, digest, plain.content_type, *plain.image.size)


def too_large(limits: Limits) -> ImageTooLarge:
    """The refusal of a photo with too many bytes."""
    return ImageTooLarge(f"a photo has at most {limits.bytes} bytes", limit_bytes=limits.bytes)


def thumbnail(content: bytes) -> bytes:
    """A JPEG of a kept photo, its longer side at most `THUMBNAIL_SIDE` pixels."""
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    content_type = content_type_of(content)
    if content_type is None:
        raise UnsupportedImage("a photo is a JPEG, PNG or WebP file")
    with OPENERS[content_type](io.BytesIO(content)) as image:
        image.draft("RGB", side)  # JPEG: decoded at reduced size
        image.thumbnail(side, Image.Resampling.LANCZOS, reducing_gap=2.0)
        small = _on_white(image)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=THUMBNAIL_QUALITY, optimize=True)
    return buffer.getvalue()


@dataclass(slots=True)
class _Plain:
    """A decoded picture, how to turn it upright, as what and by which options to encode it."""

    image: Image.Image
    turn: Image.Transpose | None
    content_type: ContentType
    options: dict[str, Any]


def _upright_or_ended(content: bytes, content_type: ContentType, limits: Limits) -> _Plain:
    """The picture; of a JPEG or PNG that lacks its last marker and nothing else, too.

    Bytes before the marker change nothing then. Where pixels are missing the decoder takes them for
    some.
    """
    if content_type == "image/png" and PNG_END not in content:
        content = content.removesuffix(PNG_END[:-2]).removesuffix(PNG_END[:8]) + PNG_END
    try:
        return _upright(content, content_type, limits)
    except OSError:
        if content_type != "image/jpeg" or content.endswith(JPEG_END):
            raise
    other = _upright(content + NOT_PIXELS + JPEG_END, content_type, limits)
    digest = hashlib.sha256(other.image.tobytes()).digest()
    del other  # one picture in memory at a time
    plain = _upright(content + JPEG_END, content_type, limits)
    if hashlib.sha256(plain.image.tobytes()).digest() != digest:
        raise ImageDamaged("the picture ends early")
    return plain


def _upright(content: bytes, content_type: ContentType, limits: Limits) -> _Plain:
    """The picture, turned, with nothing attached."""
    plain = _decoded(content, content_type, limits)
    if plain.turn is not None:  # here the decoder has gone: two pictures in memory, not three
        plain.image = plain.image.transpose(plain.turn)
    # Encoders write some of what they find here: comments, colour profiles.
    info = plain.image.info
    plain.image.info = {name: info[name] for name in ("transparency",) if name in info}
    return plain


def _from_heic(content: bytes, limits: Limits) -> _Plain:
    """The main picture of a HEIC file; libheif has turned it upright."""
    from pi_heif import HeifImageFile  # with its libraries, when the first one comes

    with HeifImageFile(io.BytesIO(content)) as image:
        _check_pixels(image.size, limits.pixels)
        image.load()
        _check_pixels(image.size, limits.pixels)
        plain = _Plain(_in_srgb(image, "image/jpeg"), None, "image/jpeg", {"quality": 90})
    plain.image.info = {}
    return plain


def _decoded(content: bytes, content_type: ContentType, limits: Limits) -> _Plain:
    _check_before_opening(content, content_type, limits)
    with OPENERS[content_type](io.BytesIO(content)) as image:
        _check_pixels(image.size, limits.pixels)
        if isinstance(image, PngImageFile) and getattr(image, "is_animated", False):
            raise ImageAnimated("a photo is one frame, not an animation")
        image.load()
        kept = "image/png" if webp_is_lossless(content) else content_type
        options = _options(image, kept)
        return _Plain(_in_srgb(image, kept), UPRIGHT.get(_orientation(image)), kept, options)


def _check_before_opening(content: bytes, content_type: ContentType, limits: Limits) -> None:
    if content_type == "image/webp":
        _check_pixels(webp_size(content), limits.pixels // 2)  # libwebp takes 16 bytes for each
        if webp_is_animated(content):
            raise ImageAnimated("a photo is one frame, not an animation")
    elif content_type == "image/jpeg" and jpeg_scans(content) > MAX_SCANS:
        raise ImageDamaged(f"a photo is coded in at most {MAX_SCANS} scans", limit_scans=MAX_SCANS)
    elif content_type == "image/png":
        PngImageFile(io.BytesIO(content)).verify()  # the checksums, which decoding skips


def _check_pixels(size: tuple[int, int], limit: int) -> None:
    width, height = size
    if width * height > limit:
        raise ImageTooManyPixels(f"a photo has at most {limit} pixels", limit_pixels=limit)


def _orientation(image: ImageFile) -> int:
    """EXIF orientation, 1 to 8; 1 where the metadata cannot be read: the pixels can."""
    try:
        return int(image.getexif().get(Base.Orientation, 1))
    except Exception:  # the parser fails in any way, too
        return 1


def _in_srgb(image: ImageFile, content_type: ContentType) -> Image.Image:
    """The pixels in a mode that is kept, their colours brought to sRGB where a profile says."""
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        try:
            return _converted(image, profile)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile, or one of another kind of picture: as if there were none
    return image if image.mode in KEPT_MODES[content_type] else image.convert("RGB")


def _converted(image: ImageFile, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if image.mode != "CMYK" and "sRGB" in ImageCms.getProfileDescription(source):
        return image
    into = "RGBA" if image.mode == "RGBA" else "RGB"
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, source, srgb, outputMode=into)
    assert converted is not None  # it is not done in place
    return converted


def _options(image: ImageFile, kept: ContentType) -> dict[str, Any]:
    """The encoder's options; of a JPEG those that its own encoder took."""
    if kept == "image/png":
        return {"compress_level": 3}
    if not isinstance(image, JpegImageFile):
        return {"quality": 90, "method": 2}
    tables = [[min(q, 255) for q in table] for _, table in sorted(image.quantization.items())]
    if image.mode not in KEPT_MODES[kept] or not 1 <= len(tables) <= 3:
        return {"quality": 95, "subsampling": 0}
    tables = tables[:1] if image.mode == "L" else tables
    return {"qtables": tables, "subsampling": max(get_sampling(image), 0)}


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in SIXTEEN_BITS:  # Pillow would cut off what is above 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    seen = image.convert("RGBA")
    white = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(white, seen).convert("RGB")
