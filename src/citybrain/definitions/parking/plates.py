"""The grammar of plates and how sure a reading has to be: dated files of a city."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from citybrain.definitions.dated_files import DatedFile, by_day
from citybrain.definitions.loading import Definitions, Files, in_force
from citybrain.definitions.yaml_file import Code, DefinitionError, Lines
from citybrain.domain.parking.plate_grammar import Place, PlateClass, PlateForm, PlateGrammar
from citybrain.domain.parking.plates import Thresholds, normalised

PROVINCE = "province"
Text = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Character = Annotated[str, StringConstraints(min_length=1, max_length=1)]
Characters = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Percent = Annotated[int, Field(strict=True, ge=2, le=100)]
"""Never 1: who sends 0.97 as 1 is not the surest of all."""


class _Definition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlateClassForms(_Definition):
    """A class of plates and the ways in which they are written."""

    code: PlateClass
    name: Text
    name_en: Text
    forms: Annotated[
        tuple[Annotated[tuple[str, ...], Field(min_length=2, max_length=12)], ...],
        Field(min_length=1),
    ]
    source: Text


class PlateFile(_Definition, DatedFile):
    """The grammar from a day on: the whole of it."""

    source: Text
    sets: dict[Code, Characters]
    written_otherwise: dict[Character, Character] = Field(default_factory=dict)
    misread: dict[Character, Character] = Field(default_factory=dict)
    confusable: tuple[Characters, ...] = ()
    classes: Annotated[tuple[PlateClassForms, ...], Field(min_length=1)]


class PlateReadingFile(_Definition, DatedFile):
    """What readings of plates are good for from a day on, and who sees plates."""

    plate_confidence: Percent
    character_confidence: Percent
    departments: Annotated[tuple[Code, ...], Field(min_length=1)]
    source: Text


@dataclass(frozen=True, slots=True)
class DatedGrammar:
    """A grammar and the first day of it."""

    valid_from: date
    grammar: PlateGrammar


@dataclass(frozen=True, slots=True)
class PlateDefinitions:
    """The grammars, the oldest first."""

    versions: tuple[DatedGrammar, ...]

    def at(self, moment: datetime) -> PlateGrammar:
        """The grammar in force on the city's day of `moment`."""
        return in_force(self.versions, moment).grammar


@dataclass(frozen=True, slots=True)
class PlateReadingDefinitions:
    """What readings are good for, the oldest version first."""

    versions: tuple[PlateReadingFile, ...]

    def thresholds(self, moment: datetime) -> Thresholds:
        """How sure a reading is at least, on the city's day of `moment`."""
        found = in_force(self.versions, moment)
        return Thresholds(found.plate_confidence, found.character_confidence, found.version)

    def departments(self, moment: datetime) -> tuple[str, ...]:
        """The departments whose people see plates, on the city's day of `moment`."""
        return in_force(self.versions, moment).departments


def grammar_at(definitions: Definitions, moment: datetime) -> PlateGrammar:
    """The grammar in force on the city's day of `moment`."""
    return definitions.of(PlateDefinitions).at(moment)


def load_plates(files: Files, _: Definitions) -> PlateDefinitions:
    """The folder `plate`; raises `DefinitionError` with file and line."""
    found = [
        DatedGrammar(each.said.valid_from, _grammar(each.path, each.lines, each.said))
        for each in by_day(files, "plate", PlateFile)
    ]
    return PlateDefinitions(tuple(found))


def load_plate_reading(files: Files, _: Definitions) -> PlateReadingDefinitions:
    """The folder `plate-reading`; raises `DefinitionError`."""
    found = by_day(files, "plate-reading", PlateReadingFile)
    return PlateReadingDefinitions(tuple(each.said for each in found))


def _grammar(path: Path, lines: Lines, file: PlateFile) -> PlateGrammar:
    if PROVINCE not in file.sets:
        raise DefinitionError(f"{path}:{lines.of(('sets',))}: there is no set {PROVINCE!r}")
    forms: list[PlateForm] = []
    for index, each in enumerate(file.classes):
        line = lines.of(("classes", index, "code"))
        if each.code is PlateClass.FOREIGN or each.code in [form.plate_class for form in forms]:
            raise DefinitionError(f"{path}:{line}: {each.code.value!r} is no class to define here")
        for number, parts in enumerate(each.forms):
            line = lines.of(("classes", index, "forms", number))
            form = PlateForm(each.code, _places(f"{path}:{line}", parts, file))
            for other in forms:
                if other.plate_class is not form.plate_class and other.overlaps(form):
                    raise DefinitionError(
                        f"{path}:{line}: one text can be {other.plate_class} and {each.code}"
                    )
            forms.append(form)
    _check_characters(path, lines, file)
    grammar = PlateGrammar(
        version=file.version,
        provinces=frozenset(file.sets[PROVINCE]),
        forms=tuple(forms),
        written=file.written_otherwise,
        misread=file.misread,
        confusable=file.confusable,
    )
    for name, characters in file.sets.items():
        if normalised(characters, grammar) != characters:
            line = lines.of(("sets", name))
            raise DefinitionError(f"{path}:{line}: {name}: characters as plates are read: capitals")
    return grammar


def _places(where: str, parts: tuple[str, ...], file: PlateFile) -> tuple[Place, ...]:
    """Each part is the name of a set, or one character."""
    for part in parts:
        if part not in file.sets and len(part) != 1:
            raise DefinitionError(f"{where}: there is no set {part!r}")
    return tuple(frozenset(file.sets.get(part, part)) for part in parts)


def _check_characters(path: Path, lines: Lines, file: PlateFile) -> None:
    """A character is in one confusable group, and what is written otherwise leads to an end."""
    seen: set[str] = set()
    for index, group in enumerate(file.confusable):
        if seen & set(group) or len(set(group)) != len(group):
            line = lines.of(("confusable", index))
            raise DefinitionError(f"{path}:{line}: a character is in two groups")
        seen |= set(group)
    for name in ("written_otherwise", "misread"):
        pairs: dict[str, str] = getattr(file, name)
        for character, meant in pairs.items():
            if meant in pairs:
                line = lines.of((name, character))
                raise DefinitionError(f"{path}:{line}: {meant!r} is not what is written in truth")
