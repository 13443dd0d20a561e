"""Expressions of the Common Expression Language (CEL) in definitions, and their functions.

CEL has no loops, no state and no input or output: an expression in a file can compute a rule
and nothing else. https://github.com/google/cel-spec

`celpy` parses, and has the types and operators. Its interpreter is too slow for rules that are
tried hundreds of times, so what definitions are made of (names, members, literals, operators
and functions) becomes Python closures over the same operators, with the same errors. Anything
else in an expression (lists, macros, methods) is left to the interpreter.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

from celpy import Environment
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.celtypes import BoolType, IntType
from celpy.evaluation import CELEvalError, base_functions
from lark import Token, Tree

from citybrain.domain.ages import months_between, years_between
from citybrain.errors import CitybrainError


@cache
def _environment() -> Environment:
    """To make its parser takes a tenth of a second, and not every process reads expressions."""
    return Environment()


MOST_CHARACTERS, MOST_NESTED = 4_000, 30
_TEXTS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")

Path = tuple[str, ...]
Node = Callable[[Mapping[str, Any]], Any]
"""Computes a part of an expression: a CEL value, or a `CELEvalError` as a value.

CEL's logic takes errors as operands: `true || error` is true.
"""


class ExpressionWrong(CitybrainError):
    """The expression is not CEL, or fails on these values."""

    code = "expression-wrong"


class Expression:
    """A compiled expression. Dates are text, YYYY-MM-DD; money is whole fen."""

    def __init__(self, source: str) -> None:
        self.source = source
        _check_bounds(source)
        try:
            tree = _environment().compile(source)
        except CELParseError as error:
            raise ExpressionWrong(f"this is not CEL: {source}") from error
        self.tree = tree
        """Its syntax, for who checks it."""
        self.reads = frozenset(_paths(tree))
        """The names and members it looks at: `("account", "status")`."""
        self.literals = tuple(_literals(tree))
        """The texts and numbers written in it."""
        try:
            self._compute = _node(tree)
        except _LeftToInterpreter:
            self._compute = _interpreted(tree)

    def value(self, values: Mapping[str, Any]) -> Any:
        """The result for named JSON values, as JSON; raises `ExpressionWrong`."""
        try:
            return _plain(self._compute(values))
        except _WRONG as error:
            raise ExpressionWrong(
                f"{self.source}: cannot be computed from what is given"
            ) from error


def _check_bounds(source: str) -> None:
    """What is nested too deeply takes the parser seconds, and then more stack than there is."""
    depth = deepest = 0
    for each in _TEXTS.sub("", source):
        depth += (each in "([{?") - (each in ")]}:")
        deepest = max(deepest, depth)
    if len(source) > MOST_CHARACTERS or deepest > MOST_NESTED:
        raise ExpressionWrong(
            f"an expression has {MOST_CHARACTERS} characters at most, nested {MOST_NESTED} deep"
        )


def _plain(value: Any) -> Any:
    """A CEL value as JSON has it."""
    if isinstance(value, CELEvalError):
        raise value
    if isinstance(value, BoolType):
        return bool(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return value


# --- functions ----------------------------------------------------------------------------


def _least(*values: Any) -> Any:
    return min(values)


def _greatest(*values: Any) -> Any:
    return max(values)


def _months_between(first: Any, last: Any) -> IntType:
    return IntType(months_between(date.fromisoformat(first), date.fromisoformat(last)))


def _years_between(first: Any, last: Any) -> IntType:
    return IntType(years_between(date.fromisoformat(first), date.fromisoformat(last)))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "least": _least,
    "greatest": _greatest,
    "months_between": _months_between,
    "years_between": _years_between,
}

# --- from syntax to closures --------------------------------------------------------------

_OPERATORS = {
    "relation_lt": "_<_", "relation_le": "_<=_", "relation_gt": "_>_", "relation_ge": "_>=_",
    "relation_eq": "_==_", "relation_ne": "_!=_",
    "addition_add": "_+_", "addition_sub": "_-_",
    "multiplication_mul": "_*_", "multiplication_div": "_/_", "multiplication_mod": "_%_",
    "unary_not": "!_", "unary_neg": "-_",
}  # fmt: skip
_WRAPPERS = {
    "expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary",
    "member", "primary", "paren_expr",
}  # fmt: skip
_NUMBER_WRONG = (TypeError, ValueError, OverflowError, ZeroDivisionError)
_CALL_WRONG = (TypeError, ValueError, AttributeError)
_WRONG = (CELEvalError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_NAMESPACE = "google"  # a name that celpy gives to types of its own
_MACROS = {"has", "dyn"}


class _LeftToInterpreter(Exception):
    """This part of the language has no closure."""


def _interpreted(tree: "Tree[Token]") -> Node:
    program = _environment().program(tree, functions=FUNCTIONS)
    return lambda values: program.evaluate(
        {name: json_to_cel(value) for name, value in values.items()}
    )


def _node(tree: "Tree[Token]") -> Node:
    """The closure of a part; raises `_LeftToInterpreter`."""
    tree = inner(tree)
    path = path_of(tree)
    if path is not None:
        return _lookup(path)
    make = _MAKERS.get(tree.data)
    if make is None:
        raise _LeftToInterpreter
    return make(tree)


def inner(tree: "Tree[Token]") -> "Tree[Token]":
    """Without the rules of grammar around it that have no operator of their own."""
    while tree.data in _WRAPPERS and len(tree.children) == 1:
        (tree,) = trees(tree)
    return tree


def path_of(tree: "Tree[Token]") -> Path | None:
    """The path of a name and its members; None for anything else."""
    tree = inner(tree)
    if tree.data == "ident":
        return (str(tree.children[0]),)
    if tree.data == "member_dot":
        of, name = tree.children
        before = path_of(of) if isinstance(of, Tree) else None
        return None if before is None else (*before, str(name))
    return None


def _paths(tree: "Tree[Token]") -> Iterator[Path]:
    path = path_of(tree)
    if path is not None:
        yield path
        return
    for child in tree.children:
        if isinstance(child, Tree):
            yield from _paths(child)


def _literals(tree: "Tree[Token]") -> Iterator[Any]:
    for literal in tree.find_data("literal"):
        value = constant(literal)
        if isinstance(value, str | int) and not isinstance(value, BoolType):
            yield _plain(value)


def constant(literal: "Tree[Token]") -> Any:
    """The CEL value of a literal; an error where it is none."""
    try:
        return _environment().program(literal).evaluate({})
    except CELEvalError as error:
        return error


def _literal(tree: "Tree[Token]") -> Node:
    value = constant(tree)
    return lambda _: value


def _lookup(path: Path) -> Node:
    """What a path leads to. Only that is made a CEL value, not the whole record."""
    name, *members = path
    if name == _NAMESPACE or name in FUNCTIONS or name in base_functions:
        raise _LeftToInterpreter

    def look(values: Mapping[str, Any]) -> Any:
        if name not in values:
            return CELEvalError(f"undeclared reference to {name!r}")
        value = values[name]
        for member in members:
            if not isinstance(value, dict) or member not in value:
                return CELEvalError(f"no such member: {member!r}")
            value = value[member]
        try:
            return json_to_cel(value)
        except (TypeError, ValueError) as error:
            return _error(error)

    return look


def _choice(tree: "Tree[Token]") -> Node:
    condition, then, other = map(_node, trees(tree))

    def choose(values: Mapping[str, Any]) -> Any:
        chosen = condition(values)
        if not isinstance(chosen, BoolType):
            return CELEvalError("no such overload")
        return then(values) if chosen else other(values)

    return choose


def _logic(symbol: str) -> Callable[["Tree[Token]"], Node]:
    return lambda tree: _applied(base_functions[symbol], list(map(_node, trees(tree))))


def _binary(tree: "Tree[Token]") -> Node:
    operator, right = trees(tree)
    if operator.data not in _OPERATORS:
        raise _LeftToInterpreter
    (left,) = trees(operator)
    return _applied(base_functions[_OPERATORS[operator.data]], [_node(left), _node(right)])


def _unary(tree: "Tree[Token]") -> Node:
    operator, operand = trees(tree)
    return _applied(base_functions[_OPERATORS[operator.data]], [_node(operand)])


def _applied(function: Callable[..., Any], operands: list[Node]) -> Node:
    """An operator: it gets errors, too, and knows what becomes of them."""

    def apply(values: Mapping[str, Any]) -> Any:
        try:
            return function(*[operand(values) for operand in operands])
        except _NUMBER_WRONG as error:
            return _error(error)

    return apply


def _call(tree: "Tree[Token]") -> Node:
    name = str(tree.children[0])
    function = FUNCTIONS.get(name, base_functions.get(name))
    if function is None or name in _MACROS:
        raise _LeftToInterpreter
    operands = [_node(each) for lists in trees(tree) for each in trees(lists)]

    def call(values: Mapping[str, Any]) -> Any:
        given = [operand(values) for operand in operands]
        for each in given:
            if isinstance(each, CELEvalError):
                return each
        try:
            return function(*given)
        except _CALL_WRONG as error:
            return _error(error)

    return call


def _error(error: Exception) -> CELEvalError:
    return CELEvalError("no such overload", type(error), error.args)


def trees(tree: "Tree[Token]") -> list["Tree[Token]"]:
    """The parts below."""
    return [child for child in tree.children if isinstance(child, Tree)]


_MAKERS: dict[str, Callable[["Tree[Token]"], Node]] = {
    "literal": _literal,
    "expr": _choice,
    "conditionalor": _logic("_||_"),
    "conditionaland": _logic("_&&_"),
    "relation": _binary,
    "addition": _binary,
    "multiplication": _binary,
    "unary": _unary,
    "ident_arg": _call,
}
