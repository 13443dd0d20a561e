"""What is kept of an upload, and what is refused by which name."""

import hashlib
import io
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from citybrain.errors import CitybrainError, InvalidInput
from citybrain.photos.checking import (
    CheckedPhoto,
    ImageAnimated,
    ImageDamaged,
    ImageTooLarge,
    ImageTooManyPixels,
    Limits,
    UnsupportedImage,
    check,
    thumbnail,
)
from tests.given.photos import (
    HEIC,
    KINDS,
    SECRET,
    encoded,
    moving,
    opened,
    png_bomb,
    scan_bomb,
    scene,
    telling,
    webp_bomb,
)
from tests.given.storm import examples

LIMITS = Limits(bytes=2_000_000, pixels=1_000_000)
NAMES = {
    "unsupported-image",
    "image-too-large",
    "image-too-many-pixels",
    "image-animated",
    "image-damaged",
}


def kept(content: bytes) -> CheckedPhoto:
    photo = check(content, LIMITS)
    picture = opened(photo.content)
    assert photo.sha256 == hashlib.sha256(photo.content).hexdigest()
    assert (photo.width, photo.height) == picture.size
    assert photo.content_type == f"image/{(picture.format or '').lower()}"
    return photo


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of samples, of 255."""
    assert one.size == other.size
    a, b = (np.asarray(each.convert("RGB")).astype(float) for each in (one, other))
    return float(np.abs(a - b).mean())


def colour(picture: Image.Image, place: tuple[int, int]) -> str:
    names = {
        "white": (255, 255, 255),
        "red": (255, 0, 0),
        "green": (0, 255, 0),
        "blue": (0, 0, 255),
    }
    seen = np.array(picture.convert("RGB").getpixel(place))
    return min(names, key=lambda name: float(np.abs(seen - names[name]).sum()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_is_kept_in_its_own_format_and_looks_the_same(kind: str) -> None:
    content = encoded(scene(), kind)
    photo = kept(content)
    assert photo.content_type == f"image/{kind.lower()}"
    assert (photo.width, photo.height) == (160, 90)
    most = {"JPEG": 1.0, "PNG": 0.0, "WEBP": 2.0}[kind]
    assert difference(opened(photo.content), opened(content)) <= most
    assert len(photo.content) < 1.5 * len(content)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_was_told_is_kept(kind: str) -> None:
    content = telling(kind)
    assert content.count(SECRET) >= 4 or kind == "PNG"  # its profile and texts may be packed
    photo = kept(content)
    picture = opened(photo.content)
    assert SECRET not in photo.content
    assert not set(picture.info) - {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "loop",
        "background",
        "timestamp",
        "duration",
    }
    assert not dict(picture.getexif())
    for trace in (b"Exif", b"GPS", b"xmp", b"ICC", b"iCCP", b"eXIf", b"tEXt", b"PK\x03\x04"):
        assert trace not in photo.content
    assert photo.sha256 == kept(encoded(scene(), kind)).sha256  # as if it had never been there


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_upload_has_the_same_digest(kind: str) -> None:
    content = telling(kind)
    assert kept(content) == kept(bytes(content))
    assert kept(content).sha256 != kept(telling(kind, scene(seed=2))).sha256


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("orientation", "clockwise"),
    [
        (1, "white red green blue"),
        (2, "red white blue green"),
        (3, "green blue white red"),
        (4, "blue green red white"),
        (5, "white blue green red"),
        (6, "blue white red green"),
        (7, "green red white blue"),
        (8, "red green blue white"),
        (9, "white red green blue"),
    ],
)
def test_a_photo_is_turned_upright(kind: str, orientation: int, clockwise: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = kept(encoded(scene(), kind, exif=exif))
    assert (photo.width, photo.height) == ((90, 160) if orientation in range(5, 9) else (160, 90))
    x, y = photo.width - 5, photo.height - 5
    corners = [colour(opened(photo.content), place) for place in ((5, 5), (x, 5), (x, y), (5, y))]
    assert corners == clockwise.split()


@pytest.mark.parametrize("kind", KINDS)
def test_broken_metadata_harm_nothing(kind: str) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x0c\0\xff\xff\xff\xff" * 4
    assert kept(encoded(scene(), kind, exif=exif)).width == 160
    assert kept(encoded(scene(), kind, icc_profile=b"no profile at all")).width == 160


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png_keeps_what_it_had(mode: str) -> None:
    picture = scene().convert("L").convert("I;16") if mode == "I;16" else scene().convert(mode)
    again = opened(kept(encoded(picture, "PNG")).content)
    assert again.mode == mode
    assert again.tobytes() == picture.tobytes()


def test_transparency_stays_and_a_palette_as_well() -> None:
    picture = scene().quantize(16)
    photo = kept(encoded(picture, "PNG", transparency=3))
    assert opened(photo.content).convert("RGBA").getchannel("A").getextrema() == (0, 255)
    clear = Image.new("RGBA", (20, 10), (255, 0, 0, 100))
    alpha = opened(kept(encoded(clear, "WEBP")).content).getchannel("A")
    assert abs(float(np.asarray(alpha).mean()) - 100) <= 2


def test_lossless_webp_becomes_png_without_loss() -> None:
    photo = kept(encoded(scene(), "WEBP", lossless=True))
    assert photo.content_type == "image/png"
    assert difference(opened(photo.content), scene()) == 0


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_jpegs(mode: str) -> None:
    photo = kept(encoded(scene().convert(mode)))
    assert opened(photo.content).mode == ("L" if mode == "L" else "RGB")
    assert difference(opened(photo.content), scene().convert(mode)) < 12


@pytest.mark.parametrize("quality", [5, 40, 75, 95, 100])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_jpeg_keeps_its_quality_and_size(quality: int, subsampling: int) -> None:
    content = encoded(scene(), quality=quality, subsampling=subsampling)
    photo = kept(content)
    assert 0.8 < len(photo.content) / len(content) < 1.25
    assert difference(opened(photo.content), opened(content)) < 1


def test_a_wide_gamut_is_brought_to_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # The same profile with red and green exchanged, under another name: colours must change.
    tags = lab.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")
    odd = tags.replace("sRGB".encode("utf-16-be"), "oRGB".encode("utf-16-be"))
    photo = kept(encoded(scene(), "PNG", icc_profile=odd))
    assert colour(opened(photo.content), (155, 5)) == "green"


def test_a_phones_jpeg_with_a_second_picture_is_one_photo() -> None:
    buffer = io.BytesIO()
    scene().save(buffer, "MPO", save_all=True, append_images=[scene(40, 30)])
    photo = kept(buffer.getvalue())
    assert (photo.content_type, photo.width) == ("image/jpeg", 160)
    assert photo.content.count(b"\xff\xd8\xff") == 1


def test_progressive_is_fine() -> None:
    assert kept(encoded(scene(), progressive=True)).width == 160


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", UnsupportedImage),
        (b"hello", UnsupportedImage),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            UnsupportedImage,
        ),
        (b"<!doctype html><script>alert(1)</script>", UnsupportedImage),
        (b"%PDF-1.7\n", UnsupportedImage),
        (b"PK\x03\x04" + encoded(scene()), UnsupportedImage),
        (encoded(scene(), "GIF"), UnsupportedImage),
        (encoded(scene(), "BMP"), UnsupportedImage),
        (encoded(scene(), "TIFF", quality=None), UnsupportedImage),
        (encoded(scene(), "AVIF"), UnsupportedImage),
        (bytes(2_000_001), ImageTooLarge),
        (png_bomb(1001, 1000), ImageTooManyPixels),
        (encoded(scene(1001, 1000)), ImageTooManyPixels),
        (encoded(scene(501, 1000), "WEBP"), ImageTooManyPixels),
        (encoded(scene(501, 1000), "WEBP", lossless=True), ImageTooManyPixels),
        (webp_bomb(), ImageTooManyPixels),
        (moving("WEBP"), ImageAnimated),
        (moving("PNG"), ImageAnimated),
        (scan_bomb(100), ImageDamaged),
        (b"\xff\xd8\xff", ImageDamaged),
        (b"\x89PNG\r\n\x1a\n", ImageDamaged),
        (b"RIFF\0\0\0\0WEBP", ImageDamaged),
        *((encoded(scene(), kind)[:-n], ImageDamaged) for kind in KINDS for n in (200, 900)),
    ],
)
def test_what_cannot_be_kept_has_its_own_name(content: bytes, error: type[CitybrainError]) -> None:
    with pytest.raises(error) as caught:
        check(content, LIMITS)
    assert type(caught.value) is error


def test_a_changed_byte_of_a_png_is_seen_by_its_checksum() -> None:
    content = bytearray(encoded(scene(), "PNG"))
    place = content.index(b"IDAT") + 100
    content[place] ^= 1
    with pytest.raises(ImageDamaged):
        check(bytes(content), LIMITS)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    bomb = png_bomb(20_000, 20_000)
    assert len(bomb) < 60_000
    tracemalloc.start()
    for content in (bomb, webp_bomb()):
        with pytest.raises(ImageTooManyPixels):
            check(content, Limits())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 << 20


@pytest.mark.parametrize("kind", KINDS)
def test_a_thumbnail_fits_and_is_a_jpeg(kind: str) -> None:
    small = opened(thumbnail(kept(encoded(scene(900, 500), kind)).content))
    assert (small.format, small.size) == ("JPEG", (320, 178))
    assert colour(small, (315, 5)) == "red"
    assert opened(thumbnail(kept(encoded(scene(50, 30), kind)).content)).size == (50, 30)


def test_a_clear_thumbnail_is_on_white() -> None:
    clear = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    assert colour(opened(thumbnail(kept(encoded(clear, "PNG")).content)), (9, 9)) == "white"


@pytest.mark.parametrize("grey", [0, 20_000, 40_000, 65_535])
def test_a_thumbnail_of_sixteen_bits_is_as_bright_as_its_photo(grey: int) -> None:
    deep = Image.new("I;16", (400, 400), grey)
    small = opened(thumbnail(kept(encoded(deep, "PNG")).content))
    assert small.size == (320, 320)
    assert np.abs(np.asarray(small.convert("L")).astype(int) - (grey >> 8)).max() <= 1


@pytest.mark.parametrize("missing", [2, 4, 12])
def test_a_png_that_lacks_its_last_marker_is_kept_as_every_viewer_shows_it(missing: int) -> None:
    whole = encoded(scene(), "PNG")
    assert kept(whole[:-missing]).content == kept(whole).content
    with pytest.raises(ImageDamaged):
        check(whole[: len(whole) // 2] + whole[-12:], LIMITS)


SIGNATURES = (
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\x40\0\0\0WEBPVP8X",
    b"RIFF????WEBP",
)


def named_or_kept(content: bytes) -> None:
    code, photo = None, None
    try:
        photo = check(content, LIMITS)
    except InvalidInput as error:
        code = error.code
    assert code in NAMES or photo is not None
    assert photo is None or opened(photo.content).size == (photo.width, photo.height)


@given(st.sampled_from(SIGNATURES), st.binary(max_size=2000))
def test_random_bytes_are_refused_by_name(signature: bytes, rest: bytes) -> None:
    named_or_kept(signature + rest)


FILES: tuple[Callable[[], bytes], ...] = (
    lambda: telling("JPEG"),
    lambda: telling("PNG"),
    lambda: telling("WEBP"),
    lambda: encoded(scene(), progressive=True),
    lambda: moving("WEBP"),
    lambda: moving("PNG"),
    lambda: encoded(scene().convert("CMYK")),
    lambda: encoded(scene().quantize(9), "PNG"),
    lambda: encoded(scene(), "WEBP", lossless=True),
)
MADE = tuple(make() for make in FILES)


@examples(300)
@given(st.data())
def test_a_changed_file_is_kept_or_refused_by_name(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(MADE)))
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    named_or_kept(bytes(content[: data.draw(st.integers(0, len(content)))]))


def test_a_jpeg_without_its_last_marker_is_the_same_photo() -> None:
    whole = encoded(scene())
    assert whole.endswith(b"\xff\xd9")
    assert kept(whole[:-2]).sha256 == kept(whole).sha256
    for missing in (40, 300, len(whole) // 2):
        with pytest.raises(ImageDamaged):
            check(whole[:-missing], LIMITS)


def test_a_picture_of_a_phone_is_kept_as_jpeg_upright_and_without_what_it_hides() -> None:
    photo = kept(HEIC)
    picture = opened(photo.content)
    assert (photo.content_type, picture.size, dict(picture.getexif())) == (
        "image/jpeg",
        (48, 64),
        {},
    )
    places = {"white": (44, 4), "red": (24, 32), "blue": (4, 60)}
    assert {name: colour(picture, place) for name, place in places.items()} == {
        n: n for n in places
    }
    with pytest.raises(ImageTooManyPixels):
        check(HEIC, Limits(pixels=64 * 48 - 1))
    for length in (12, 100, len(HEIC) - 5):
        with pytest.raises(ImageDamaged):
            check(HEIC[:length], LIMITS)
