"""Where definitions come from, and how they are found by whoever works with them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import orjson

from citybrain.city_day import city_day
from citybrain.definitions.kept import Keeping, Kept
from citybrain.definitions.yaml_file import DefinitionError

D = TypeVar("D")

MEMBER = re.compile(r"^(\w+): *[\"']?([\w-]+)", re.MULTILINE)
"""A member of a YAML file itself, and the beginning of its value."""

ENDINGS = (".yaml", ".yml", ".json", ".geojson")
PACKAGE_FOLDER = Path(__file__).parent / "city"
"""The files that come along, in the shape of a city's own folder."""


class Dated(Protocol):
    """A version of a definition."""

    @property
    def valid_from(self) -> date:
        """The first of the city's days on which it is in force."""


V = TypeVar("V", bound=Dated)


@runtime_checkable
class Naming(Protocol):
    """A part that knows what codes are called where people read them."""

    def called(self, code: str) -> tuple[str, str] | None:
        """In Chinese and in English; None where it knows no such code."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files that come along, with a city's own over them.

    A file of a city replaces ours of the same name, any other is added.
    """

    override: Path | None = None

    def of(self, folder: str, pattern: str = "*.yaml") -> list[Path]:
        """The files of a folder, in the order of their names."""
        found = {path.name: path for path in sorted((PACKAGE_FOLDER / folder).glob(pattern))}
        if self.override is not None:
            found |= {path.name: path for path in sorted((self.override / folder).glob(pattern))}
        return list(found.values())

    def versions_of(
        self, folder: str, pattern: str = "*.yaml", code: str | None = None
    ) -> list[Path]:
        """The same, where each file is a version of one thing: of what its member `code` names.

        None: the folder is about one thing. From the first day of a version of a city's own, no
        later one of ours follows on it: what a city decided does not change with a release.
        """
        paths = self.of(folder, pattern)
        own = {path for path in paths if PACKAGE_FOLDER not in path.parents}
        first: dict[str, str] = {}
        for thing, day in (_thing_and_day(path, code) for path in own):
            first[thing] = min(first.get(thing, day), day)
        return [path for path in paths if path in own or _comes_before(path, code, first)]


def _comes_before(path: Path, code: str | None, first: Mapping[str, str]) -> bool:
    thing, day = _thing_and_day(path, code) if first else ("", "")
    return thing not in first or day <= first[thing]


def _thing_and_day(path: Path, code: str | None) -> tuple[str, str]:
    """What a file is a version of, and its `valid_from`; blank where whoever reads it will say
    that they are missing."""
    text = path.read_text(encoding="utf-8", errors="replace")
    members = _members_of_json(text) if path.suffix == ".geojson" else dict(MEMBER.findall(text))
    return str(members.get(code or "", "")), str(members.get("valid_from", ""))


def _members_of_json(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def unread(override: Path) -> list[Path]:
    """Files of a city that nobody reads: in another folder, or with another ending, than ours."""
    read = {(path.parent.name, path.suffix) for path in PACKAGE_FOLDER.glob("*/*")}
    return [
        path
        for path in sorted(override.rglob("*"))
        if path.suffix in ENDINGS
        and (path.parent.parent != override or (path.parent.name, path.suffix) not in read)
    ]


def refuse_unread(override: Path) -> None:
    """Raises `DefinitionError` for the first of them: whoever wrote it takes it to be in force."""
    for path in unread(override):
        raise DefinitionError(f"{path}:1: nobody reads this: put it where ours of its kind are")


class Definitions:
    """All that a city configures, loaded and checked once at start, by type."""

    def __init__(self, *parts: object) -> None:
        self._parts = {type(part): part for part in parts}

    def of(self, kind: type[D]) -> D:
        """The definitions of this type; a `LookupError` where no system loads them."""
        found = self._parts.get(kind)
        if not isinstance(found, kind):
            raise LookupError(f"nobody loads {kind.__name__}")
        return found

    def keeping(self) -> list[Keeping]:
        """The parts whose versions are kept beyond their files."""
        return [part for part in self._parts.values() if isinstance(part, Keeping)]

    @cached_property
    def kept(self) -> dict[str, list[Kept]]:
        """By kind, each version that a file holds now: written out once."""
        return {part.KIND: list(part.kept()) for part in self.keeping()}

    def called(self, code: str) -> tuple[str, str] | None:
        """What a code is called, in Chinese and in English; None where nobody knows it."""
        for part in self._parts.values():
            if isinstance(part, Naming) and (names := part.called(code)) is not None:
                return names
        return None

    def extended(self, part: object) -> "Definitions":
        """These with one more part, or with another one of its type."""
        return Definitions(*self._parts.values(), part)


Loader = Callable[[Files, Definitions], object]
"""Loads one part; finds those that were loaded before in the second argument."""


def load(loaders: Iterable[Loader], override: Path | None = None) -> Definitions:
    """Ours, with a city's own folder over them; raises `DefinitionError`."""
    if override is not None and not override.is_dir():
        raise DefinitionError(f"{override}: no such folder of definitions")
    definitions, files = Definitions(), Files(override)
    for loader in loaders:
        definitions = definitions.extended(loader(files, definitions))
    return definitions


def in_force(versions: Sequence[V], moment: datetime) -> V:
    """The version in force on the city's day of `moment`; the first one before its start.

    `versions` are one at least, by `valid_from`.
    """
    if len(versions) == 1:
        return versions[0]
    day = city_day(moment)
    for each in reversed(versions):
        if each.valid_from <= day:
            return each
    return versions[0]
