"""The files of the folder `case`: read, checked, and put together into what is in force."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import Field

from citybrain.definitions.inspection.attributes import Attribute, Definition
from citybrain.definitions.inspection.cases import (
    Answer,
    CaseClass,
    CaseDefinitions,
    DeadlineRule,
    Department,
    InspectionDefinitions,
    Replaced,
    Retired,
)
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.yaml_file import DefinitionError, Lines, Place, read_yaml

D = TypeVar("D", Department, CaseClass, Retired, Answer)
LATER = frozenset({"private", "field_check", "import_only"})
"""Members of a class that came after a release."""


class CaseFile(Definition):
    """One definition file."""

    valid_from: date
    departments: tuple[Department, ...] = ()
    deadlines: tuple[DeadlineRule, ...] = Field(
        (), description="of the classes in this file that name none of their own"
    )
    classes: tuple[CaseClass, ...] = ()
    retired_classes: tuple[Retired, ...] = ()
    retired_departments: tuple[Retired, ...] = ()
    answers: tuple[Answer, ...] = ()


def load_inspection(files: Files, _: Definitions) -> InspectionDefinitions:
    """The folder `case`; raises `DefinitionError`."""
    versions = load_case_definitions(files.of("case"))
    if not versions:
        raise DefinitionError("there is no definition of cases")
    return InspectionDefinitions(tuple(versions))


def load_case_definitions(paths: Iterable[Path]) -> list[CaseDefinitions]:
    """The versions in order of their day; raises `DefinitionError` with file and line."""
    files = [(path, *read_yaml(path, CaseFile)) for path in paths]
    files.sort(key=lambda file: (file[1].valid_from, file[0].name))
    versions: list[CaseDefinitions] = []
    departments: dict[str, Department] = {}
    classes: dict[str, CaseClass] = {}
    retired: tuple[dict[str, str | None], ...] = ({}, {})
    general: tuple[DeadlineRule, ...] = ()
    answers: dict[str, Answer] = {}
    for path, file, lines in files:
        departments = departments | _unique(path, lines, "departments", file.departments)
        _check_units(path, lines, file.departments, departments)
        _check_deadlines(path, lines, ("deadlines",), file.deadlines)
        for index, case_class in enumerate(file.classes):
            _check_route(path, lines, index, case_class, departments)
            own = ("classes", index, "deadlines")
            _check_deadlines(path, lines, own, case_class.deadlines or ())
            _check_attributes(path, lines, index, case_class.attributes)
        found = _unique(path, lines, "classes", file.classes)
        classes = classes | {
            code: each.model_copy(update={"deadlines": file.deadlines})
            if each.deadlines is None
            else each
            for code, each in found.items()
        }
        retired = (
            _retired(path, lines, "classes", file, classes, retired[0]),
            _retired(path, lines, "departments", file, departments, retired[1]),
        )
        general = file.deadlines or general
        answers = answers | _unique(path, lines, "answers", file.answers)
        version = CaseDefinitions(
            f"{file.valid_from}+{_digest(departments, classes, retired)}",
            file.valid_from,
            departments,
            classes,
            *retired,
            general,
            answers,
        )
        if versions and versions[-1].valid_from == file.valid_from:
            versions.pop()
        versions.append(version)
    return versions


def _digest(
    departments: dict[str, Department],
    classes: dict[str, CaseClass],
    retired: tuple[dict[str, str | None], ...],
) -> str:
    contents: list[dict[str, Any]] = [
        {code: _said(member) for code, member in members.items()}
        for members in (departments, classes)
    ]
    if any(retired):  # else it is the digest that it was before anything could be retired
        contents += retired
    return hashlib.sha256(orjson.dumps(contents, option=orjson.OPT_SORT_KEYS)).hexdigest()[:8]


def _said(member: Department | CaseClass) -> dict[str, Any]:
    """All that it says; what came later counts where it is said: digests stay as they were."""
    said = member.model_dump(mode="json")
    return {name: value for name, value in said.items() if name not in LATER or value}


def _retired(
    path: Path,
    lines: Lines,
    section: str,
    file: CaseFile,
    known: Mapping[str, Department] | Mapping[str, CaseClass],
    before: Replaced,
) -> dict[str, str | None]:
    """What is retired with this file; what the file defines anew is in force again."""
    again = {each.code for each in getattr(file, section)}
    found = _unique(path, lines, f"retired_{section}", getattr(file, f"retired_{section}"))
    for index, member in enumerate(found.values()):
        for name in ("code", "replaced_by"):
            code = getattr(member, name)
            if code is not None and (
                code not in known or (name == "replaced_by" and code in found)
            ):
                line = lines.of((f"retired_{section}", index, name))
                raise DefinitionError(f"{path}:{line}: nothing in force is called {code!r}")
    kept = {code: by for code, by in before.items() if code not in again}
    return kept | {code: member.replaced_by for code, member in found.items()}


def _unique(path: Path, lines: Lines, section: str, members: tuple[D, ...]) -> dict[str, D]:
    found: dict[str, D] = {}
    for index, member in enumerate(members):
        if member.code in found:
            line = lines.of((section, index, "code"))
            raise DefinitionError(f"{path}:{line}: {member.code!r} is defined twice")
        found[member.code] = member
    return found


def _check_units(
    path: Path, lines: Lines, units: tuple[Department, ...], departments: dict[str, Department]
) -> None:
    for index, unit in enumerate(units):
        if unit.unit_of is not None and unit.unit_of not in departments:
            line = lines.of(("departments", index, "unit_of"))
            raise DefinitionError(f"{path}:{line}: there is no department {unit.unit_of!r}")


def _check_deadlines(
    path: Path, lines: Lines, place: Place, rules: tuple[DeadlineRule, ...]
) -> None:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        if rule.code in seen:
            line = lines.of((*place, index, "code"))
            raise DefinitionError(f"{path}:{line}: {rule.code!r} is defined twice")
        seen.add(rule.code)


def _check_attributes(
    path: Path, lines: Lines, index: int, attributes: tuple[Attribute, ...]
) -> None:
    """Codes and orders are there once in a class, keys once in a list."""
    seen: set[str | int] = set()
    for number, attribute in enumerate(attributes):
        place: Place = ("classes", index, "attributes", number)
        keys = [each.key for each in attribute.values]
        once: list[tuple[Place, str | int, bool]] = [
            ((*place, "code"), attribute.code, attribute.code in seen),
            ((*place, "order"), attribute.order, attribute.order in seen),
            *(
                ((*place, "values", at, "key"), key, key in keys[:at])
                for at, key in enumerate(keys)
            ),
        ]
        for where, what, twice in once:
            if twice:
                raise DefinitionError(f"{path}:{lines.of(where)}: {what!r} is defined twice")
        seen |= {attribute.code, attribute.order}


def _check_route(
    path: Path, lines: Lines, index: int, case_class: CaseClass, departments: dict[str, Department]
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
