"""Expressions as closures: the interpreter of celpy says the same, also of what is wrong."""

from typing import Any

import pytest
from celpy import Environment
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError
from hypothesis import example, given
from hypothesis import strategies as st

from citybrain.definitions.expressions import FUNCTIONS, Expression, ExpressionWrong, _plain
from tests.given.catalogue import CATALOGUE, GOOD, TODAY

ITEMS = CATALOGUE.on(TODAY)
OF_ITEMS = sorted(
    {
        (item.code, source)
        for item in ITEMS
        for source in (
            *(value.expression for value in item.values),
            *(rule.require for rule in item.rules),
            *(rule.applies for rule in item.rules if rule.applies is not None),
            *([item.claim.key] if item.claim is not None else []),
        )
    }
)
OTHERS = (
    "a",
    "a.b",
    "a.b.c",
    "-a.b",
    "!a.b",
    "!!a.b",
    "a.b + 1",
    "a.b - c",
    "a.b * 2 / c % 3",
    "a.b == null",
    "a == c",
    "a.b != c",
    "a.b < c",
    "(a.b >= 1) || c",
    "a.b > 1 && c == 'x'",
    "a.b ? c : a.b",
    "a.b == 1 ? c : unknown",
    "unknown || a.b",
    "true || a.b.c.d",
    "1.5 < c",
    "has(a.b)",
    "a.b in [1, 2]",
    "[a.b, c]",
    "{'x': a.b}",
    "size(c)",
    "string(a.b)",
    "int(c)",
    "c.size()",
    "a.b.startsWith('x')",
    "type(c)",
    "size",
    "google",
    "least(a.b, c, 3)",
    "greatest(a.b)",
    "months_between(c, '2026-03-01')",
    "years_between('2000-02-29', c)",
    "nothing(c)",
    "1 / 0 == 1 || true",
    "9223372036854775807 + c",
    "[c].map(x, x + 1)",
    "'張' + c",
)
RUNNERS: dict[str, Any] = {}

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(["2026-03-01", "2025-02-28", "9999-12-31", "normal", "phd", "P001", "h1"])
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["b", "c", "status", "home"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def interpreted(source: str, values: dict[str, Any]) -> Any:
    """What celpy's own interpreter says: a JSON value, or that it is an error."""
    if source not in RUNNERS:
        environment = Environment()
        RUNNERS[source] = environment.program(environment.compile(source), functions=FUNCTIONS)
    try:
        return "value", _plain(RUNNERS[source].evaluate(json_to_cel(values)))
    except (CELEvalError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return "error", None


def computed(source: str, values: dict[str, Any]) -> Any:
    try:
        return "value", Expression(source).value(values)
    except ExpressionWrong:
        return "error", None


def same(source: str, values: dict[str, Any]) -> None:
    expected, found = interpreted(source, values), computed(source, values)
    assert (repr(found), found) == (repr(expected), expected)  # True is not 1


@st.composite
def of_items(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An expression of an item with records of which some lack members or have wrong ones."""
    code, source = draw(st.sampled_from(OF_ITEMS))
    item = CATALOGUE.item(code, TODAY)
    form, evidence = GOOD[code]
    values: dict[str, Any] = {
        "form": dict(form),
        "today": str(TODAY),
        "parameters": item.parameters_on(TODAY),
        **{name: dict(record) for name, record in evidence.items()},
        **{value.name: draw(st.integers(-5, 5)) for value in item.values},
    }
    for path in sorted(Expression(source).reads):
        match draw(st.integers(0, 5)):
            case 0:
                values[path[0]] = draw(anything)
            case 1:
                values.pop(path[0], None)
            case 2 if isinstance(values.get(path[0]), dict):
                values[path[0]].pop(path[-1], None)
            case 3 | 4 if isinstance(values.get(path[0]), dict):
                values[path[0]][path[-1]] = draw(anything)
    return source, values


@given(of_items())
def test_expressions_of_all_items_are_as_the_interpreter_has_them(
    drawn: tuple[str, dict[str, Any]],
) -> None:
    same(*drawn)


@given(st.sampled_from(OTHERS), anything, st.dictionaries(st.just("b"), anything) | anything)
@example("a.b ? c : a.b", "x", {"b": 1})
@example("size", 1, 1)
def test_the_rest_of_the_language_too(source: str, c: Any, a: Any) -> None:
    same(source, {"a": a, "c": c})
    same(source, {"c": c})


def test_all_expressions_of_items_are_closures() -> None:
    """None of them has to go the slow way."""
    names = {Expression(source)._compute.__qualname__ for _, source in OF_ITEMS}
    assert not {name for name in names if "_interpreted" in name}


def test_an_expression_knows_what_it_reads_and_what_is_written_in_it() -> None:
    expression = Expression('a.b.c == "x" ? least(d, 12) : -a.e + today')
    assert expression.reads == {("a", "b", "c"), ("d",), ("a", "e"), ("today",)}
    assert sorted(map(str, expression.literals)) == ["12", "x"]


def test_a_number_beyond_64_bits_spoils_only_what_looks_at_it() -> None:
    values = {"a": {"b": 2**70, "c": 1}}
    assert Expression("a.c == 1").value(values) is True
    assert Expression("a.b > 1 || true").value(values) is True
    with pytest.raises(ExpressionWrong):
        Expression("a.b == 1").value(values)


@pytest.mark.parametrize(
    "source",
    [
        "(" * 300 + "1" + ")" * 300,
        "[" * 31 + "]" * 31,
        "f(" * 31 + "1" + ")" * 31,
        "true ? " * 31 + "1" + " : 1" * 31,
        "1" + " + 1" * 2_000,
    ],
)
def test_what_is_nested_too_deeply_is_told_at_once(source: str) -> None:
    with pytest.raises(ExpressionWrong, match="at most"):
        Expression(source)


def test_brackets_in_texts_nest_nothing() -> None:
    text = "(" * 50 + r"\"" + "[" * 50
    assert Expression(f'"{text}"').value({}).startswith("((")
