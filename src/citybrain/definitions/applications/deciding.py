"""Decides an application by the rules of its service item, and says how.

A rule whose evidence is missing decides nothing: it refers the case to an officer. So a
source that does not answer never causes a refusal. A rule that fails on evidence refuses.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from citybrain.definitions.applications.catalogue import Rule, ServiceItem
from citybrain.definitions.applications.draws import APPLICANT, NOTHING, Draws, draws_of
from citybrain.definitions.expressions import ExpressionWrong
from citybrain.domain.applications.statuses import Status
from citybrain.domain.citizens import canonical, plain
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
    """The outcome with its reasons (codes of rules), the payout in fen, and the whole way.

    `computed_fen` is the amount that was found, even where it is not approved.
    """

    outcome: Outcome
    item_version: str
    reasons: tuple[str, ...]
    amount_fen: int | None
    parameters: dict[str, int]
    steps: tuple[Step, ...]
    computed_fen: int | None
    draws: Draws = NOTHING
    """What a payout is drawn on. Personal."""


def decide(
    item: ServiceItem,
    form: dict[str, Any],
    evidence: dict[str, Any],
    today: date,
    applicant: str = APPLICANT,
    *formerly: str,
) -> Decision:
    """Decide on the form's answers and on the records at hand (by name of the material).

    A material that is not in `evidence`, or None, has not been delivered. `applicant` is who
    they are to what is drawn on, `formerly` who they were before a correction; no rule sees it.
    """
    parameters = item.parameters_on(today)
    given: dict[str, Any] = {"form": form, "today": today.isoformat(), "parameters": parameters}
    way = _Way(item, _comparable(item, evidence) | given)
    way.compute()
    amount_fen, amount_wrong = _amount(item, way.computed)
    judged = [(rule, way.judge(rule)) for rule in item.rules]
    steps = [*way.steps, *(step for _, step in judged)]
    failed = tuple(rule.code for rule, step in judged if step.finding is Finding.FAILED)
    unknown = tuple(rule.code for rule, step in judged if step.finding is Finding.UNKNOWN)
    if failed:
        outcome, reasons = Outcome.REFUSED, failed
    elif unknown or (item.payout is not None and amount_fen is None):
        outcome, reasons = Outcome.REFERRED, unknown + amount_wrong or (AMOUNT_UNKNOWN,)
    else:
        outcome, reasons = Outcome.APPROVED, ()
    draws = NOTHING if item.payout is None else way.draws(applicant, formerly)
    if outcome is not Outcome.REFUSED:
        steps += [Step("draws_on", key, None, because=because) for key, because in draws.unknown]
    if outcome is Outcome.APPROVED and amount_fen is not None:
        lacking = draws.lacking(amount_fen)
        if lacking is not None:
            outcome, reasons = Outcome.REFERRED, (lacking,)
    return Decision(
        outcome,
        item.version,
        reasons,
        amount_fen if outcome is Outcome.APPROVED else None,
        parameters,
        tuple(steps),
        amount_fen,
        draws,
    )


def _comparable(item: ServiceItem, evidence: dict[str, Any]) -> dict[str, Any]:
    """The records that there are; one number is one person, however a department writes it."""
    found = {name: each for name, each in evidence.items() if each is not None}
    for material in item.materials:
        record = found.get(material.name)
        if isinstance(record, dict):
            numbers = {
                name: canonical(plain(record[name]) or record[name])
                for name, member in material.members.items()
                if member.type == "identity_number" and isinstance(record.get(name), str)
            }
            found[material.name] = record | numbers
    return found


def _amount(item: ServiceItem, computed: dict[str, Any]) -> tuple[int | None, tuple[str, ...]]:
    """What is paid; or why what was computed is no money that this item pays."""
    if item.payout is None or item.payout.amount not in computed:
        return None, ()
    try:
        return int(Fen(computed[item.payout.amount], item.payout.ceiling_fen)), ()
    except (AmountInvalid, AmountAboveCeiling) as wrong:
        return None, (wrong.code,)


class _Way:
    """What is known on the way to a decision, and why the rest is not."""

    def __init__(self, item: ServiceItem, known: dict[str, Any]) -> None:
        self._item, self._known = item, known
        self._because: dict[str, str] = {}
        self.computed: dict[str, Any] = {}
        self.steps: list[Step] = []

    def compute(self) -> None:
        """The item's values, in their order; what is none of its type no rule looks at."""
        for value in self._item.values:
            because = self._lacking(value.needs, value.expression)
            if because is None:
                try:
                    result = self._item.compute(value.expression, self._known)
                except ExpressionWrong as error:
                    because = error.message
                else:
                    self.computed[value.name] = result
                    because = self._item.result_wrong(value.name, result)
            if because is None:
                self._known[value.name] = result
            else:
                self._because[value.name] = because
            self.steps.append(
                Step(
                    value.name,
                    value.expression,
                    None,
                    value=self.computed.get(value.name),
                    because=because,
                )
            )

    def draws(self, applicant: str, formerly: tuple[str, ...]) -> Draws:
        """What the money is drawn on."""
        return draws_of(self._item, self._known, self._because, applicant, formerly)

    def judge(self, rule: Rule) -> Step:
        """Met, failed or not applicable only where all that the rule reads is there."""
        if rule.applies is not None:
            applies, because = self._truth((), rule.applies)
            if applies is None:
                return Step(rule.code, rule.applies, Finding.UNKNOWN, because=because)
            if not applies:
                return Step(rule.code, rule.applies, Finding.NOT_APPLICABLE)
        met, because = self._truth(rule.needs, rule.require)
        if met is None:
            return Step(rule.code, rule.require, Finding.UNKNOWN, because=because)
        return Step(rule.code, rule.require, Finding.MET if met else Finding.FAILED)

    def _truth(self, needs: tuple[str, ...], expression: str) -> tuple[bool | None, str | None]:
        """True or false; or None, and why."""
        because = self._lacking(needs, expression)
        if because is not None:
            return None, because
        try:
            found = self._item.compute(expression, self._known)
        except ExpressionWrong as error:
            return None, error.message
        return (found, None) if isinstance(found, bool) else (None, f"{expression}: no truth")

    def _lacking(self, needs: tuple[str, ...], expression: str) -> str | None:
        missing = [name for name in needs if name not in self._known]
        if not missing:
            return self._item.lacking(expression, self._known)
        why = [self._because[name] for name in missing if name in self._because]
        return "; ".join([f"{', '.join(missing)} not delivered", *why])
