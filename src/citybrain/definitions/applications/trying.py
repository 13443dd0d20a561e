"""Tries a service item on the examples that it carries.

An item is in order where its evidence is approved, each rule refuses alone with its reason, and
each record that is missing refers.
"""

import copy
from collections.abc import Iterator
from typing import Any

from citybrain.definitions.applications.catalogue import Problem, ServiceItem
from citybrain.definitions.applications.deciding import Decision, Outcome, decide
from citybrain.definitions.applications.examples import Changes, Examples
from citybrain.definitions.applications.forms import FormInvalid, checked_form
from citybrain.definitions.yaml_file import Place


def problems_of(item: ServiceItem) -> Iterator[Problem]:
    """What is wrong with an item's examples, and where in its file."""
    if item.payout is not None and not item.draws_on:
        yield ("payout",), "draws_on: an item that pays says what it draws on"
    for index, value in enumerate(item.values):
        paid = item.payout is not None and item.payout.amount == value.name
        if paid and value.type != "money_fen":
            yield ("values", index), f"{value.name} is paid: its type is money_fen"
    examples = item.examples
    if examples is None:
        yield (), "examples: an item shows what is approved, refused by each rule, and referred"
        return
    yield from _uncovered(item, examples)
    yield from _approved(item, examples)
    for index, refusal in enumerate(examples.refuses):
        place: Place = ("examples", "refuses", index)
        found = _decided(item, examples, refusal.change, None)
        if isinstance(found, str):
            yield place, found
        elif (found.outcome, found.reasons) != (Outcome.REFUSED, (refusal.rule,)):
            yield place, f"this is not refused by {refusal.rule} alone: {_said(found)}"
    for index, referral in enumerate(examples.refers):
        place = ("examples", "refers", index)
        found = _decided(item, examples, referral.change, referral.without)
        if isinstance(found, str):
            yield place, found
        elif found.outcome is not Outcome.REFERRED:
            yield place, f"this is not referred: {_said(found)}"


def _uncovered(item: ServiceItem, examples: Examples) -> Iterator[Problem]:
    refused = {refusal.rule for refusal in examples.refuses}
    for index, rule in enumerate(item.rules):
        if rule.code not in refused:
            yield ("rules", index), f"no example is refused by {rule.code}"
    missing = {referral.without for referral in examples.refers}
    for index, material in enumerate(item.materials):
        if material.name not in missing:
            yield ("materials", index), f"no example is referred without {material.name}"


def _approved(item: ServiceItem, examples: Examples) -> Iterator[Problem]:
    place: Place = ("examples", "evidence")
    found = _decided(item, examples, {}, None)
    if isinstance(found, str):
        yield place, found
    elif found.outcome is not Outcome.APPROVED:
        yield place, f"this is not approved: {_said(found)}"
    elif found.amount_fen != examples.pays_fen:
        yield place, f"this pays {found.amount_fen} fen, not {examples.pays_fen}"


def _decided(
    item: ServiceItem, examples: Examples, change: Changes, without: str | None
) -> Decision | str:
    """The decision on changed examples; or what is wrong with them."""
    form, evidence = changed(examples, change)
    known = {material.name for material in item.materials}
    unknown = sorted(set(evidence) - known)
    if unknown:
        return f"there is no material {unknown[0]!r}"
    if without is not None and evidence.pop(without, None) is None:
        return f"there is no record {without!r} to be missing"
    try:
        return decide(item, checked_form(item, form, examples.day), evidence, examples.day)
    except FormInvalid as invalid:
        field = invalid.details["fields"][0]
        return f"form.{field['name']}: {field['problem']}"


def changed(examples: Examples, change: Changes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The form and the evidence with other values in some places."""
    form, evidence = copy.deepcopy(examples.form), copy.deepcopy(examples.evidence)
    for place, value in change.items():
        where, _, member = place.partition(".")
        (form if where == "form" else evidence.setdefault(where, {}))[member] = value
    return form, evidence


def _said(decision: Decision) -> str:
    because = "; ".join(step.because for step in decision.steps if step.because)
    reasons = ", ".join(decision.reasons)
    return " ".join(filter(None, (decision.outcome.value, reasons, because and f"({because})")))
