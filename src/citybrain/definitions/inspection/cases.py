"""Definitions of cases: departments, classes of problems, routing, deadlines, merging."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from citybrain.definitions.calendars import BusinessCalendar, TimeKind
from citybrain.definitions.loading import Definitions, Files, in_force
from citybrain.definitions.yaml_file import Code, DefinitionError, Lines, Place, read_yaml
from citybrain.domain.inspection.deadlines import Deadline, DeadlineTerms, Stage
from citybrain.domain.times import as_text
from citybrain.errors import InvalidInput


class UnknownClass(InvalidInput):
    """No such class of problem is defined."""

    code = "unknown-class"


class UnknownDepartment(InvalidInput):
    """No such department is defined."""

    code = "unknown-department"


class InvalidAttribute(InvalidInput):
    """An attribute of the report is not what its class asks for."""

    code = "invalid-attribute"


class _Definition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Department(_Definition):
    """Who handles cases."""

    code: Code
    name: str = Field(min_length=1)
    name_en: str = Field(min_length=1)
    unit_of: Code | None = Field(None, description="the department whose work it does in its area")
    area: Annotated[str, StringConstraints(pattern=r"^\d{6}(\d{3}){0,2}$")] | None = Field(
        None, description="district, street or community by its code"
    )

    @model_validator(mode="after")
    def _unit_in_an_area(self) -> "Department":
        if (self.unit_of is None) != (self.area is None):
            raise ValueError("unit_of and area are given together")
        return self


class Route(_Definition):
    """Where cases of a class go: all `departments` at once, one of which leads."""

    departments: tuple[Code, ...] = Field(min_length=1)
    lead: Code


class DeadlineRule(_Definition):
    """A deadline of a stage. It ends with the stage, or before by `until`.

    `until`: `accepted` (by the lead), or a milestone of that name, of the handling.
    """

    code: Code
    stage: Stage
    within: float = Field(gt=0, le=1000)
    unit: TimeKind
    warn_at_share: float = Field(0.75, gt=0, lt=1, description="of the time, when to warn")
    until: Code | None = None

    @model_validator(mode="after")
    def _sound(self) -> "DeadlineRule":
        if self.unit is TimeKind.WORKING_DAYS and self.within != int(self.within):
            raise ValueError("working days are whole")
        if self.until is not None and self.stage is not Stage.HANDLING:
            raise ValueError("until is for the stage of handling")
        return self

    @cached_property
    def _terms(self) -> DeadlineTerms:
        return {
            "code": self.code,
            "stage": self.stage.value,
            "until": self.until or self.stage.value,
            "unit": self.unit.value,
            "amount": self.within,
        }

    def begin(self, at: datetime, calendar: BusinessCalendar) -> Deadline:
        """The deadline that begins then."""
        share = self.within * self.warn_at_share
        warn_at = max(calendar.due(at, self.unit, share), at)
        return {
            **self._terms,
            "begun_at": as_text(at),
            "warn_at": as_text(warn_at),
            "due_at": as_text(calendar.due(at, self.unit, self.within)),
        }


class MergeRule(_Definition):
    """When detections of a class are the same problem: near enough, soon enough.

    Within `radius_m` and `window_hours` of one of its detections another one is evidence of the
    same case; `reopen_hours` after its closing a detection reopens it.
    """

    radius_m: float = Field(20.0, gt=0, le=500)
    window_hours: float = Field(72.0, gt=0, le=8760)
    reopen_hours: float = Field(168.0, ge=0, le=8760)

    @property
    def window(self) -> timedelta:
        """The longest time between two detections of one problem."""
        return timedelta(hours=self.window_hours)


class Datatype(StrEnum):
    """What an attribute takes; the words are those of Open311 GeoReport v2."""

    STRING = "string"
    NUMBER = "number"
    DATETIME = "datetime"
    TEXT = "text"
    SINGLE = "singlevaluelist"
    MULTI = "multivaluelist"


LISTS = (Datatype.SINGLE, Datatype.MULTI)


def _is_date(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


# What a value has to be, and how that is said.
CHECKS: dict[Datatype, tuple[Callable[[str], object], str]] = {
    Datatype.STRING: (re.compile(r"[^\x00-\x1f]{1,500}").fullmatch, "one line of 500 characters"),
    Datatype.NUMBER: (re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?").fullmatch, "a number"),
    Datatype.DATETIME: (_is_date, "a date and time"),
    Datatype.TEXT: (re.compile(r"[^\x00]{1,2000}").fullmatch, "a text of 2000 characters"),
}


class AttributeValue(_Definition):
    """One of the values of a list."""

    key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    name: str = Field(min_length=1)


class Attribute(_Definition):
    """What a report of a class is asked beside its place and text.

    One with `variable: false` only tells something, in its description.
    """

    code: Code
    variable: bool = True
    datatype: Datatype
    required: bool = False
    order: int = Field(ge=1)
    description: str = Field(min_length=1)
    datatype_description: str = ""
    values: tuple[AttributeValue, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> "Attribute":
        if (self.datatype in LISTS) != bool(self.values):
            raise ValueError("values belong to a list, and a list has values")
        if self.required and not self.variable:
            raise ValueError("what takes no value is not required")
        return self

    def check(self, given: Sequence[str]) -> None:
        """Whether the values fit; raises `InvalidAttribute`."""
        name = f"attribute[{self.code}]"
        if not self.variable:
            raise InvalidAttribute(f"{name} takes no value", attribute=self.code)
        if self.datatype is not Datatype.MULTI and len(given) > 1:
            raise InvalidAttribute(f"{name} takes one value", attribute=self.code)
        if self.datatype in LISTS:
            keys = {each.key for each in self.values}
            if not keys.issuperset(given) or len(set(given)) != len(given):
                raise InvalidAttribute(f"{name} is not one of its values", attribute=self.code)
            return
        check, words = CHECKS[self.datatype]
        if not all(check(value) for value in given):
            raise InvalidAttribute(f"{name} is not {words}", attribute=self.code)


class CaseClass(_Definition):
    """A class of street problem.

    A camera's detection below `confirm_below` percent waits for a person. With `recheck_minutes`,
    cameras that saw the problem and see it no more so long after the handling verify it.
    """

    code: Code
    name: str = Field(min_length=1)
    name_en: str = Field(min_length=1)
    source: str = Field(
        min_length=1, description="where the class comes from, or that we assume it"
    )
    route: Route
    merge: MergeRule = MergeRule()
    confirm_below: int = Field(60, ge=0, le=100)
    recheck_minutes: float | None = Field(None, gt=0, le=10_080)
    deadlines: tuple[DeadlineRule, ...] | None = None
    attributes: tuple[Attribute, ...] = ()

    def check_attributes(
        self, given: Mapping[str, Sequence[str]], *, complete: bool
    ) -> dict[str, list[str]]:
        """The values by attribute, in the order of the attributes, empty ones left out.

        `complete`: what is required must be there. Raises `InvalidAttribute`.
        """
        if not given and not complete:
            return {}
        ordered = sorted(self.attributes, key=lambda attribute: attribute.order)
        known = {attribute.code: attribute for attribute in ordered}
        for code in given:
            if code not in known:
                raise InvalidAttribute(
                    f"attribute[{code}] is not known in this class", attribute=code
                )
        found = {code: [value for value in given.get(code, ()) if value] for code in known}
        for code, values in found.items():
            if values:
                known[code].check(values)
            elif complete and known[code].required:
                raise InvalidAttribute(f"attribute[{code}] was not provided", attribute=code)
        return {code: values for code, values in found.items() if values}


D = TypeVar("D", Department, CaseClass)


class CaseFile(_Definition):
    """One definition file."""

    valid_from: date
    departments: tuple[Department, ...] = ()
    deadlines: tuple[DeadlineRule, ...] = Field(
        (), description="of the classes in this file that name none of their own"
    )
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

    def route(self, class_code: str, areas: Iterable[str] = ()) -> Route:
        """Where a case of this class goes that lies in these areas; raises `UnknownClass`.

        A department whose unit has one of the areas gives way to that unit; of several, to the
        one with the smallest area.
        """
        route = self.require_class(class_code).route
        codes = set(areas)
        local: dict[str, str] = {}
        for unit in sorted(self.departments.values(), key=lambda each: len(each.area or "")):
            if unit.unit_of is not None and unit.area in codes:
                local[unit.unit_of] = unit.code
        return Route(
            departments=tuple(local.get(code, code) for code in route.departments),
            lead=local.get(route.lead, route.lead),
        )

    def deadlines(
        self, class_code: str, stages: Iterable[Stage], at: datetime, calendar: BusinessCalendar
    ) -> list[Deadline]:
        """The deadlines that begin then with these stages; raises `UnknownClass`."""
        rules = self.require_class(class_code).deadlines or ()
        wanted = set(stages)
        return [rule.begin(at, calendar) for rule in rules if rule.stage in wanted]


@dataclass(frozen=True, slots=True)
class InspectionDefinitions:
    """The definitions of inspection cases, the oldest version first."""

    versions: tuple[CaseDefinitions, ...]

    def at(self, moment: datetime) -> CaseDefinitions:
        """What is in force on the city's day of `moment`."""
        return in_force(self.versions, moment)


def cases_at(definitions: Definitions, moment: datetime) -> CaseDefinitions:
    """What is in force of cases on the city's day of `moment`."""
    return definitions.of(InspectionDefinitions).at(moment)


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
        version = CaseDefinitions(
            f"{file.valid_from}+{_digest(departments, classes)}",
            file.valid_from,
            departments,
            classes,
        )
        if versions and versions[-1].valid_from == file.valid_from:
            versions.pop()
        versions.append(version)
    return versions


def _digest(departments: dict[str, Department], classes: dict[str, CaseClass]) -> str:
    contents = [
        {code: member.model_dump(mode="json") for code, member in members.items()}
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
