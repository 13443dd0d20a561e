"""Decides an application by the rules of its service item, and says how.

A rule whose evidence is missing decides nothing: it refers the case to an officer. So a
source that does not answer never causes a refusal. A rule that fails on evidence refuses.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from citybrain.definitions.applications.catalogue import Rule, ServiceItem
from citybrain.definitions.expressions import ExpressionWrong
from citybrain.domain.applications.statuses import Status
from citybrain.domain.money import AmountAboveCeiling, AmountInvalid, Fen

AMOUNT_UNKNOWN = "amount-unknown"


class Outcome(StrEnum):
    """What is decided: one of the statuses that an application then has."""

    APPROVED = Status.APPROVED.value
    REFUSED = Status.REFUSED.value
    REFERRED = Status.REFERRED.value


class Finding(StrEnum):
    """What a rule said."""

    MET = "met"
    FAILED = "failed"
    NOT_APPLICABLE = "not-applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """One rule or value on the way: what it found, and why where it could not be computed."""

    name: str
    expression: str
    finding: Finding | None
    value: Any = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome with its reasons (codes of rules), the payout in fen, and the whole way."""

    outcome: Outcome
    item_version: str
    reasons: tuple[str, ...]
    amount_fen: int | None
    parameters: dict[str, int]
    steps: tuple[Step, ...]


def decide(
    item: ServiceItem, form: dict[str, Any], evidence: dict[str, Any], today: date
) -> Decision:
    """Decide on the form's answers and on the records at hand (by name of the material).

    A material that is not in `evidence`, or None, has not been delivered.
    """
    parameters = item.parameters_on(today)
    known = {name: record for name, record in evidence.items() if record is not None}
    given: dict[str, Any] = {"form": form, "today": today.isoformat(), "parameters": parameters}
    computed: dict[str, Any] = {}
    steps: list[Step] = []
    for value in item.values:
        missing = [name for name in value.needs if name not in known]
        if missing:
            steps.append(Step(value.name, value.expression, None, because=_waits_for(missing)))
            continue
        try:
            computed[value.name] = item.compute(value.expression, given | known)
        except ExpressionWrong as error:
            steps.append(Step(value.name, value.expression, None, because=error.message))
            continue
        steps.append(Step(value.name, value.expression, None, value=computed[value.name]))
        if not _is_paid(item, value.name) or type(computed[value.name]) is int:
            known[value.name] = computed[value.name]
    amount_fen, amount_wrong = _amount(item, computed)
    judged = [(rule, _judge(item, rule, given, known)) for rule in item.rules]
    steps += [step for _, step in judged]
    failed = tuple(rule.code for rule, step in judged if step.finding is Finding.FAILED)
    unknown = tuple(rule.code for rule, step in judged if step.finding is Finding.UNKNOWN)
    if failed:
        outcome, reasons = Outcome.REFUSED, failed
    elif unknown or (item.payout is not None and amount_fen is None):
        outcome, reasons = Outcome.REFERRED, unknown + amount_wrong or (AMOUNT_UNKNOWN,)
    else:
        outcome, reasons = Outcome.APPROVED, ()
    return Decision(
        outcome,
        item.version,
        reasons,
        amount_fen if outcome is Outcome.APPROVED else None,
        parameters,
        tuple(steps),
    )


def _amount(item: ServiceItem, computed: dict[str, Any]) -> tuple[int | None, tuple[str, ...]]:
    """What is paid; or why what was computed is no money that this item pays."""
    if item.payout is None or item.payout.amount not in computed:
        return None, ()
    try:
        return int(Fen(computed[item.payout.amount], item.payout.ceiling_fen)), ()
    except (AmountInvalid, AmountAboveCeiling) as wrong:
        return None, (wrong.code,)


def _is_paid(item: ServiceItem, name: str) -> bool:
    """Whether this value is the payout: no rule looks at it where it is no whole number."""
    return item.payout is not None and item.payout.amount == name


def _judge(item: ServiceItem, rule: Rule, given: dict[str, Any], known: dict[str, Any]) -> Step:
    values = given | known
    try:
        if rule.applies is not None and item.compute(rule.applies, values) is not True:
            return Step(rule.code, rule.applies, Finding.NOT_APPLICABLE)
        missing = [name for name in rule.needs if name not in known]
        if missing:
            return Step(rule.code, rule.require, Finding.UNKNOWN, because=_waits_for(missing))
        met = item.compute(rule.require, values) is True
    except ExpressionWrong as error:
        return Step(rule.code, rule.require, Finding.UNKNOWN, because=error.message)
    return Step(rule.code, rule.require, Finding.MET if met else Finding.FAILED)


def _waits_for(missing: list[str]) -> str:
    return f"{', '.join(missing)} not delivered"
