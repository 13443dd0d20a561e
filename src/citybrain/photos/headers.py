"""What the first bytes of a picture say, read without decoding anything.

Pillow allocates the canvas of a WebP when it opens one, and libjpeg works through as many scans
as a JPEG has: both are looked at here first. PNG and JPEG sizes Pillow reads from the header.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal

ContentType = Literal["image/jpeg", "image/png", "image/webp"]

SUFFIXES: Final[dict[ContentType, str]] = {
    "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp",
}  # fmt: skip
JPEG_MARKER: Final = re.compile(rb"\xff+([^\x00\x01\xd0-\xd7\xff])", re.DOTALL)
START_OF_SCAN, END_OF_IMAGE, START_OF_IMAGE = 0xDA, 0xD9, 0xD8
WEBP_ANIMATED = 0x02
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1")


def content_type_of(content: bytes) -> ContentType | None:
    """The type that the signature says; None for anything but JPEG, PNG and WebP."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def is_heic(content: bytes) -> bool:
    """Whether this is a still picture as phones take it (ISO/IEC 23008-12): HEVC in a HEIF file."""
    return content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS


def jpeg_scans(content: bytes) -> int:
    """How many scans a JPEG has (ITU-T T.81, B.1.1): 1 of a baseline picture, about 10 of a
    progressive one. Markers inside of segments and behind the end do not count."""
    scans = place = 0
    while found := JPEG_MARKER.search(content, place):
        marker, place = found[1][0], found.end()
        if marker == END_OF_IMAGE:
            break
        scans += marker == START_OF_SCAN
        if marker != START_OF_IMAGE:
            place += int.from_bytes(content[place : place + 2], "big")
    return scans


def webp_size(content: bytes) -> tuple[int, int]:
    """Width and height in pixels of a WebP's canvas (RFC 9649, 2.5 to 2.7); raises `ValueError`."""
    kind, start = next(_webp_chunks(content), (b"", 0))
    data = content[start : start + 10]
    if len(data) == 10 and kind == b"VP8X":
        return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:], "little")
    if len(data) == 10 and kind == b"VP8L" and data[0] == 0x2F:
        bits = int.from_bytes(data[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if len(data) == 10 and kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        width, height = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:], "little")
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("no WebP header")


def webp_is_animated(content: bytes) -> bool:
    """Whether a WebP says that it moves."""
    kind, start = next(_webp_chunks(content), (b"", 0))
    return kind == b"VP8X" and bool(content[start] & WEBP_ANIMATED)


def webp_is_lossless(content: bytes) -> bool:
    """Whether this is a WebP whose picture is coded without loss."""
    if content_type_of(content) != "image/webp":
        return False
    return any(kind == b"VP8L" for kind, _ in _webp_chunks(content))


def _webp_chunks(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Each chunk's name, and where its data begin."""
    place = 12
    while place + 8 < len(content):
        yield content[place : place + 4], place + 8
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        place += 8 + size + (size & 1)
