"""What kind of value an expression gives, found out without computing it.

A small type checker over CEL's syntax tree: names, members and functions are known, what is
compared is of one kind, and a choice is compared with what it can be. What it cannot know is `any`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from celpy.evaluation import base_functions
from lark import Token, Tree

from citybrain.definitions.applications.types import RANGES, Member, is_date
from citybrain.definitions.expressions import FUNCTIONS, Path, constant, inner, path_of, trees

NUMBERS = ("whole", "fraction")
TEXTS = ("text", "date", "choice", "identity_number")
TRUTHS = ("all", "exists", "exists_one")
MACROS = (*TRUTHS, "map", "filter")
TEXT_METHODS = ("startsWith", "endsWith", "contains", "matches")
GIVES = {"size": "whole", "int": "whole", "uint": "whole", "double": "fraction", "string": "text"}
DAYS = ("months_between", "years_between")
WORDS = {"whole": "a whole number", "fraction": "a fraction", "boolean": "true or false"}


class KindWrong(Exception):
    """What is wrong with an expression."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value; `name` is what it is called in the expression, `literal` what is written.

    `blank`: it may be a blank that means something, in its record.
    """

    of: str
    name: str = ""
    choices: tuple[str, ...] = ()
    literal: Any = None
    blank: bool = False

    @property
    def group(self) -> str:
        """Numbers can be compared with one another, and texts."""
        return "number" if self.of in NUMBERS else "text" if self.of in TEXTS else self.of

    @property
    def words(self) -> str:
        """What it is, for a message."""
        return self.name or WORDS.get(self.of, f"a {self.of}")


ANY, BOOLEAN, NULL = Kind("any"), Kind("boolean"), Kind("null")


def kind_of_member(member: Member, name: str = "") -> Kind:
    """The kind of what is declared so."""
    of = "whole" if member.type in RANGES else member.type
    return Kind(of, name, member.choices, blank=member.blank is not None)


Scope = Mapping[str, Kind | Mapping[str, Kind]]
"""The names an expression may use: values, and records with their members."""


class Checker:
    """Checks expressions against a scope; `reads` are the names that the last one used."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._variables: dict[str, Kind] = {}
        self.reads: set[str] = set()

    def kind(self, tree: "Tree[Token]") -> Kind:
        """What an expression gives; raises `KindWrong`."""
        tree = inner(tree)
        path = path_of(tree)
        if path is not None:
            return self._looked_up(path)
        return RULES.get(tree.data, Checker._unknown)(self, tree)

    def _looked_up(self, path: Path) -> Kind:
        name, *members = path
        if name in self._variables:
            return self._variables[name]
        if name not in self._scope:
            raise KindWrong(f"nothing is called {name!r} here")
        self.reads.add(name)
        found = self._scope[name]
        if isinstance(found, Kind):
            if members:
                raise KindWrong(f"{name} has no members")
            return found
        if not members:
            raise KindWrong(f"say which member of {name} is meant: {name}.{next(iter(found), '…')}")
        if members[0] not in found or len(members) > 1:
            known = ", ".join(found) or "none"
            raise KindWrong(f"{'.'.join(path)} is not declared; of {name} there is: {known}")
        return found[members[0]]

    def _kinds(self, tree: "Tree[Token]") -> list[Kind]:
        return [self.kind(each) for each in trees(tree)]

    def _unknown(self, tree: "Tree[Token]") -> Kind:
        return _any(self._kinds(tree))

    def _literal(self, tree: "Tree[Token]") -> Kind:
        value = constant(tree)
        if value is None:
            return NULL
        if isinstance(value, str):
            return Kind("date" if is_date(str(value)) else "text", repr(str(value)), literal=value)
        if type(value).__name__ == "BoolType":
            return BOOLEAN
        if isinstance(value, int):
            return Kind("whole")
        return Kind("fraction") if isinstance(value, float) else ANY

    def _choice(self, tree: "Tree[Token]") -> Kind:
        condition, then, other = self._kinds(tree)
        _expect(condition, "boolean", "a condition")
        blank = any(each.blank or each.literal == "" for each in (then, other))
        if "any" in (then.of, other.of):
            return Kind("any", blank=blank)
        if then.group != other.group:
            raise KindWrong(f"gives either {then.words} or {other.words}")
        if then.of == other.of:
            return replace(then, blank=blank)
        return Kind("fraction" if then.of in NUMBERS else "text", blank=blank)

    def _logic(self, tree: "Tree[Token]") -> Kind:
        for each in self._kinds(tree):
            _expect(each, "boolean", "&& and || join conditions")
        return BOOLEAN

    def _relation(self, tree: "Tree[Token]") -> Kind:
        operator, right = trees(tree)
        left, right_kind = self.kind(trees(operator)[0]), self.kind(right)
        if left.blank and right_kind.blank:
            raise KindWrong(
                f"{left.words} and {right_kind.words}: both may be blank: two blanks prove nothing"
            )
        if operator.data != "relation_in":
            _comparable(left, right_kind)
            _comparable(right_kind, left)
            if operator.data not in ("relation_eq", "relation_ne") and left.of == "boolean":
                raise KindWrong("true is neither more nor less than false")
        return BOOLEAN

    def _arithmetic(self, tree: "Tree[Token]") -> Kind:
        operator, right = trees(tree)
        both = (self.kind(trees(operator)[0]), self.kind(right))
        if "any" in (both[0].of, both[1].of):
            return _any(both)
        if {each.group for each in both} != {"number"}:
            raise KindWrong(f"cannot count with {both[0].words} and {both[1].words}")
        return Kind("fraction" if any(each.of == "fraction" for each in both) else "whole")

    def _unary(self, tree: "Tree[Token]") -> Kind:
        operator, operand = trees(tree)
        kind = self.kind(operand)
        if operator.data == "unary_not":
            return _expect(kind, "boolean", "! turns a condition")
        return _expect(kind, "number", "- turns a number")

    def _call(self, tree: "Tree[Token]") -> Kind:
        name = str(tree.children[0])
        given = [self.kind(each) for lists in trees(tree) for each in trees(lists)]
        if name in DAYS:
            if len(given) != 2:
                raise KindWrong(f"{name} is of two days")
            for each in given:
                _expect(each, "date", name)
            return Kind("whole")
        if name in FUNCTIONS:
            if not given:
                raise KindWrong(f"{name} is of one number at least")
            for each in given:
                _expect(each, "number", name)
            kinds = {each.of for each in given}
            of = next((of for of in ("any", "fraction") if of in kinds), "whole")
            return replace(_any(given), of=of)
        if name == "has":
            return BOOLEAN
        if name not in base_functions and name != "dyn":
            raise KindWrong(f"there is no function {name!r}")
        return replace(_any(given), of=GIVES.get(name, "any"))

    def _method(self, tree: "Tree[Token]") -> Kind:
        of, name, *lists = tree.children
        assert isinstance(of, Tree)
        if str(name) not in (*MACROS, *TEXT_METHODS) and str(name) not in base_functions:
            raise KindWrong(f"there is no function {str(name)!r}")
        kind = self.kind(of)
        given = [each for each in lists if isinstance(each, Tree)]
        if name in MACROS and given:
            variable = path_of(trees(given[0])[0])
            self._variables |= {variable[0]: _any([kind])} if variable else {}
        found = [kind, *(each for one in given for each in self._kinds(one))]
        if name not in TEXT_METHODS:
            return ANY if name in TRUTHS else _any(found)
        if any(each.blank for each in found[1:]):
            raise KindWrong(f"{name}: {found[1].words} may be blank, and a blank is in every text")
        return BOOLEAN


RULES: dict[str, Callable[[Checker, "Tree[Token]"], Kind]] = {
    "literal": Checker._literal,
    "expr": Checker._choice,
    "conditionalor": Checker._logic,
    "conditionaland": Checker._logic,
    "relation": Checker._relation,
    "addition": Checker._arithmetic,
    "multiplication": Checker._arithmetic,
    "unary": Checker._unary,
    "ident_arg": Checker._call,
    "member_dot_arg": Checker._method,
}


def _any(kinds: Iterable[Kind]) -> Kind:
    """What is made of them, whatever it is: where one may be blank, so may it be."""
    return Kind("any", blank=any(each.blank for each in kinds))


def _expect(kind: Kind, wanted: str, where: str) -> Kind:
    if kind.of != "any" and wanted not in (kind.of, kind.group):
        word = WORDS.get(wanted, f"a {wanted}")
        raise KindWrong(f"{where}: {kind.words} is not {word}")
    return kind


def _comparable(one: Kind, other: Kind) -> None:
    """Raises `KindWrong` where the comparison proves nothing."""
    if "null" in (one.of, other.of):
        raise KindWrong("nothing is compared with null: what is not there is unknown")
    if "any" in (one.of, other.of):
        return
    if one.group != other.group:
        raise KindWrong(f"compares {one.words} with {other.words}")
    if not isinstance(other.literal, str) or isinstance(one.literal, str):
        return
    if other.literal == "":
        return  # always unequal: a blank is no value
    if one.choices and other.literal not in one.choices:
        raise KindWrong(f"{one.words} is never {other.words}: {', '.join(one.choices)}")
    if one.of == "date" and other.of != "date":
        raise KindWrong(f"{one.words} is a date, and {other.words} is none")
