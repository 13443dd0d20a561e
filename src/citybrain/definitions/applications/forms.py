"""Checks a citizen's answers against the form of a service item. Errors never repeat an answer."""

from datetime import date
from typing import Any

from citybrain.definitions.applications.catalogue import FormField, ServiceItem
from citybrain.errors import InvalidInput


class FormInvalid(InvalidInput):
    """The answers do not fit the form; `fields` says which and why."""

    code = "form-invalid"


def checked_form(item: ServiceItem, answers: dict[str, Any], today: date) -> dict[str, Any]:
    """The answers of a day, complete and of the right types; raises `FormInvalid`."""
    known = {field.name for field in item.form}
    problems = [
        {"name": name[:64], "problem": "this is not asked"} for name in answers if name not in known
    ][:20]
    for field in item.form:
        problem = _problem(field, answers.get(field.name), today)
        if problem is not None:
            problems.append({"name": field.name, "problem": problem})
    if problems:
        raise FormInvalid("the answers do not fit the form", fields=problems)
    return {field.name: answers.get(field.name) for field in item.form}


def checked_draft(item: ServiceItem, answers: dict[str, Any], today: date) -> dict[str, Any]:
    """Answers of a form that is not finished: those that are there fit; raises `FormInvalid`."""
    fields = {field.name: field for field in item.form}
    problems = [
        {"name": name[:64], "problem": "this is not asked"}
        if name not in fields
        else {"name": name, "problem": _problem(fields[name], answer, today)}
        for name, answer in answers.items()
        if name not in fields or (answer is not None and _problem(fields[name], answer, today))
    ]
    if problems:
        raise FormInvalid("the answers do not fit the form", fields=problems[:20])
    return {name: answer for name, answer in answers.items() if answer is not None}


def _problem(field: FormField, answer: Any, today: date) -> str | None:
    if answer is None:
        return "an answer is required" if field.required else None
    fits, wanted = field.check()
    return None if fits(answer, today.isoformat()) else wanted
