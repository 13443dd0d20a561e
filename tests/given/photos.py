"""Pictures made by a program, and the things that are hidden in real ones."""

import base64
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


HEIC = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0005VZDn*}000000000XXk=`10000000000aA{+70000000000000"
    "0000000G-+&aV*mgE07O6l0ssL300001>;M4(00000004ym0ssI200MCU0RR9100000JOBUyIB98aW&i*H000620"
    "00$fZf0cy000000RRAKc4ILB0000LX>Mj^0ssI300IC2MR;ju000004sdC7Z2$lO00031009SSaB^?}008D`aAR)"
    "(004Gqc4I>U18@KU0FVFx0000U@BsY%`1k+-4+CHT0RR|40Sp2E{{wIU00RJ!0009300RIXx&lC90096hLID8-Z~"
    "y=U0FVFx0{{R603M(qfd!W8<fgf}2xu@M00096AOHXZ03l)k0RRR>0l{;?i2wiq6Ju{|a&BX6cmM$a4FCp!0000K"
    "X>)L8000000000$0000$0000eV{Bn?0000$000010000m000010000000002|NsB+000020000GaA|mH000000|*"
    "ER00009X>xCL0{{R38EJ5BVE_OC000000RRC8fdT^sgoXeB02*m>Wo7^X0000001jhhb7KGk009620002VZDe6|0"
    "001iC;_h%fOysHmMpj0vlesE+<!568ci#mI5mG{ThpzXgqAiPd+cE9%fMRd4wyyy;*1G1CCp0mE^-Wyh<v26x|@I"
    "gt!n?c9dp9pG|O(zzxsovkR=Kk7`AgK!<&Xbg)GpFTDurdgm)cl%&y&*%~G%_^eRc{^}>&0{rS2yfB*mh21R&jW&"
    "i+9O#mtY000O80s#*I0ssI23;+NCCIJ!v0{{R30RRR70000008?dSa%FT-Xm4(100"
)
"""64 × 48: red, white above left, blue below right; its EXIF names a camera. Made with libheif."""
