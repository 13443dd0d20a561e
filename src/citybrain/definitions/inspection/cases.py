"""Definitions of cases: departments, classes of problems, routing, deadlines, merging."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from citybrain.definitions.calendars import BusinessCalendar, TimeKind
from citybrain.definitions.inspection.attributes import Attribute, Definition, InvalidAttribute
from citybrain.definitions.kept import Kept, written
from citybrain.definitions.loading import Definitions, in_force
from citybrain.definitions.yaml_file import Code
from citybrain.domain.inspection.deadlines import Deadline, DeadlineTerms, Stage
from citybrain.domain.times import as_text
from citybrain.errors import InvalidInput


class UnknownClass(InvalidInput):
    """No such class of problem is defined."""

    code = "unknown-class"


class UnknownDepartment(InvalidInput):
    """No such department is defined."""

    code = "unknown-department"


class ClassRetired(InvalidInput):
    """The class takes no new reports any more; cases of it go on."""

    code = "class-retired"


class DepartmentRetired(InvalidInput):
    """The department takes no new cases any more."""

    code = "department-retired"


class UnknownAnswer(InvalidInput):
    """There is no such text to answer with."""

    code = "unknown-answer"


class Department(Definition):
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


class Route(Definition):
    """Where cases of a class go: all `departments` at once, one of which leads."""

    departments: tuple[Code, ...] = Field(min_length=1)
    lead: Code


class DeadlineRule(Definition):
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
        if self.unit is TimeKind.HOURS:
            warn_at, due_at = at + self._hours[0], at + self._hours[1]
        else:
            share = self.within * self.warn_at_share
            warn_at = max(calendar.due(at, self.unit, share), at)
            due_at = calendar.due(at, self.unit, self.within)
        return {
            **self._terms,
            "begun_at": as_text(at),
            "warn_at": as_text(warn_at),
            "due_at": as_text(due_at),
        }

    @cached_property
    def _hours(self) -> tuple[timedelta, timedelta]:
        """How long after its beginning it warns and is due, where hours are just hours."""
        within = timedelta(hours=self.within)
        return timedelta(hours=self.within * self.warn_at_share), within


class MergeRule(Definition):
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


class CaseClass(Definition):
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
    import_only: bool = Field(
        False, description="only records of other systems are of it: nobody here reports one"
    )
    private: bool = Field(False, description="nothing of its cases is public")
    field_check: bool = Field(False, description="somebody looks before it is verified")

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


class Answer(Definition):
    """A text that is said again and again: what the public reads, and what stays within."""

    code: Code
    of: Literal["closing", "voiding"]
    public: str = Field(min_length=1, max_length=500)
    public_en: str = Field(min_length=1, max_length=500)
    internal: str = Field("", max_length=500)

    @property
    def told(self) -> str:
        """What the public reads."""
        return f"{self.public} / {self.public_en}"


class Retired(Definition):
    """A class or a department that takes nothing new from the day of its file on."""

    code: Code
    replaced_by: Code | None = Field(None, description="where new ones go")


Replaced = Mapping[str, str | None]
"""What each retired code was replaced by, if by anything."""


@dataclass(frozen=True)
class Former:
    """Classes and departments of files that were taken away, as they were last."""

    classes: dict[str, CaseClass] = field(default_factory=dict)
    departments: dict[str, Department] = field(default_factory=dict)


@dataclass(frozen=True)
class CaseDefinitions:
    """What is in force from one day on: all files valid by then, the later over the earlier.

    A class that is retired stays among the `classes`: it takes no new reports, and its cases go on.
    So do those of a class that is defined no more, by what it was last (`former`), or where that
    was never kept by the `general_deadlines`: those of the classes that name none of their own.

    `version` is that day and a digest of the contents, so that an event which carries it can
    be held against exactly the definitions that decided it.
    """

    version: str
    valid_from: date
    departments: dict[str, Department]
    classes: dict[str, CaseClass]
    retired_classes: Replaced = field(default_factory=dict)
    retired_departments: Replaced = field(default_factory=dict)
    general_deadlines: tuple[DeadlineRule, ...] = ()
    answers: dict[str, Answer] = field(default_factory=dict)
    former: Former = field(default_factory=Former)

    @cached_property
    def offered(self) -> dict[str, CaseClass]:
        """The classes that can be reported, by their codes."""
        return {
            code: each
            for code, each in self.classes.items()
            if code not in self.retired_classes and not each.import_only
        }

    def require_class(self, code: str) -> CaseClass:
        """The class; raises `UnknownClass`."""
        try:
            return self.classes[code]
        except KeyError:
            raise UnknownClass(f"there is no case class {code!r}", class_code=code) from None

    def reportable(self, code: str) -> CaseClass:
        """The class of what is new; raises `UnknownClass` or `ClassRetired`."""
        if code in self.retired_classes:
            raise ClassRetired(
                f"the class {code!r} takes no new reports",
                class_code=code,
                replaced_by=self.retired_classes[code],
            )
        known = self.require_class(code)
        if known.import_only:
            raise UnknownClass(f"the class {code!r} is for imports only", class_code=code)
        return known

    def require_answer(self, code: str, of: str) -> Answer:
        """The text for this; raises `UnknownAnswer`."""
        found = self.answers.get(code)
        if found is None or found.of != of:
            known = sorted(each.code for each in self.answers.values() if each.of == of)
            raise UnknownAnswer(f"there is no answer {code!r} of a {of}", answers=known)
        return found

    def class_of_case(self, code: str) -> CaseClass | None:
        """The class of a case, or what it was last where it is defined no more."""
        return self.classes.get(code) or self.former.classes.get(code)

    def department_of_case(self, code: str) -> Department | None:
        """A department of a case, or what it was last where it is defined no more."""
        return self.departments.get(code) or self.former.departments.get(code)

    def is_private(self, class_code: str) -> bool:
        """Whether nothing of the cases of this class is public."""
        known = self.class_of_case(class_code)
        return known is not None and known.private

    def needs_field_check(self, class_code: str) -> bool:
        """Whether somebody has to look in the field before a case of this class is verified."""
        known = self.class_of_case(class_code)
        return known is not None and known.field_check

    def merge_rule(self, class_code: str) -> MergeRule:
        """When detections of this class are one problem, however long the class is gone."""
        known = self.class_of_case(class_code)
        return known.merge if known else MergeRule()

    def recheck_minutes(self, class_code: str) -> float | None:
        """How long after the handling cameras verify; never where nothing of the class is known."""
        known = self.class_of_case(class_code)
        return known.recheck_minutes if known else None

    def require_department(self, code: str) -> Department:
        """The department of what is new; raises `UnknownDepartment` or `DepartmentRetired`."""
        if code in self.retired_departments:
            raise DepartmentRetired(
                f"the department {code!r} takes no new cases",
                department=code,
                replaced_by=self.retired_departments[code],
            )
        try:
            return self.departments[code]
        except KeyError:
            raise UnknownDepartment(f"there is no department {code!r}", department=code) from None

    def route(self, class_code: str, areas: Iterable[str] = (), owner: str | None = None) -> Route:
        """Where a case of this class goes that lies in these areas.

        Raises `UnknownClass`, and where a class that is defined no more goes to a department that
        is none, either, `UnknownDepartment`.

        A department whose unit has one of the areas gives way to that unit; of several, to the
        one with the smallest area. A case about a thing goes to its `owner`. A department that is
        retired gives way to what replaced it.
        """
        if owner is not None:  # of the thing that it is about
            owner = self.require_department(self.succeeded(owner)).code
            return Route(departments=(owner,), lead=owner)
        known = self.class_of_case(class_code)
        route = known.route if known else self.require_class(class_code).route
        codes = set(areas)
        local: dict[str, str] = {}
        for unit in sorted(self.departments.values(), key=lambda each: len(each.area or "")):
            if unit.unit_of is not None and unit.area in codes:
                local[unit.unit_of] = unit.code

        def goes_to(code: str) -> str:
            return self.require_department(self.succeeded(local.get(code, code))).code

        departments = dict.fromkeys(goes_to(code) for code in route.departments)
        return Route(departments=tuple(departments), lead=goes_to(route.lead))

    def succeeded(self, department: str) -> str:
        """The department, or what does its work now; raises `DepartmentRetired` where none does."""
        seen: set[str] = set()
        while department in self.retired_departments and department not in seen:
            seen.add(department)
            following = self.retired_departments[department]
            department = (
                self.require_department(department).code if following is None else following
            )
        return department

    def deadlines(
        self, class_code: str, stages: Collection[Stage], at: datetime, calendar: BusinessCalendar
    ) -> list[Deadline]:
        """The deadlines that begin then with these stages."""
        known = self.class_of_case(class_code)
        rules = (known.deadlines or ()) if known else self.general_deadlines
        return [rule.begin(at, calendar) for rule in rules if rule.stage in stages]


VERSION = TypeAdapter(CaseDefinitions)


@dataclass(frozen=True, slots=True)
class InspectionDefinitions:
    """The definitions of inspection cases, the oldest version first."""

    KIND: ClassVar[str] = "case"

    versions: tuple[CaseDefinitions, ...]

    def at(self, moment: datetime) -> CaseDefinitions:
        """What is in force on the city's day of `moment`."""
        return in_force(self.versions, moment)

    def kept(self) -> list[Kept]:
        """Each version, with all that is in force by it."""
        return [
            Kept(self.KIND, self.KIND, each.version, written(VERSION.dump_python(each)))
            for each in (replace(version, former=Former()) for version in self.versions)
        ]

    def with_gone(self, gone: Iterable[Kept], definitions: Definitions) -> Definitions:
        """These, with the classes and departments of what no file says any more."""
        again = [kept.read_again(VERSION.validate_json) for kept in gone]
        before = sorted((each for each in again if each), key=lambda each: each.valid_from)
        former = Former()
        for each in before:
            former = Former(former.classes | each.classes, former.departments | each.departments)
        versions = tuple(replace(each, former=former) for each in self.versions)
        return definitions.extended(InspectionDefinitions(versions))


def cases_at(definitions: Definitions, moment: datetime) -> CaseDefinitions:
    """What is in force of cases on the city's day of `moment`."""
    return definitions.of(InspectionDefinitions).at(moment)
