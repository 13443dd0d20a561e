"""Service items: what a citizen can apply for, from which evidence, by which rules.

One file an item and version. The version in force on a day is the latest whose `valid_from`
has come; a decision names it, so that it can be held against exactly these rules.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path as FilePath
from typing import Annotated, Any, ClassVar, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints, model_validator

from citybrain.definitions.applications.checking import Check
from citybrain.definitions.applications.draws import DrawnOn
from citybrain.definitions.applications.examples import Examples
from citybrain.definitions.applications.guards import Guard, guard_of
from citybrain.definitions.applications.types import (
    CHECKS,
    WANTED,
    Fits,
    Member,
    MemberType,
    Name,
    Text,
    WholeType,
    is_integer,
    is_something,
    is_text,
)
from citybrain.definitions.expressions import Expression, Path
from citybrain.definitions.kept import Kept
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.purposes import Purposes
from citybrain.definitions.yaml_file import Code, DefinitionError, Place, read_yaml
from citybrain.domain.ages import ADULT_YEARS, CHILD_UNDER_YEARS
from citybrain.domain.citizens import Assurance
from citybrain.domain.money import MOST_FEN
from citybrain.errors import InvalidInput, NotFound

MemberName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Channel = Literal["web", "app", "counter", "kiosk"]


Problem = tuple[Place, str]
"""Where in a file something is wrong, and what."""

GUARDS: Any = {
    "name_simplified": True,
    "automatic": True,
    "identity_level": True,
    "correction": True,
    "draws_on": True,
    "examples": True,
    "replaces": True,
    "payout": {"ceiling_fen", "ceiling_source", "one_reviewer_fen", "one_reviewer_source"},
    "form": {"__all__": {"future"}},
    "materials": {"__all__": {"members"}},
    "parameters": {"__all__": {"type"}},
    "values": {"__all__": {"type"}},
}
"""What decides nothing, or only ever sends an application to an officer: not part of an item's
version."""


class UnknownService(NotFound):
    """There is no such service item."""

    code = "unknown-service"


class ServiceRetired(InvalidInput):
    """Nobody applies for this service any more; applications for it go on.

    `replaced_by` is the service that one applies for instead, null where there is none.
    """

    code = "service-retired"


class _Definition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Baseline(_Definition):
    """What it took before: savings are computed against it, never stated."""

    materials: int = Field(ge=0, description="papers to bring")
    steps: int = Field(ge=0, description="approvals one after the other")
    trips: int = Field(ge=0, description="visits to a counter")
    source: Text


class Deadline(_Definition):
    """How long a decision may take: by law in working days, by promise in seconds."""

    legal_working_days: int | None = Field(None, ge=0)
    promised_seconds: int | None = Field(None, ge=1)
    source: Text


class CorrectionTime(_Definition):
    """How long an applicant has to correct what was sent back, and what comes then."""

    working_days: int = Field(15, ge=1, le=365)
    then: Literal["officer", "expired"] = Field(
        "officer", description="the officer decides on what is there, or it ends"
    )
    source: Text = "assumed: three weeks, and then nobody loses what they applied for"


class FormField(_Definition):
    """What the citizen is asked; everything else is fetched."""

    name: Name
    label: Text
    label_en: Text
    type: Literal["text", "integer", "fen", "date", "boolean", "choice"]
    required: bool = True
    choices: tuple[Text, ...] = ()
    future: bool = Field(False, description="of a date: it may be one that has not come yet")

    @model_validator(mode="after")
    def _belongs(self) -> "FormField":
        if self.future and self.type != "date":
            raise ValueError("only a date may be in the future")
        return self

    def check(self) -> tuple[Fits, str]:
        """Whether an answer is one, on a day, and what is wanted."""
        if self.type == "choice":
            choices = self.choices
            return (lambda answer, _: answer in choices), f"one of: {', '.join(choices)}"
        if self.type == "date":
            member = Member(type="date", future=self.future)
            return member.fits(), member.wanted
        fits, wanted = FITS[self.type]
        return (lambda answer, _: fits(answer)), wanted


FITS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "text": (is_text, WANTED["text"]),
    "integer": (is_integer, WANTED["integer"]),
    "fen": (lambda answer: is_integer(answer) and answer >= 0, WANTED["money_fen"]),
    "boolean": (CHECKS["boolean"], WANTED["boolean"]),
}


class Material(_Definition):
    """A record that is fetched from a department in place of a paper."""

    name: Name
    label: Text
    label_en: Text
    department: Code
    record: Code = Field(description="what the department calls it")
    members: dict[MemberName, Member] = Field(
        default_factory=dict, description="what rules read of it, with the type"
    )


class Parameter(_Definition):
    """A number of the rules that changes by decree: `value` holds from a day on."""

    name: Name
    type: WholeType = "integer"
    value: int = Field(strict=True)
    valid_from: date
    source: Text = Field(description="where it comes from, or that we assume it")

    @model_validator(mode="after")
    def _in_range(self) -> "Parameter":
        member = Member(type=self.type)
        if not member.fits()(self.value, ""):
            raise ValueError(f"{self.name} is not {member.wanted}")
        return self


class Value(_Definition):
    """Something computed on the way to a decision."""

    name: Name
    type: MemberType | None = Field(None, description="what it must be to be looked at")
    needs: tuple[Name, ...] = Field((), description="materials and values it is computed from")
    expression: Text


class Rule(_Definition):
    """Something that must be true. Where it is not, `reason` says why to the citizen."""

    code: Code
    needs: tuple[Name, ...] = ()
    applies: Text | None = Field(None, description="only where this is true")
    require: Text
    reason: Text
    reason_en: Text
    source: Text


class Payout(_Definition):
    """Money for the citizen, in whole fen. More than the ceiling nobody approves."""

    amount: Name = Field(description="the value that is paid")
    from_account: Code
    ceiling_fen: int = Field(gt=0, le=MOST_FEN, strict=True)
    ceiling_source: Text = Field(description="where the ceiling comes from, or that we assume it")
    one_reviewer_fen: int = Field(
        0, ge=0, strict=True, description="above, an officer does not approve alone"
    )
    one_reviewer_source: Text | None = Field(
        None, description="where that comes from, or that we assume it"
    )

    @model_validator(mode="after")
    def _limits(self) -> "Payout":
        if self.one_reviewer_fen > self.ceiling_fen:
            raise ValueError("one_reviewer_fen is above ceiling_fen")
        if self.one_reviewer_fen and self.one_reviewer_source is None:
            raise ValueError("one_reviewer_fen has no one_reviewer_source")
        return self


class Claim(_Definition):
    """What the money was drawn on before items said `draws_on`: what was paid then counts on."""

    kind: Code
    needs: tuple[Name, ...] = ()
    key: Text = Field(description="an expression: the number of the loan, say")


class ServiceItem(_Definition):
    """One version of a service item."""

    valid_from: date
    code: Code
    name: Text
    name_en: Text
    name_simplified: Text | None = None
    """As messages to citizens say it; `name` where absent."""
    kind: Literal["approval", "utility", "query", "booking"]
    department: Code
    channels: tuple[Channel, ...] = Field(min_length=1)
    guardian_under_years: int | None = Field(
        None, ge=CHILD_UNDER_YEARS, le=ADULT_YEARS, description="below, a guardian applies"
    )
    identity_level: Assurance = Field(
        Assurance.SUBSTANTIAL, description="how surely it must be known who applies, at least"
    )
    source: Text
    baseline: Baseline
    deadline: Deadline
    correction: CorrectionTime = CorrectionTime()
    form: tuple[FormField, ...] = ()
    materials: tuple[Material, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    values: tuple[Value, ...] = ()
    rules: tuple[Rule, ...] = ()
    automatic: Literal["nobody-is-refused"] | None = Field(
        None, description="of an item without a rule"
    )
    payout: Payout | None = None
    claim: Claim | None = None
    draws_on: tuple[DrawnOn, ...] = Field((), description="of an item that pays")
    examples: Examples | None = Field(None, description="that it is tried on")
    replaces: tuple[Code, ...] = Field(
        (), description="items that nobody applies for from its first day on"
    )

    _compiled: dict[str, Expression] = PrivateAttr(default_factory=dict)
    _guards: dict[str, tuple[Guard, ...]] = PrivateAttr(default_factory=dict)

    @property
    def version(self) -> str:
        """The day it begins, and a digest of what decides (all but `GUARDS`)."""
        unsaid = {"guardian_under_years"} if self.guardian_under_years is None else set()
        found = self.model_dump(mode="json", exclude=GUARDS)
        said = {name: value for name, value in found.items() if name not in unsaid}
        content = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
        return f"{self.valid_from}+{hashlib.sha256(content).hexdigest()[:8]}"

    @property
    def called(self) -> tuple[str, str]:
        """As messages say it, in simplified Chinese and in English."""
        return self.name_simplified or self.name, self.name_en

    @property
    def ceiling_fen(self) -> int | None:
        """The most that it ever pays; None where it pays nothing."""
        return None if self.payout is None else self.payout.ceiling_fen

    @property
    def one_reviewer_fen(self) -> int:
        """The most that one officer approves alone."""
        return 0 if self.payout is None else self.payout.one_reviewer_fen

    def parameters_on(self, day: date) -> dict[str, int]:
        """The parameters in force on a day."""
        dated = sorted(self.parameters, key=lambda parameter: parameter.valid_from)
        return {each.name: each.value for each in dated if each.valid_from <= day}

    def compute(self, expression: str, values: Mapping[str, Any]) -> Any:
        """The result of one of its expressions; raises `ExpressionWrong`."""
        return self.compiled(expression).value(values)

    def lacking(self, expression: str, values: Mapping[str, Any]) -> str | None:
        """The first thing it reads that is missing, blank or of another type; None: nothing.

        `values` are by name, with `form`, `parameters` and `today` among them.
        """
        guards = self._guards.get(expression)
        if guards is None:
            reads = sorted(self.compiled(expression).reads)
            guards = self._guards[expression] = tuple(guard_of(self, path) for path in reads)
        for guard in guards:
            wrong = guard(values)
            if wrong is not None:
                return wrong
        return None

    def lacks(self, path: Path, values: Mapping[str, Any]) -> bool:
        """Whether what an expression reads there is missing, blank or of another type."""
        return guard_of(self, path)(values) is not None

    def result_wrong(self, name: str, result: Any) -> str | None:
        """Why a computed value is none of its type; None where it is. A payout is whole fen."""
        kind = self._kinds.get(name)
        if kind is None or kind == "choice":
            return None if is_something(result) else f"{name} is blank"
        if CHECKS[kind](result):
            return None
        return f"{name} is not {WANTED[kind]}"

    @cached_property
    def _kinds(self) -> dict[str, MemberType | None]:
        kinds: dict[str, MemberType | None] = {value.name: value.type for value in self.values}
        return kinds if self.payout is None else kinds | {self.payout.amount: "money_fen"}

    def compiled(self, source: str) -> Expression:
        """One of its expressions, put together once."""
        if source not in self._compiled:
            self._compiled[source] = Expression(source)
        return self._compiled[source]


class Catalogue:
    """All versions of all service items; of those without a file what was kept of them (`gone`)."""

    KIND: ClassVar[str] = "service"

    def __init__(self, items: Iterable[ServiceItem], gone: Iterable[ServiceItem] = ()) -> None:
        self._versions = _by_code(items)
        self._gone = _by_code(gone)

    def kept(self) -> list[Kept]:
        """Each version that a file holds, in full."""
        return [
            Kept(self.KIND, item.code, item.version, item.model_dump_json(exclude_unset=True))
            for item in self.all_versions()
        ]

    def with_gone(self, gone: Iterable[Kept], definitions: Definitions) -> Definitions:
        """These with versions that no file holds any more; people are identified for them, too."""
        again = (kept.read_again(ServiceItem.model_validate_json) for kept in gone)
        catalogue = Catalogue(self.all_versions(), [item for item in again if item])
        return definitions.extended(catalogue).extended(catalogue.purposes())

    def purposes(self) -> Purposes:
        """People are identified for services, also for one that they applied for before."""
        first_days = {
            code: items[0].valid_from for code, items in (self._gone | self._versions).items()
        }
        return Purposes(first_days)

    def began_under(self, code: str, version: str, day: date) -> ServiceItem:
        """The version that an application names, whatever became of its file.

        That of its `day` where nothing was kept of it; raises `UnknownService`.
        """
        return self.exactly(code, version) or self.item(code, day)

    def exactly(self, code: str, version: str) -> ServiceItem | None:
        """The version of this name, of a file or kept."""
        return self._exactly.get((code, version))

    def offered(self, code: str, day: date) -> ServiceItem:
        """The version to apply for on a day; raises `ServiceRetired`, `UnknownService`."""
        successor = self.successor(code, day)
        if successor or (code in self._gone and code not in self._versions):
            raise ServiceRetired(
                f"{code!r} is not offered any more", service=code, replaced_by=successor
            )
        return self.item(code, day)

    def successor(self, code: str, day: date) -> str | None:
        """What replaces a service on a day; None where nothing does."""
        by = {old: item.code for item in self._in_force(day) for old in item.replaces}
        found = by.get(code)
        while found in by:
            found = by[found]
        return found

    def on(self, day: date) -> list[ServiceItem]:
        """The items that one applies for on a day, by code."""
        replaced = {code for item in self._in_force(day) for code in item.replaces}
        return [item for item in self._in_force(day) if item.code not in replaced]

    def _in_force(self, day: date) -> list[ServiceItem]:
        found = (self._on(code, day) for code in sorted(self._versions))
        return [item for item in found if item is not None]

    def item(self, code: str, day: date) -> ServiceItem:
        """The version of an item that is in force on a day; raises `UnknownService`."""
        item = self._on(code, day)
        if item is None:
            raise UnknownService(f"there is no service {code!r} on {day}")
        return item

    def called(self, code: str) -> tuple[str, str] | None:
        """The names of an item, in Chinese and in English."""
        versions = self._versions.get(code) or self._gone.get(code)
        return versions[-1].called if versions else None

    def versions(self, code: str) -> list[ServiceItem]:
        """All versions of an item, oldest first; raises `UnknownService`."""
        if code not in self._versions:
            raise UnknownService(f"there is no service {code!r}")
        return self._versions[code]

    def all_versions(self) -> list[ServiceItem]:
        """Every version of every item, the oldest of each first."""
        return [item for versions in self._versions.values() for item in versions]

    @cached_property
    def _exactly(self) -> dict[tuple[str, str], ServiceItem]:
        gone = (item for versions in self._gone.values() for item in versions)
        return {(item.code, item.version): item for item in (*gone, *self.all_versions())}

    def _on(self, code: str, day: date) -> ServiceItem | None:
        valid = [item for item in self._versions.get(code, ()) if item.valid_from <= day]
        return valid[-1] if valid else None


def _by_code(items: Iterable[ServiceItem]) -> dict[str, list[ServiceItem]]:
    """The versions of each item, oldest first."""
    found: dict[str, list[ServiceItem]] = {}
    for item in sorted(items, key=lambda item: item.valid_from):
        found.setdefault(item.code, []).append(item)
    return found


def load_services(files: Files, _: Definitions) -> Catalogue:
    """The folder `service`; raises `DefinitionError`."""
    return load_catalogue(files.versions_of("service", code="code"))


def load_purposes(_: Files, definitions: Definitions) -> Purposes:
    """People are identified for services."""
    return definitions.of(Catalogue).purposes()


def load_catalogue(
    paths: Iterable[FilePath], further: Callable[[ServiceItem], Iterable[Problem]] | None = None
) -> Catalogue:
    """Read and check every file, by `further`, too; raises `DefinitionError` with file and line."""
    items: dict[tuple[str, date], ServiceItem] = {}
    for path in paths:
        item, lines = read_yaml(path, ServiceItem)
        if (item.code, item.valid_from) in items:
            raise DefinitionError(f"{path}:1: {item.code!r} of {item.valid_from} is defined twice")
        check = Check(path, lines, item)
        check.run()
        for place, problem in () if further is None else further(item):
            check.fail(place, problem)
        _check_replaces(check, item, items.values())
        items[item.code, item.valid_from] = item
    return Catalogue(items.values())


def _check_replaces(check: Check, item: ServiceItem, others: Iterable[ServiceItem]) -> None:
    """Nothing is replaced by itself, and nothing twice: one follows from each to the last one."""
    by = {old: other.code for other in others for old in other.replaces if other.code != item.code}
    for index, old in enumerate(item.replaces):
        place: Place = ("replaces", index)
        if by.get(old) is not None:
            check.fail(place, f"{by[old]!r} replaces {old!r} already")
        seen, following = old, by.get(item.code)
        while following is not None and following != seen:
            following = by.get(following)
        if old == item.code or following == old:
            check.fail(place, f"{old!r} would be replaced by itself")
