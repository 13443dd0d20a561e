"""Folders in which each file is a whole version, in force from its day until the next one's."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from citybrain.definitions.loading import Files
from citybrain.definitions.yaml_file import DefinitionError, Lines, read_yaml


class DatedFile(BaseModel):
    """What such a file says, whatever else."""

    valid_from: date


F = TypeVar("F", bound=DatedFile)


@dataclass(frozen=True, slots=True)
class Read(Generic[F]):
    """A file that was read, and where its members stand in it."""

    path: Path
    said: F
    lines: Lines


def by_day(files: Files, folder: str, model: type[F]) -> list[Read[F]]:
    """The files of a folder, the oldest first: one at least, and one of a day.

    Raises `DefinitionError` with file and line.
    """
    found: dict[date, Read[F]] = {}
    for path in files.of(folder):
        said, lines = read_yaml(path, model)
        if said.valid_from in found:
            line = lines.of(("valid_from",))
            raise DefinitionError(f"{path}:{line}: {folder} of {said.valid_from} is defined twice")
        found[said.valid_from] = Read(path, said, lines)
    if not found:
        raise DefinitionError(f"there is no definition of {folder}")
    return [found[day] for day in sorted(found)]
