"""Agreements: what people are asked to agree to, each version with the text that was shown.

A version is named by the digest of its text, so that a consent says to what it was given, and
anybody can hold the text against it.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from citybrain.definitions.kept import Kept, written
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.yaml_file import Code, DefinitionError, read_yaml
from citybrain.errors import InvalidInput, NotFound

FACE_RECOGNITION = "face-recognition"
BETWEEN = "\n"


class NoSuchAgreement(NotFound):
    """There is no such agreement, or no such version of it."""

    code = "no-such-agreement"


class NoticeNotInForce(InvalidInput):
    """What was shown is not the text that is in force: `sha256` is."""

    code = "notice-not-in-force"


class Agreement(BaseModel):
    """One version of an agreement, as its file says it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    valid_from: date
    code: Code
    name: str = Field(min_length=1)
    name_en: str = Field(min_length=1)
    lawful_basis: str = Field(min_length=1)
    source: str = Field(min_length=1)
    text: str = Field(min_length=1)
    text_en: str = Field(min_length=1)

    @property
    def sha256(self) -> str:
        """Of the text, a line feed, and the text in English, in UTF-8."""
        whole = f"{self.text}{BETWEEN}{self.text_en}"
        return hashlib.sha256(whole.encode()).hexdigest()


class Agreements:
    """All versions of all agreements; of those without a file what was kept of them (`gone`)."""

    KIND: ClassVar[str] = "consent"

    def __init__(self, versions: Iterable[Agreement], gone: Iterable[Agreement] = ()) -> None:
        self._versions = sorted(versions, key=lambda each: each.valid_from)
        self._gone = list(gone)

    def kept(self) -> list[Kept]:
        """Each version that a file holds: somebody may have agreed to its text."""
        return [
            Kept(self.KIND, each.code, each.sha256, written(each.model_dump(mode="json")))
            for each in self._versions
        ]

    def with_gone(self, gone: Iterable[Kept], definitions: Definitions) -> Definitions:
        """These with texts that no file holds any more."""
        again = (kept.read_again(Agreement.model_validate_json) for kept in gone)
        found = Agreements(self._versions, [each for each in again if each is not None])
        return definitions.extended(found)

    def on(self, day: date) -> list[Agreement]:
        """Those in force on a day, by code."""
        latest = {each.code: each for each in self._versions if each.valid_from <= day}
        return [latest[code] for code in sorted(latest)]

    def version(self, code: str, sha256: str) -> Agreement:
        """A version by its digest, in force or not; raises `NoSuchAgreement`."""
        for each in (*self._versions, *self._gone):
            if (each.code, each.sha256) == (code, sha256):
                return each
        raise NoSuchAgreement("there is no such version of this agreement")

    def check_in_force(self, code: str, sha256: str, day: date) -> None:
        """Raise `NoticeNotInForce` where another text is to be shown on this day."""
        for each in self.on(day):
            if each.code == code and each.sha256 != sha256:
                raise NoticeNotInForce("another text is in force", sha256=each.sha256)


def load_agreements(files: Files, _: Definitions) -> Agreements:
    """The folder `consent`; raises `DefinitionError`."""
    found: dict[tuple[str, date], Agreement] = {}
    for path in files.versions_of("consent", code="code"):
        agreement, _lines = read_yaml(path, Agreement)
        if (agreement.code, agreement.valid_from) in found:
            raise DefinitionError(
                f"{path}:1: {agreement.code!r} of {agreement.valid_from} is defined twice"
            )
        found[agreement.code, agreement.valid_from] = agreement
    return Agreements(found.values())
