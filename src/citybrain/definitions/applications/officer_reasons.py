"""Reasons that officers give for a decision, beside the rules of the service: a declared list.

A code that is in neither is refused: whoever reads a decision finds every reason in words.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from citybrain.definitions.applications.catalogue import ServiceItem
from citybrain.definitions.applications.types import Text
from citybrain.definitions.dated_files import DatedFile, DatedVersions
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.yaml_file import Code, DefinitionError, read_yaml
from citybrain.errors import InvalidInput


class ReasonUnknown(InvalidInput):
    """A reason is neither a rule of the service nor in the list; `known` are those that are."""

    code = "reason-unknown"


class OfficerReason(BaseModel):
    """A reason, in words for the citizen."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    code: Code
    reason: Text
    reason_en: Text
    source: Text


class OfficerReasonsFile(DatedFile):
    """The list from a day on: the whole of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    reasons: tuple[OfficerReason, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class OfficerReasons(DatedVersions[OfficerReasonsFile]):
    """The lists, the oldest first; those that are gone have the words of decisions of then."""

    KIND: ClassVar[str] = "review"
    MODEL: ClassVar[type[DatedFile]] = OfficerReasonsFile

    def check(self, codes: Iterable[str], item: ServiceItem, moment: datetime) -> None:
        """Raise `ReasonUnknown` unless each is a rule of the item or in the list."""
        listed = [reason.code for reason in self.at(moment).reasons]
        known = [rule.code for rule in item.rules] + listed
        if not set(codes) <= set(known):
            raise ReasonUnknown("a reason is neither a rule nor in the list", known=known)

    def words(self) -> dict[str, OfficerReason]:
        """All that were ever in a list, by code; the latest words of each."""
        every = (*self.gone, *self.versions)
        return {each.code: each for version in every for each in version.reasons}


def load_officer_reasons(files: Files, _: Definitions) -> OfficerReasons:
    """The folder `review`; raises `DefinitionError`."""
    versions: dict[date, OfficerReasonsFile] = {}
    for path in files.versions_of("review"):
        found, lines = read_yaml(path, OfficerReasonsFile)
        codes = [reason.code for reason in found.reasons]
        for index, code in enumerate(codes):
            if code in codes[:index]:
                line = lines.of(("reasons", index, "code"))
                raise DefinitionError(f"{path}:{line}: {code!r} is there twice")
        if found.valid_from in versions:
            raise DefinitionError(f"{path}:1: there is a list of {found.valid_from} already")
        versions[found.valid_from] = found
    return OfficerReasons(tuple(versions[day] for day in sorted(versions)))
