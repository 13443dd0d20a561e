"""Folders in which each file is a whole version, in force from its day until the next one's."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar, Generic, TypeVar, cast

import orjson
from pydantic import BaseModel

from citybrain.definitions.kept import Kept, written
from citybrain.definitions.loading import Definitions, Files, in_force
from citybrain.definitions.yaml_file import DefinitionError, Lines, read_yaml


class DatedFile(BaseModel):
    """What such a file says, whatever else."""

    valid_from: date

    @property
    def version(self) -> str:
        """What events name: the day it begins, and a digest of all that it says."""
        content = orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        return f"{self.valid_from}+{hashlib.sha256(content).hexdigest()[:8]}"


F = TypeVar("F", bound=DatedFile)


@dataclass(frozen=True, slots=True)
class Read(Generic[F]):
    """A file that was read, and where its members stand in it."""

    path: Path
    said: F
    lines: Lines


@dataclass(frozen=True, slots=True)
class DatedVersions(Generic[F]):
    """The versions of a folder that streams name, the oldest first.

    `gone`: those whose file was edited or taken away. What began under one goes on under it.
    """

    KIND: ClassVar[str]
    MODEL: ClassVar[type[DatedFile]]

    versions: tuple[F, ...]
    gone: tuple[F, ...] = ()

    def at(self, moment: datetime) -> F:
        """The version in force on the city's day of `moment`."""
        return in_force(self.versions, moment)

    def began_under(self, version: str | None, moment: datetime) -> F:
        """The version that a stream names; that of the moment where it names none that is known."""
        every = (*self.versions, *self.gone)
        named = (each for each in every if version is not None and each.version == version)
        return next(named, None) or self.at(moment)

    def kept(self) -> list[Kept]:
        """Each version that a file holds, in full."""
        return [
            Kept(self.KIND, self.KIND, each.version, written(each.model_dump(mode="json")))
            for each in self.versions
        ]

    def with_gone(self, gone: Iterable[Kept], definitions: Definitions) -> Definitions:
        """These with versions that no file holds any more."""
        again = (kept.read_again(self.MODEL.model_validate_json) for kept in gone)
        found = tuple(cast("F", each) for each in again if each is not None)
        return definitions.extended(replace(self, gone=found))


def by_day(files: Files, folder: str, model: type[F]) -> list[Read[F]]:
    """The files of a folder, the oldest first: one at least, and one of a day.

    Raises `DefinitionError` with file and line.
    """
    found: dict[date, Read[F]] = {}
    for path in files.versions_of(folder):
        said, lines = read_yaml(path, model)
        if said.valid_from in found:
            line = lines.of(("valid_from",))
            raise DefinitionError(f"{path}:{line}: {folder} of {said.valid_from} is defined twice")
        found[said.valid_from] = Read(path, said, lines)
    if not found:
        raise DefinitionError(f"there is no definition of {folder}")
    return [found[day] for day in sorted(found)]
