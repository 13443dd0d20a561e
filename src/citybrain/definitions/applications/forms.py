"""Checks a citizen's answers against the form of a service item. Errors never repeat an answer."""

from collections.abc import Callable
from datetime import date
from typing import Any

from citybrain.definitions.applications.catalogue import FormField, ServiceItem
from citybrain.errors import InvalidInput

LONGEST_TEXT = 500
MOST = 10**12


class FormInvalid(InvalidInput):
    """The answers do not fit the form; `fields` says which and why."""

    code = "form-invalid"


def checked_form(item: ServiceItem, answers: dict[str, Any]) -> dict[str, Any]:
    """The answers, complete and of the right types; raises `FormInvalid`."""
    known = {field.name for field in item.form}
    problems = [
        {"name": name[:64], "problem": "this is not asked"} for name in answers if name not in known
    ][:20]
    for field in item.form:
        problem = _problem(field, answers.get(field.name))
        if problem is not None:
            problems.append({"name": field.name, "problem": problem})
    if problems:
        raise FormInvalid("the answers do not fit the form", fields=problems)
    return {field.name: answers.get(field.name) for field in item.form}


def _problem(field: FormField, answer: Any) -> str | None:
    if answer is None:
        return "an answer is required" if field.required else None
    if field.type == "choice":
        return None if answer in field.choices else f"one of: {', '.join(field.choices)}"
    fits, wanted = FITS[field.type]
    return None if fits(answer) else wanted


def _is_text(answer: Any) -> bool:
    return isinstance(answer, str) and 0 < len(answer) <= LONGEST_TEXT and answer.isprintable()


def _is_integer(answer: Any) -> bool:
    return isinstance(answer, int) and not isinstance(answer, bool) and abs(answer) <= MOST


def _is_date(answer: Any) -> bool:
    try:
        return isinstance(answer, str) and len(answer) == 10 and bool(date.fromisoformat(answer))
    except ValueError:
        return False


FITS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "text": (_is_text, f"a text of at most {LONGEST_TEXT} printable characters"),
    "integer": (_is_integer, "a whole number"),
    "fen": (lambda answer: _is_integer(answer) and answer >= 0, "a whole number of fen"),
    "date": (_is_date, "a date, YYYY-MM-DD"),
    "boolean": (lambda answer: isinstance(answer, bool), "true or false"),
}
