"""Pictures made by a program, and the things that are hidden in real ones."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

KINDS = ("JPEG", "PNG", "WEBP")
SECRET = b"forget-me"


def scene(width: int = 160, height: int = 90, seed: int = 1) -> Image.Image:
    """Something smooth with corners of their own: white, red, green, blue, clockwise."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(60, 200, (6, 10, 3), np.uint8))
    picture = small.resize((width, height), Image.Resampling.BICUBIC)
    side = min(width, height) // 4
    corners = (
        ((0, 0), "white"),
        ((width - side, 0), (255, 0, 0)),
        ((width - side, height - side), (0, 255, 0)),
        ((0, height - side), (0, 0, 255)),
    )
    for place, colour in corners:
        picture.paste(colour, (*place, place[0] + side, place[1] + side))
    return picture


def encoded(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """A file of the picture."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({"quality": 90} if kind != "PNG" else {}) | options)
    return buffer.getvalue()


def opened(content: bytes) -> Image.Image:
    """A picture in memory, decoded."""
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def telling(kind: str, picture: Image.Image | None = None) -> bytes:
    """A file that tells place, camera and more, each with `SECRET` in it, and has a zip behind."""
    exif = Image.Exif()
    exif[0x010F] = exif[0x9286] = SECRET.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (34.0, 44.0, 47.76), 29: SECRET.decode()})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + SECRET
    options: dict[str, Any] = {"exif": exif, "icc_profile": profile}
    if kind == "PNG":
        info = PngInfo()
        info.add_text("Comment", SECRET.decode())
        info.add_itxt("XML:com.adobe.xmp", SECRET.decode())
        info.add(b"prVt", SECRET)
        options["pnginfo"] = info
    else:
        options["xmp"] = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    if kind == "JPEG":
        options["comment"] = SECRET
    return encoded(picture or scene(), kind, **options) + b"PK\x03\x04" + SECRET


def moving(kind: str) -> bytes:
    """An animation of two frames."""
    return encoded(scene(), kind, save_all=True, append_images=[scene(seed=2)], duration=50)


def chunk(name: bytes, data: bytes) -> bytes:
    """A PNG chunk."""
    checked = name + data
    return len(data).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")


def png_bomb(width: int = 20_000, height: int = 20_000) -> bytes:
    """Zeros: some kilobytes that become width x height pixels of one bit."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def webp_bomb() -> bytes:
    """A WebP that says its canvas has 16384 x 16384 pixels."""
    content = bytearray(encoded(scene(), "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"))
    assert content[12:16] == b"VP8X"
    content[24:30] = b"\xff\x3f\0\xff\x3f\0"
    return bytes(content)


def scan_bomb(scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    content = encoded(scene(), progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * scans + content[-2:]
