"""Checks what a schema of a service item cannot say: names, types, and what rules compare."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from citybrain.definitions.applications.draws import APPLICANT, expressions
from citybrain.definitions.applications.kinds import (
    ANY,
    NUMBERS,
    Checker,
    Kind,
    KindWrong,
    Scope,
    kind_of_member,
)
from citybrain.definitions.applications.types import Member
from citybrain.definitions.expressions import FUNCTIONS, ExpressionWrong
from citybrain.definitions.yaml_file import DefinitionError, Lines, Place
from citybrain.domain.citizens import Assurance

if TYPE_CHECKING:
    from citybrain.definitions.applications.catalogue import FormField, ServiceItem

GIVEN = ("today", "form", "parameters")
"""The names that every expression has; no material and no value is called so."""

OF_NOBODY = ("today", "parameters")
"""What is the same for everybody."""

OF_APPLICANT = ("account", "person")
KEYS = ("text", "identity_number", "whole", "any")


class Check:
    """One item against itself; raises `DefinitionError` with file and line."""

    def __init__(self, path: Any, lines: Lines, item: "ServiceItem") -> None:
        self._path, self._lines, self._item = path, lines, item
        self._scope: dict[str, Any] = {
            "form": {f.name: kind_of_field(f) for f in item.form},
            "parameters": {p.name: Kind("whole", f"parameters.{p.name}") for p in item.parameters},
            "today": Kind("date", "today"),
        } | {
            material.name: {
                name: kind_of_member(member, f"{material.name}.{name}")
                for name, member in material.members.items()
            }
            for material in item.materials
        }
        self._known = {material.name for material in item.materials}

    def run(self) -> None:
        """Check the item; raises `DefinitionError`."""
        self._names()
        self._form_and_parameters()
        self._values()
        self._rules()
        self._payout()
        self._draws_on()

    def fail(self, place: Place, problem: str) -> None:
        """Raise, with the line of the place."""
        raise DefinitionError(f"{self._path}:{self._lines.of(place)}: {problem}")

    def _names(self) -> None:
        item, names = self._item, set[str]()
        for section in ("form", "materials", "values"):
            for index, each in enumerate(getattr(item, section)):
                if each.name in names:
                    self.fail((section, index, "name"), f"{each.name!r} is there twice")
                if section != "form" and each.name in (*GIVEN, *FUNCTIONS):
                    self.fail(
                        (section, index, "name"), f"{each.name!r} is what expressions know already"
                    )
                names.add(each.name)

    def _form_and_parameters(self) -> None:
        item = self._item
        for index, field in enumerate(item.form):
            if (field.type == "choice") != bool(field.choices):
                self.fail(("form", index), "a choice, and nothing else, has choices")
            if len(set(field.choices)) < len(field.choices):
                self.fail(("form", index), "a choice is there twice")
        days: dict[str, set[Any]] = {}
        types: dict[str, str] = {}
        for index, parameter in enumerate(item.parameters):
            before = days.setdefault(parameter.name, set())
            if parameter.valid_from in before:
                self.fail(("parameters", index), f"{parameter.name} has two values on that day")
            before.add(parameter.valid_from)
            kind = types.setdefault(parameter.name, parameter.type)
            if parameter.type != kind:
                self.fail(("parameters", index), f"{parameter.name} is {kind} elsewhere")
        for index, parameter in enumerate(item.parameters):
            if min(days[parameter.name]) > item.valid_from:
                self.fail(
                    ("parameters", index, "valid_from"),
                    f"{parameter.name} has no value from {item.valid_from} on",
                )

    def _values(self) -> None:
        for index, value in enumerate(self._item.values):
            place: Place = ("values", index)
            self._needs(place, value.needs)
            kind = self._kind((*place, "expression"), value.expression, value.needs)
            if value.type is not None:
                wanted = _of_type(value.type, value.name)
                if kind.of != "any" and (kind.group != wanted.group or kind.of == "fraction"):
                    self.fail((*place, "type"), f"{value.name} is {_plain(kind)}, no {value.type}")
                kind = kind if kind.choices else wanted
            self._scope[value.name] = Kind(kind.of, value.name, kind.choices)
            self._known.add(value.name)

    def _rules(self) -> None:
        item = self._item
        if not item.rules and item.automatic is None:
            self.fail(
                (), "without a rule everybody is approved: say `automatic: nobody-is-refused`"
            )
        if item.rules and item.automatic is not None:
            self.fail(("automatic",), "there are rules that refuse")
        codes = [rule.code for rule in item.rules]
        for index, rule in enumerate(item.rules):
            place: Place = ("rules", index)
            if rule.code in codes[:index]:
                self.fail((*place, "code"), f"{rule.code!r} is there twice")
            self._needs(place, rule.needs)
            for name, source in (("applies", rule.applies), ("require", rule.require)):
                if source is not None:
                    kind = self._kind((*place, name), source, rule.needs)
                    if kind.of not in ("boolean", "any"):
                        self.fail(
                            (*place, name), f"this is {_plain(kind)} and neither true nor false"
                        )

    def _payout(self) -> None:
        item = self._item
        if item.payout is not None and item.identity_level is Assurance.LOW:
            self.fail(("identity_level",), "what pays asks for at least `substantial`")
        if item.payout is not None:
            paid: Kind = self._scope.get(item.payout.amount, ANY)
            if item.payout.amount not in {value.name for value in item.values}:
                self.fail(("payout", "amount"), f"there is no value {item.payout.amount!r}")
            elif paid.of not in ("whole", "any"):
                self.fail(("payout", "amount"), f"{_plain(paid)} cannot be paid: whole fen can")
        if item.claim is not None:
            if item.payout is None:
                self.fail(("claim",), "only an item that pays claims something")
            self._needs(("claim",), item.claim.needs)
            self._kind(("claim", "key"), item.claim.key, item.claim.needs)

    def _draws_on(self) -> None:
        item, things = self._item, set[tuple[str, str | None, str]]()
        if item.draws_on and item.payout is None:
            self.fail(("draws_on",), "only an item that pays draws on something")
        if item.draws_on and APPLICANT in self._scope:
            self.fail((), f"{APPLICANT!r} is what keys know already: no material is called so")
        for index, each in enumerate(item.draws_on):
            place: Place = ("draws_on", index)
            if (each.kind, each.of, each.key) in things:
                self.fail((*place, "kind"), f"this {each.kind} is there twice")
            things.add((each.kind, each.of, each.key))
            if each.key == APPLICANT and each.kind not in OF_APPLICANT:
                self.fail((*place, "key"), f"a {each.kind} is not the {APPLICANT}: it has a number")
            if each.kind == "account" and each.available is None:
                self.fail(place, "say with `available` what can be drawn from the account")
            self._needs(place, each.needs)
            self._scope[APPLICANT] = Kind("text", APPLICANT)
            for member, source in expressions(each):
                kind = self._kind((*place, *member), source, (*each.needs, APPLICANT))
                if member == ("key",) and self._same_for_all(source):
                    self.fail((*place, *member), "this is the same for everybody, and no key")
                if member == ("key",) and kind.of not in KEYS:
                    self.fail((*place, *member), f"{_plain(kind)} is no key: a number or text is")
                if member != ("key",) and kind.of not in ("whole", "any"):
                    self.fail((*place, *member), f"this is {_plain(kind)} and no whole fen")
            del self._scope[APPLICANT]

    def _same_for_all(self, source: str) -> bool:
        """Whether nothing in it is of the applicant, however many values it is computed over."""
        computed = {value.name: value.expression for value in self._item.values}
        roots = {path[0] for path in self._item.compiled(source).reads}
        return all(
            root in OF_NOBODY or (root in computed and self._same_for_all(computed[root]))
            for root in roots
        )

    def _needs(self, place: Place, needs: Iterable[str]) -> None:
        for number, name in enumerate(needs):
            if name not in self._known:
                self.fail((*place, "needs", number), f"there is no {name!r} above")

    def _kind(self, place: Place, source: str, needs: Iterable[str]) -> Kind:
        scope: Scope = self._scope
        checker = Checker(scope)
        try:
            kind = checker.kind(self._item.compiled(source).tree)
        except ExpressionWrong as error:
            self.fail(place, error.message)
        except KindWrong as wrong:
            self.fail(place, str(wrong))
        else:
            missing = sorted(checker.reads - set(needs) - set(GIVEN))
            if missing:
                self.fail(place, f"{missing[0]} is read here and not named in `needs`")
            return kind
        raise AssertionError("unreachable")


def kind_of_field(field: "FormField") -> Kind:
    """The kind of an answer."""
    of = {"integer": "whole", "fen": "whole"}.get(field.type, field.type)
    return Kind(of, f"form.{field.name}", field.choices)


def _of_type(type_: Any, name: str) -> Kind:
    if type_ == "choice":
        return Kind("text", name)
    return kind_of_member(Member(type=type_), name)


def _plain(kind: Kind) -> str:
    what = {"whole": "a whole number", "boolean": "true or false", "null": "nothing"}
    word = "a number" if kind.of in NUMBERS and kind.of not in what else f"a {kind.of}"
    return what.get(kind.of, word)
