"""Definitions of inspection cases: departments, classes of problems, and their routing."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from citybrain.definitions.yaml_file import DefinitionError, Lines, read_yaml
from citybrain.errors import InvalidInput

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]


class UnknownClass(InvalidInput):
    """No such class of problem is defined."""

    code = "unknown-class"


class UnknownDepartment(InvalidInput):
    """No such department is defined."""

    code = "unknown-department"


class _Definition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Department(_Definition):
    """Who handles cases."""

    code: Code
    name: str = Field(min_length=1)
    name_en: str = Field(min_length=1)


class Route(_Definition):
    """Where cases of a class go: all `departments` at once, one of which leads."""

    departments: tuple[Code, ...] = Field(min_length=1)
    lead: Code


class CaseClass(_Definition):
    """A class of street problem."""

    code: Code
    name: str = Field(min_length=1)
    name_en: str = Field(min_length=1)
    source: str = Field(
        min_length=1, description="where the class comes from, or that we assume it"
    )
    route: Route


D = TypeVar("D", Department, CaseClass)


class CaseFile(_Definition):
    """One definition file."""

    valid_from: date
    departments: tuple[Department, ...] = ()
    classes: tuple[CaseClass, ...] = ()


@dataclass(frozen=True)
class CaseDefinitions:
    """What is in force from one day on: all files valid by then, the later over the earlier.

    `version` is that day and a digest of the contents, so that an event which carries it can
    be held against exactly the definitions that decided it.
    """

    version: str
    valid_from: date
    departments: dict[str, Department]
    classes: dict[str, CaseClass]

    def require_class(self, code: str) -> CaseClass:
        """The class; raises `UnknownClass`."""
        try:
            return self.classes[code]
        except KeyError:
            raise UnknownClass(f"there is no case class {code!r}", class_code=code) from None

    def require_department(self, code: str) -> Department:
        """The department; raises `UnknownDepartment`."""
        try:
            return self.departments[code]
        except KeyError:
            raise UnknownDepartment(f"there is no department {code!r}", department=code) from None

    def route(self, class_code: str) -> Route:
        """Where a case of this class goes; raises `UnknownClass`."""
        return self.require_class(class_code).route


def load_case_definitions(paths: Iterable[Path]) -> list[CaseDefinitions]:
    """The versions in order of their day; raises `DefinitionError` with file and line."""
    files = [(path, *read_yaml(path, CaseFile)) for path in paths]
    files.sort(key=lambda file: (file[1].valid_from, file[0].name))
    versions: list[CaseDefinitions] = []
    departments: dict[str, Department] = {}
    classes: dict[str, CaseClass] = {}
    for path, file, lines in files:
        departments = departments | _unique(path, lines, "departments", file.departments)
        classes = classes | _unique(path, lines, "classes", file.classes)
        for index, case_class in enumerate(file.classes):
            _check_route(path, lines, index, case_class, departments)
        version = CaseDefinitions(
            f"{file.valid_from}+{_digest(departments, classes)}",
            file.valid_from, departments, classes,
        )  # fmt: skip
        if versions and versions[-1].valid_from == file.valid_from:
            versions.pop()
        versions.append(version)
    return versions


def _digest(departments: dict[str, Department], classes: dict[str, CaseClass]) -> str:
    contents = [
        {code: member.model_dump() for code, member in members.items()}
        for members in (departments, classes)
    ]
    return hashlib.sha256(orjson.dumps(contents, option=orjson.OPT_SORT_KEYS)).hexdigest()[:8]


def _unique(path: Path, lines: Lines, section: str, members: tuple[D, ...]) -> dict[str, D]:
    found: dict[str, D] = {}
    for index, member in enumerate(members):
        if member.code in found:
            line = lines.of((section, index, "code"))
            raise DefinitionError(f"{path}:{line}: {member.code!r} is defined twice")
        found[member.code] = member
    return found


def _check_route(
    path: Path,
    lines: Lines,
    index: int,
    case_class: CaseClass,
    departments: dict[str, Department],
) -> None:
    route = ("classes", index, "route")
    for number, code in enumerate(case_class.route.departments):
        if code not in departments:
            line = lines.of((*route, "departments", number))
            raise DefinitionError(f"{path}:{line}: there is no department {code!r}")
    if case_class.route.lead not in case_class.route.departments:
        line = lines.of((*route, "lead"))
        raise DefinitionError(
            f"{path}:{line}: the lead {case_class.route.lead!r} is not among the departments"
        )
