"""Checks a citizen's answers against the form of a service item. Errors never repeat an answer."""

from typing import Any

from citybrain.definitions.applications.catalogue import FormField, ServiceItem
from citybrain.errors import InvalidInput


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
    fits, wanted = field.check()
    return None if fits(answer) else wanted
