"""Service items: what a citizen can apply for, from which evidence, by which rules.

One file an item and version. The version in force on a day is the latest whose `valid_from`
has come; a decision names it, so that it can be held against exactly these rules.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints

from citybrain.definitions.expressions import Expression, ExpressionWrong
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.yaml_file import Code, DefinitionError, Lines, Place, read_yaml
from citybrain.domain.ages import ADULT_YEARS, CHILD_UNDER_YEARS
from citybrain.errors import NotFound

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Channel = Literal["web", "app", "counter", "kiosk"]


class UnknownService(NotFound):
    """There is no such service item."""

    code = "unknown-service"


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


class FormField(_Definition):
    """What the citizen is asked; everything else is fetched."""

    name: Name
    label: Text
    label_en: Text
    type: Literal["text", "integer", "fen", "date", "boolean", "choice"]
    required: bool = True
    choices: tuple[Text, ...] = ()


class Material(_Definition):
    """A record that is fetched from a department in place of a paper."""

    name: Name
    label: Text
    label_en: Text
    department: Code
    record: Code = Field(description="what the department calls it")


class Parameter(_Definition):
    """A number of the rules that changes by decree: `value` holds from a day on."""

    name: Name
    value: int
    valid_from: date
    source: Text = Field(description="where it comes from, or that we assume it")


class Value(_Definition):
    """Something computed on the way to a decision."""

    name: Name
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
    """Money for the citizen, in whole fen."""

    amount: Name = Field(description="the value that is paid")
    from_account: Code


class Claim(_Definition):
    """What the money is drawn on: one application at a time, whoever applies.

    Where an item that pays says nothing, it is the citizen who can be paid for it once at a time.
    """

    kind: Code
    needs: tuple[Name, ...] = ()
    key: Text = Field(description="an expression: the number of the loan, say")


class ServiceItem(_Definition):
    """One version of a service item."""

    valid_from: date
    code: Code
    name: Text
    name_en: Text
    kind: Literal["approval", "utility", "query", "booking"]
    department: Code
    channels: tuple[Channel, ...] = Field(min_length=1)
    guardian_under_years: int | None = Field(
        None, ge=CHILD_UNDER_YEARS, le=ADULT_YEARS, description="below, a guardian applies"
    )
    source: Text
    baseline: Baseline
    deadline: Deadline
    form: tuple[FormField, ...] = ()
    materials: tuple[Material, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    values: tuple[Value, ...] = ()
    rules: tuple[Rule, ...] = ()
    payout: Payout | None = None
    claim: Claim | None = None

    _compiled: dict[str, Expression] = PrivateAttr(default_factory=dict)

    @property
    def version(self) -> str:
        """The day it begins, and a digest of its contents."""
        unsaid = {"guardian_under_years"} if self.guardian_under_years is None else None
        said = self.model_dump(mode="json", exclude=unsaid)
        content = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
        return f"{self.valid_from}+{hashlib.sha256(content).hexdigest()[:8]}"

    def parameters_on(self, day: date) -> dict[str, int]:
        """The parameters in force on a day."""
        dated = sorted(self.parameters, key=lambda parameter: parameter.valid_from)
        return {each.name: each.value for each in dated if each.valid_from <= day}

    def compute(self, expression: str, values: dict[str, Any]) -> Any:
        """The result of one of its expressions; raises `ExpressionWrong`."""
        if expression not in self._compiled:
            self._compiled[expression] = Expression(expression)
        return self._compiled[expression].value(values)


class Catalogue:
    """All versions of all service items."""

    def __init__(self, items: Iterable[ServiceItem]) -> None:
        self._versions: dict[str, list[ServiceItem]] = {}
        for item in sorted(items, key=lambda item: item.valid_from):
            self._versions.setdefault(item.code, []).append(item)

    def on(self, day: date) -> list[ServiceItem]:
        """The items in force on a day, by code."""
        found = (self._on(code, day) for code in sorted(self._versions))
        return [item for item in found if item is not None]

    def item(self, code: str, day: date) -> ServiceItem:
        """The version of an item that is in force on a day; raises `UnknownService`."""
        item = self._on(code, day)
        if item is None:
            raise UnknownService(f"there is no service {code!r} on {day}")
        return item

    def versions(self, code: str) -> list[ServiceItem]:
        """All versions of an item, oldest first; raises `UnknownService`."""
        if code not in self._versions:
            raise UnknownService(f"there is no service {code!r}")
        return self._versions[code]

    def _on(self, code: str, day: date) -> ServiceItem | None:
        valid = [item for item in self._versions.get(code, ()) if item.valid_from <= day]
        return valid[-1] if valid else None


def load_services(files: Files, _: Definitions) -> Catalogue:
    """The folder `service`; raises `DefinitionError`."""
    return load_catalogue(files.of("service"))


def load_catalogue(paths: Iterable[Path]) -> Catalogue:
    """Read and check every file; raises `DefinitionError` with file and line."""
    items: dict[tuple[str, date], ServiceItem] = {}
    for path in paths:
        item, lines = read_yaml(path, ServiceItem)
        if (item.code, item.valid_from) in items:
            raise DefinitionError(f"{path}:1: {item.code!r} of {item.valid_from} is defined twice")
        _Check(path, lines, item).run()
        items[item.code, item.valid_from] = item
    return Catalogue(items.values())


class _Check:
    """What a schema cannot say: names are unique and known, expressions are CEL."""

    def __init__(self, path: Path, lines: Lines, item: ServiceItem) -> None:
        self._path, self._lines, self._item = path, lines, item
        self._known = {material.name for material in item.materials}

    def run(self) -> None:
        """Check the item; raises `DefinitionError`."""
        item = self._item
        names: set[str] = set()
        for section in ("form", "materials", "values"):
            for index, each in enumerate(getattr(item, section)):
                if each.name in names:
                    self._fail((section, index, "name"), f"{each.name!r} is there twice")
                names.add(each.name)
        for index, field in enumerate(item.form):
            if (field.type == "choice") != bool(field.choices):
                self._fail(("form", index), "a choice, and nothing else, has choices")
        for index, value in enumerate(item.values):
            self._needs(("values", index), value.needs)
            self._expression(("values", index, "expression"), value.expression)
            self._known.add(value.name)
        codes = [rule.code for rule in item.rules]
        for index, rule in enumerate(item.rules):
            if rule.code in codes[:index]:
                self._fail(("rules", index, "code"), f"{rule.code!r} is there twice")
            self._needs(("rules", index), rule.needs)
            self._expression(("rules", index, "require"), rule.require)
            if rule.applies is not None:
                self._expression(("rules", index, "applies"), rule.applies)
        if item.payout is not None and item.payout.amount not in {v.name for v in item.values}:
            self._fail(("payout", "amount"), f"there is no value {item.payout.amount!r}")
        if item.claim is not None:
            if item.payout is None:
                self._fail(("claim",), "only an item that pays claims something")
            self._needs(("claim",), item.claim.needs)
            self._expression(("claim", "key"), item.claim.key)

    def _needs(self, place: Place, needs: tuple[str, ...]) -> None:
        for number, name in enumerate(needs):
            if name not in self._known:
                self._fail((*place, "needs", number), f"there is no {name!r} above")

    def _expression(self, place: Place, source: str) -> None:
        try:
            Expression(source)
        except ExpressionWrong as error:
            self._fail(place, error.message)

    def _fail(self, place: Place, problem: str) -> None:
        raise DefinitionError(f"{self._path}:{self._lines.of(place)}: {problem}")
