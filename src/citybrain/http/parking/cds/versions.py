"""Which version of CDS a client is answered in, by its `Accept`."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

from citybrain.http.parking.cds.errors import NotAcceptable


class Version(StrEnum):
    """A version that is served; the value is what `Accept` and `Content-Type` say."""

    V1_0 = "1.0"
    V1_1 = "1.1"

    @property
    def full(self) -> str:
        """As bodies say it."""
        return {Version.V1_0: "1.0.1", Version.V1_1: "1.1.0"}[self]


class Media(StrEnum):
    """What bodies are made of."""

    JSON = "application/vnd.cds+json"
    CSV = "application/vnd.cds+csv"

    def of(self, version: Version) -> str:
        """A `Content-Type`."""
        return f"{self.value};version={version.value}"


ANYTHING: Final = ("*/*", "application/*")
NUMBERS: Final = re.compile(r'"?(\d{1,3}\.\d{1,3})(?:\.\d{1,3})?"?', re.ASCII)
QUALITY: Final = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


def negotiated(accepts: Sequence[str], media: Media, since: Version = Version.V1_0) -> Version:
    """The version that a client wants most; raises `NotAcceptable`.

    Without `Accept`, and where it takes anything, it is 1.0, or the first one that there is of
    what came later: by the letter `*/*` is a 406.
    """
    header = ",".join(accepts)
    if not header.strip():
        return since
    ranges = list(_ranges(header, media))
    refused = {version for version, quality in ranges if not quality}
    wanted = [(quality, version) for version, quality in ranges if quality]
    for _, version in sorted(wanted, key=lambda each: -each[0]):
        if version is not None and version not in refused:
            return version
        if version is None and (
            left := [each for each in Version if each >= since and each not in refused]
        ):
            return left[0]
    exist = [media.of(version) for version in Version]
    raise NotAcceptable(f"there is {' and '.join(exist)}", exist)


def _ranges(header: str, media: Media) -> Iterator[tuple[Version | None, float]]:
    """The versions that are asked for, None for any, each with its weight."""
    for part in header.split(","):
        kind, *said = (each.strip().lower() for each in part.split(";"))
        parameters = dict(_pair(each) for each in said if each)
        quality = parameters.get("q", "1")
        if not QUALITY.fullmatch(quality):
            continue
        if kind in ANYTHING:
            yield None, float(quality)
        elif kind == media.value:
            number = NUMBERS.fullmatch(parameters.get("version", Version.V1_0.value))
            if number is not None and number[1] in set(Version):
                yield Version(number[1]), float(quality)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip()
