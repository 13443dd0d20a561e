"""Expressions of the Common Expression Language (CEL) in definitions, and their functions.

CEL has no loops, no state and no input or output: an expression in a file can compute a rule
and nothing else. https://github.com/google/cel-spec
"""

from datetime import date, timedelta
from typing import Any

from celpy import Environment
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.celtypes import BoolType, IntType
from celpy.evaluation import CELEvalError

from citybrain.errors import CitybrainError

_ENVIRONMENT = Environment()


class ExpressionWrong(CitybrainError):
    """The expression is not CEL, or fails on these values."""

    code = "expression-wrong"


class Expression:
    """A compiled expression. Dates are text, YYYY-MM-DD; money is whole fen."""

    def __init__(self, source: str) -> None:
        self.source = source
        try:
            compiled = _ENVIRONMENT.compile(source)
        except CELParseError as error:
            raise ExpressionWrong(f"this is not CEL: {source}") from error
        self._program = _ENVIRONMENT.program(compiled, functions=FUNCTIONS)

    def value(self, values: dict[str, Any]) -> Any:
        """The result for named JSON values, as JSON; raises `ExpressionWrong`."""
        try:
            found = self._program.evaluate(json_to_cel(values))  # type: ignore[arg-type]
        except (CELEvalError, ValueError, TypeError, KeyError) as error:
            raise ExpressionWrong(
                f"{self.source}: cannot be computed from what is given"
            ) from error
        return _plain(found)


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


def _least(*values: Any) -> Any:
    return min(values)


def _greatest(*values: Any) -> Any:
    return max(values)


def _months_between(first: Any, last: Any) -> IntType:
    """Whole months from one day to another; a month is over on the day of the same number."""
    then, now = date.fromisoformat(first), date.fromisoformat(last)
    if now < then:
        return IntType(-int(_months_between(last, first)))
    months = (now.year - then.year) * 12 + now.month - then.month
    ends_earlier = now.day < then.day and (now + timedelta(days=1)).month == now.month
    return IntType(months - ends_earlier)


def _years_between(first: Any, last: Any) -> IntType:
    return IntType(int(_months_between(first, last) / 12))


FUNCTIONS = {
    "least": _least,
    "greatest": _greatest,
    "months_between": _months_between,
    "years_between": _years_between,
}
