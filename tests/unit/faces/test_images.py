"""Pictures from strangers: what is refused before it is decoded, and what comes out."""

import io
import struct
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from citybrain.errors import CitybrainError
from citybrain.faces.images import (
    MAX_BYTES,
    MAX_PIXELS,
    WORKING_SIDE,
    ImageBroken,
    ImageFormatRefused,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageTooSmall,
    decode,
    difference_hash,
    hash_distance,
)

RAMP = np.tile(np.linspace(0, 255, 200, dtype=np.uint8)[None, :, None], (100, 1, 3))


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(width: int = 200, height: int = 100) -> Image.Image:
    return Image.fromarray(RAMP).resize((width, height))


def png_header(width: int, height: int) -> bytes:
    """A PNG of any announced size, with next to nothing in it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checked = kind + body
        return len(body).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_formats_come_out_as_bgr(kind: str) -> None:
    red = Image.new("RGB", (100, 100), (250, 10, 10))

    pixels = decode(encoded(red, kind))

    assert pixels.shape == (100, 100, 3)
    assert pixels.dtype == np.uint8
    blue, _, redness = pixels[50, 50]
    assert redness > 200 > 60 > blue


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_other_colour_models_become_three_channels(mode: str) -> None:
    kind = "JPEG" if mode in ("L", "CMYK") else "PNG"
    assert decode(encoded(picture().convert(mode), kind)).shape == (100, 200, 3)


def test_a_picture_is_turned_upright_and_its_metadata_is_gone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    exif[0x010F] = "a camera's maker"

    pixels = decode(encoded(picture(), exif=exif))

    assert pixels.shape == (200, 100, 3)
    assert pixels[10].mean() < 30 < 220 < pixels[190].mean()


def test_a_large_picture_is_reduced() -> None:
    pixels = decode(encoded(picture(4000, 3000)))
    assert max(pixels.shape) == WORKING_SIDE


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", ImageFormatRefused),
        (b"not a picture", ImageFormatRefused),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ImageFormatRefused),
        (encoded(picture(), "GIF"), ImageFormatRefused),
        (encoded(picture(), "BMP"), ImageFormatRefused),
        (encoded(picture(), "TIFF"), ImageFormatRefused),
        (encoded(picture(40, 40)), ImageTooSmall),
        (encoded(picture(100, 8000), "PNG"), ImageTooSmall),
        (encoded(picture())[:-400], ImageBroken),
        (png_header(60_000, 60_000), ImageTooManyPixels),
        (png_header(MAX_PIXELS // 4000 + 1, 4000), ImageTooManyPixels),
        (png_header(300, 300), ImageBroken),
        (bytes(MAX_BYTES + 1), ImageTooLarge),
    ],
)
def test_what_is_not_a_picture_of_ours_has_its_own_code(
    content: bytes, error: type[CitybrainError]
) -> None:
    with pytest.raises(error):
        decode(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("field_type", [1, 2, 3, 4, 5, 7, 9, 10, 11, 12])
def test_broken_metadata_breaks_nothing_else(kind: str, field_type: int) -> None:
    entries = struct.pack("<HHII", 0x112, 3, 1, 6)  # turned, and then an entry that cannot be
    entries += struct.pack("<HHII", 0x100, field_type, 1, 0x41414141)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + entries + bytes(12)
    content = encoded(picture(), kind, exif=exif)
    with suppress(CitybrainError):
        assert decode(content).ndim == 3


def test_an_animation_is_refused() -> None:
    frames = [picture(), Image.new("RGB", (200, 100))]
    moving = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=50)
    with pytest.raises(ImageFormatRefused):
        decode(moving)


def test_of_a_phones_two_pictures_the_first_is_taken() -> None:
    depth = Image.new("RGB", (200, 100), (9, 9, 9))
    two = encoded(picture(), "MPO", save_all=True, append_images=[depth])
    assert Image.open(io.BytesIO(two)).format == "MPO"
    assert np.abs(decode(two).astype(int) - decode(encoded(picture()))).max() <= 2


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_a_jpeg_without_its_last_marker_is_taken(options: dict[str, Any]) -> None:
    whole = encoded(picture(), **options)
    assert whole.endswith(b"\xff\xd9")
    assert np.array_equal(decode(whole[:-2]), decode(whole))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_jpeg_without_some_of_its_pixels_is_broken(share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 300, 3), np.uint8)
    whole = encoded(Image.fromarray(noise))
    with pytest.raises(ImageBroken):
        decode(whole[: int(len(whole) * share)])


def test_sixteen_bits_of_grey_are_the_grey_that_they_are() -> None:
    ramp = (RAMP[:, :, 0].astype(np.uint16) << 8) + 7
    pixels = decode(encoded(Image.fromarray(ramp), "PNG"))
    assert np.abs(pixels[:, :, 0].astype(int) - RAMP[:, :, 0]).max() <= 1


@given(st.data())
def test_a_damaged_picture_is_decoded_or_refused_and_nothing_else(data: st.DataObject) -> None:
    content = bytearray(encoded(picture(), data.draw(st.sampled_from(["JPEG", "PNG", "WEBP"]))))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    try:
        pixels = decode(bytes(content[:cut]))
    except CitybrainError:
        return
    assert pixels.ndim == 3
    assert max(pixels.shape) <= WORKING_SIDE


def test_a_perceptual_hash_is_near_for_the_same_picture_only() -> None:
    random = np.random.default_rng(1)
    scenes = random.integers(0, 255, (2, 12, 12, 3), np.uint8)
    one, other = (Image.fromarray(scene).resize((240, 240)) for scene in scenes)

    def hashed(image: Image.Image, quality: int) -> int:
        return difference_hash(decode(encoded(image, quality=quality)))

    first = hashed(one, 95)
    assert hash_distance(first, hashed(one, 60)) <= 2
    assert hash_distance(first, hashed(one.resize((300, 300)), 80)) <= 2
    assert hash_distance(first, hashed(other, 95)) > 10
