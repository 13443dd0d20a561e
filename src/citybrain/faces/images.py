"""From untrusted bytes to pixels: limits before decoding, one orientation, no metadata.

Size and format are checked on the bytes, the number of pixels on the header; only then is the
picture decoded. What a picture says about its camera and place is never read, except which way
is up (EXIF orientation).
"""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from citybrain.errors import InvalidInput

Pixels = NDArray[np.uint8]
"""A picture: height x width x 3, BGR."""

FORMATS = ("PNG", "WEBP")
JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
NOT_PIXELS = b"\x55\xaa" * 16
SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L")
MAX_BYTES = 2 << 20
MAX_PIXELS = 24_000_000
MIN_SIDE = 64
WORKING_SIDE = 1280  # a face that fills a tenth of it is still large enough

warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # ours is stricter, and an error


class ImageTooLarge(InvalidInput):
    """More bytes than a picture may have."""

    code = "image-too-large"


class ImageTooManyPixels(InvalidInput):
    """More pixels than a picture may have, however few bytes they take."""

    code = "image-too-many-pixels"


class ImageTooSmall(InvalidInput):
    """Too few pixels for a face."""

    code = "image-too-small"


class ImageFormatRefused(InvalidInput):
    """Not a JPEG, PNG or WebP, or several pictures in one file."""

    code = "image-format-refused"


class ImageBroken(InvalidInput):
    """The file ends early or contradicts itself."""

    code = "image-broken"


def decode(content: bytes) -> Pixels:
    """The picture in `content`, upright, its longer side at most `WORKING_SIDE`."""
    import cv2

    if len(content) > MAX_BYTES:
        raise ImageTooLarge(f"a picture has at most {MAX_BYTES} bytes", limit_bytes=MAX_BYTES)
    try:
        upright = _upright(content)
    except InvalidInput:
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except UnidentifiedImageError as error:
        raise ImageFormatRefused("a picture is a JPEG, PNG or WebP file") from error
    except Exception as error:  # a decoder fed with nonsense fails in any way
        raise ImageBroken("the picture cannot be decoded") from error
    upright.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BILINEAR)
    return np.asarray(cv2.cvtColor(np.asarray(upright), cv2.COLOR_RGB2BGR), np.uint8)


def _upright(content: bytes) -> Image.Image:
    try:
        return _read(content)
    except OSError:
        if not content.startswith(JPEG_START) or content.rstrip(b"\0").endswith(JPEG_END):
            raise
    return _without_end(content)


def _without_end(content: bytes) -> Image.Image:
    """A JPEG that lacks its last marker, and nothing else: bytes before it would change nothing.

    Where pixels are missing the decoder takes those bytes for some of them.
    """
    image, other = _read(content + JPEG_END), _read(content + NOT_PIXELS + JPEG_END)
    if image.tobytes() != other.tobytes():
        raise ImageBroken("the picture ends early")
    return image


def _read(content: bytes) -> Image.Image:
    with _opened(content) as image:
        _check_header(image)
        image.draft("RGB", (WORKING_SIDE, WORKING_SIDE))  # JPEG: decoded at reduced size
        upright = ImageOps.exif_transpose(image)
        if upright.mode in SIXTEEN_BITS:
            upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        return upright.convert("RGB")


def _opened(content: bytes) -> ImageFile:
    """A JPEG by its class: of a phone's file with a second picture behind it, the first."""
    if content.startswith(JPEG_START):
        try:
            return JpegImageFile(io.BytesIO(content))
        except SyntaxError as error:  # what Pillow says of another format
            raise UnidentifiedImageError("not a JPEG file") from error
    return Image.open(io.BytesIO(content), formats=FORMATS)


def _check_header(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    scale = min(1.0, WORKING_SIDE / max(width, height))
    if min(width, height) * scale < MIN_SIDE:
        raise ImageTooSmall(
            f"a picture has at least {MIN_SIDE} pixels a side, and is not a strip", limit=MIN_SIDE
        )
    if getattr(image, "n_frames", 1) != 1:
        raise ImageFormatRefused("a picture is one frame, not an animation")


def _too_many_pixels() -> ImageTooManyPixels:
    return ImageTooManyPixels(f"a picture has at most {MAX_PIXELS} pixels", limit_pixels=MAX_PIXELS)


def difference_hash(image: Pixels) -> int:
    """A 64-bit perceptual hash: whether brightness falls from each cell to the next.

    The same picture in another compression or size differs in a few bits; another picture of
    the same scene in many. A hint against replays, evaded by cropping.
    """
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    cells = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits = (cells[:, 1:] < cells[:, :-1]).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def hash_distance(one: int, other: int) -> int:
    """In how many of the 64 bits two hashes differ."""
    return (one ^ other).bit_count()
