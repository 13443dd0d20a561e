"""What would have changed a decision: the smallest single change to what each rule looked at.

Found by trying: each part of the records, answers, parameters and the day that a rule reads
(also by way of values) is varied alone, and the rule is judged again. Nothing here knows any
item. Wachter, Mittelstadt, Russell: Counterfactual explanations (2018), arXiv:1711.00399.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from citybrain.definitions.applications.catalogue import Rule, ServiceItem
from citybrain.definitions.applications.deciding import Decision, Finding, Outcome, decide
from citybrain.definitions.expressions import Expression, Path

MOST_TRIALS = 400  # a rule
MOST_TEXTS = 20  # tried in one place
MOST_LEAVES = 40  # of what one rule reads
FARTHEST_DAYS = 3653
FARTHEST_NUMBER = 10**13
STRIDE = 4


@dataclass(frozen=True, slots=True)
class Change:
    """One change after which a rule that failed is met, or no longer applies."""

    rule: str
    path: str
    before: Any
    after: Any
    finding: Finding
    approves: bool

    def as_json(self) -> dict[str, Any]:
        """Members `from` and `to` beside the names here."""
        return {
            "rule": self.rule,
            "path": self.path,
            "from": self.before,
            "to": self.after,
            "finding": self.finding.value,
            "approves": self.approves,
        }


@dataclass(frozen=True, slots=True)
class Delivery:
    """A record that was missing, or lacked something: rules that it alone would let decide,
    and rules that need others beside it."""

    material: str
    decides: tuple[str, ...]
    helps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What would be decided if an undecided rule were met, and if it failed."""

    rule: str
    met: Outcome
    amount_fen: int | None
    failed: Outcome


@dataclass(frozen=True, slots=True)
class AmountInput:
    """Something that the amount is computed from. Only what is binding changes it by itself."""

    path: str
    value: Any
    binding: bool


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """By what is there: changes for a refusal, deliveries for a referral, inputs of an amount."""

    changes: tuple[Change, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    amount_inputs: tuple[AmountInput, ...] = ()
    what_ifs: tuple[WhatIf, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As an answer carries it."""
        return {
            "changes": [change.as_json() for change in self.changes],
            "deliveries": [
                {"material": found.material, "decides": found.decides, "helps": found.helps}
                for found in self.deliveries
            ],
            "amount_inputs": [
                {"path": read.path, "value": read.value, "binding": read.binding}
                for read in self.amount_inputs
            ],
            "what_ifs": [
                {
                    "rule": found.rule,
                    "met": found.met.value,
                    "amount_fen": found.amount_fen,
                    "failed": found.failed.value,
                }
                for found in self.what_ifs
            ],
        }


@dataclass(frozen=True, slots=True)
class Materials:
    """All that a decision is made from."""

    item: ServiceItem
    form: dict[str, Any]
    evidence: dict[str, Any]
    today: date

    def values(self) -> dict[str, Any]:
        """By the names that expressions use."""
        return self.evidence | {
            "form": self.form,
            "parameters": self.item.parameters_on(self.today),
            "today": self.today.isoformat(),
        }

    def decide(self) -> Decision:
        """The decision on this."""
        return decide(self.item, self.form, self.evidence, self.today)

    def with_change(self, path: Path, value: Any) -> "Materials":
        """The same with one other value; a parameter is another for ever."""
        name, *members = path
        if name == "today":
            return replace(self, today=date.fromisoformat(value))
        if name == "parameters":
            return replace(self, item=_with_parameter(self.item, members[0], value))
        if name == "form":
            return replace(self, form=_with_member(self.form, members, value))
        return replace(self, evidence=_with_member(self.evidence, list(path), value))

    def only(self, rule: Rule) -> "Materials":
        """With one rule and the values it needs: quicker to judge again."""
        needed = _reached(self.item, _sources(rule))[1]
        values = tuple(value for value in self.item.values if value.name in needed)
        narrow = {"values": values, "rules": (rule,), "payout": None, "claim": None}
        return replace(self, item=self.item.model_copy(update=narrow))


def counterfactuals(
    item: ServiceItem, form: dict[str, Any], evidence: dict[str, Any], today: date
) -> Counterfactuals:
    """What would have changed the decision on this."""
    materials = Materials(item, form, evidence, today)
    decision = materials.decide()
    findings = {step.name: step.finding for step in decision.steps if step.finding is not None}
    failed = [rule for rule in item.rules if findings[rule.code] is Finding.FAILED]
    unknown = [rule for rule in item.rules if findings[rule.code] is Finding.UNKNOWN]
    return Counterfactuals(
        tuple(change for rule in failed for change in _changes(materials, rule)),
        tuple(_deliveries(materials, unknown)),
        tuple(_amount_inputs(materials, decision)),
        () if failed else tuple(_what_ifs(item, decision, unknown)),
    )


# --- refused ------------------------------------------------------------------------------


def _changes(materials: Materials, rule: Rule) -> Iterator[Change]:
    """For each part that the rule reads the nearest value that helps, if there is one."""
    trial = _Trial(materials, rule)
    for path, value in _leaves(materials, _sources(rule)):
        after = trial.nearest(path, value)
        if after is not None:
            changed = materials.with_change(path, after)
            yield Change(
                rule.code,
                ".".join(path),
                value,
                after,
                trial.finding(path, after),
                changed.decide().outcome is Outcome.APPROVED,
            )


class _Trial:
    """Judges one rule again and again, not for ever."""

    def __init__(self, materials: Materials, rule: Rule) -> None:
        self._materials = materials.only(rule)
        self._left = MOST_TRIALS
        self._leaves = [value for _, value in _leaves(materials, _sources(rule))]
        self._literals = [
            literal
            for source in _sources(rule) + _value_sources(self._materials.item)
            for literal in _compiled(source).literals
        ]
        self._item = materials.item
        everything = (materials.form, materials.evidence)
        self._texts = [value for _, value in _scalars((), everything) if isinstance(value, str)]

    def finding(self, path: Path, value: Any) -> Finding:
        """What the rule says with another value there."""
        (finding,) = (
            step.finding
            for step in self._materials.with_change(path, value).decide().steps
            if step.finding is not None
        )
        return finding

    def nearest(self, path: Path, value: Any) -> Any:
        """The nearest other value that helps; None where none was found."""
        if isinstance(value, bool):
            return (not value) if self._helps(path, not value) else None
        if isinstance(value, int):
            return self._nearest_number(path, value)
        if (day := _day(value)) is not None:
            return self._nearest_day(path, day)
        return next(
            filter(lambda text: self._helps(path, text), self._other_texts(path, value)), None
        )

    def _helps(self, path: Path, value: Any) -> bool:
        if self._left == 0:
            return False
        self._left -= 1
        return self.finding(path, value) in (Finding.MET, Finding.NOT_APPLICABLE)

    def _nearest_number(self, path: Path, value: int) -> int | None:
        """What is not negative stays so: nobody has a balance or a number of months below 0."""
        low = 0 if value >= 0 else value - FARTHEST_NUMBER
        hints = {number for number in self._literals + self._leaves if _is_number(number)}
        return _nearest(
            value, low, value + FARTHEST_NUMBER, hints, lambda number: self._helps(path, number)
        )

    def _nearest_day(self, path: Path, day: date) -> str | None:
        number, later_only = day.toordinal(), path == ("today",)
        days = [_day(leaf) for leaf in [*self._leaves, *self._literals]]
        found = _nearest(
            number,
            number if later_only else max(number - FARTHEST_DAYS, 1),
            min(number + FARTHEST_DAYS, date.max.toordinal()),
            {each.toordinal() for each in days if each is not None},
            lambda ordinal: self._helps(path, date.fromordinal(ordinal).isoformat()),
        )
        return None if found is None else date.fromordinal(found).isoformat()

    def _other_texts(self, path: Path, value: str) -> list[str]:
        """Likely first: the choices of the form, what is written in the rule, what it reads."""
        if path[0] == "form":
            choices = next((f.choices for f in self._item.form if f.name == path[-1]), ())
            if choices:
                return [choice for choice in choices if choice != value]
        known = [*self._literals, *self._leaves, *self._texts]
        texts = dict.fromkeys(text for text in known if isinstance(text, str))
        return [text for text in texts if text != value and text != ""][:MOST_TEXTS]


def _nearest(
    value: int, low: int, high: int, hints: Iterable[int], helps: Callable[[int], bool]
) -> int | None:
    """The nearest number in [low, high] that helps, of those found; it always really helps."""
    ways = [_in_direction(value, bound, helps) for bound in (low, high) if bound != value]
    found = [number for number in ways if number is not None]
    nearby = {number + off for number in hints for off in (-1, 0, 1)}
    for hint in sorted(nearby - {value}, key=lambda number: (abs(number - value), number)):
        if found and abs(hint - value) >= min(abs(number - value) for number in found):
            break
        if low <= hint <= high and helps(hint):
            found.append(hint)
    return min(found, key=lambda number: (abs(number - value), number), default=None)


def _in_direction(value: int, bound: int, helps: Callable[[int], bool]) -> int | None:
    """In growing strides until it helps, then halving: exact where helping does not end again."""
    sign, whole = (1, bound - value) if bound > value else (-1, value - bound)
    before, stride = 0, 1
    while not helps(value + sign * stride):
        if stride == whole:
            return None
        before, stride = stride, min(stride * STRIDE, whole)
    while stride - before > 1:
        middle = (before + stride) // 2
        if helps(value + sign * middle):
            stride = middle
        else:
            before = middle
    return value + sign * stride


# --- referred -----------------------------------------------------------------------------


def _deliveries(materials: Materials, unknown: list[Rule]) -> Iterator[Delivery]:
    missing = {rule.code: _missing(materials, rule) for rule in unknown}
    for material in materials.item.materials:
        waiting = [code for code, names in missing.items() if material.name in names]
        if waiting:
            alone = tuple(code for code in waiting if len(missing[code]) == 1)
            yield Delivery(
                material.name, alone, tuple(code for code in waiting if code not in alone)
            )


def _what_ifs(item: ServiceItem, decision: Decision, unknown: list[Rule]) -> Iterator[WhatIf]:
    """Each undecided rule either way, all else as it is: others undecided leave it to an officer.

    So does an amount that is not known. What an approval is drawn on is not looked at: the claim
    does that.
    """
    amount_fen = decision.computed_fen
    for rule in unknown:
        settled = len(unknown) == 1 and (item.payout is None or amount_fen is not None)
        met = Outcome.APPROVED if settled else Outcome.REFERRED
        yield WhatIf(rule.code, met, amount_fen if settled else None, Outcome.REFUSED)


def _missing(materials: Materials, rule: Rule) -> set[str]:
    """The materials that a rule needs and that are not there, or lack what it reads."""
    item, values = materials.item, materials.values()
    paths, reached = _reached(item, _sources(rule))
    needs = set(rule.needs).union(*(value.needs for value in item.values if value.name in reached))
    names = {material.name for material in item.materials}
    absent = {name for name in names & needs if values.get(name) is None}
    lacking = {path[0] for path in paths if path[0] in names and item.lacks(path, values)}
    return absent | lacking


def _is_there(values: Any, path: Path) -> bool:
    for member in path:
        if not isinstance(values, dict) or member not in values:
            return False
        values = values[member]
    return True


# --- approved -----------------------------------------------------------------------------


def _amount_inputs(materials: Materials, decision: Decision) -> Iterator[AmountInput]:
    """What the amount is computed from, each with whether it changes it by itself."""
    payout = materials.item.payout
    if payout is None or decision.amount_fen is None:
        return
    values = {value.name: value.expression for value in materials.item.values}
    source = values[payout.amount]
    sources = [source, *(values[name] for name in sorted(_reached(materials.item, [source])[1]))]
    literals = [literal for each in sources for literal in _compiled(each).literals]
    texts = [text for text in literals if isinstance(text, str)]
    for path, value in _leaves(materials, [source]):
        amounts = (_amount(materials.with_change(path, other)) for other in _others(value, texts))
        yield AmountInput(
            ".".join(path), value, any(amount != decision.amount_fen for amount in amounts)
        )


def _others(value: Any, texts: list[str]) -> list[Any]:
    """Values beside this one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value - 1, value + 1]
    if (day := _day(value)) is not None:
        return [str(day + timedelta(days=days)) for days in (-31, 31)]
    return [text for text in texts if text != value][:MOST_TEXTS]


def _amount(materials: Materials) -> Any:
    amount = materials.item.payout and materials.item.payout.amount
    return next(step.value for step in materials.decide().steps if step.name == amount)


# --- what an expression reads -------------------------------------------------------------


@lru_cache(maxsize=4096)
def _compiled(source: str) -> Expression:
    return Expression(source)


def _sources(rule: Rule) -> list[str]:
    return [rule.require] if rule.applies is None else [rule.require, rule.applies]


def _value_sources(item: ServiceItem) -> list[str]:
    return [value.expression for value in item.values]


def _reached(item: ServiceItem, sources: list[str]) -> tuple[list[Path], set[str]]:
    """The paths that are read, through values, in a stable order; and those values."""
    values = {value.name: value.expression for value in item.values}
    paths: dict[Path, None] = {}
    reached: set[str] = set()
    waiting = list(sources)
    while waiting:
        for path in sorted(_compiled(waiting.pop(0)).reads):
            if path[0] not in values:
                paths[path] = None
            elif path[0] not in reached:
                reached.add(path[0])
                waiting.append(values[path[0]])
    return list(paths), reached


def _leaves(materials: Materials, sources: list[str]) -> list[tuple[Path, Any]]:
    """Numbers, texts and truths that are read; parameters last, for nobody can change them."""
    values = materials.values()
    found: dict[Path, Any] = {}
    for path in _reached(materials.item, sources)[0]:
        if _is_there(values, path):
            value = values
            for member in path:
                value = value[member]
            found |= dict(_scalars(path, value))
    return sorted(found.items(), key=lambda leaf: leaf[0][0] == "parameters")[:MOST_LEAVES]


def _scalars(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """The leaves of a value; members of lists count for their texts alone, in a pair too."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _scalars((*path, name), member)
    elif isinstance(value, tuple):
        for member in value:
            yield from _scalars(path, member)
    elif isinstance(value, bool | int | str):
        yield path, value


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _day(value: Any) -> date | None:
    if not isinstance(value, str) or len(value) != len("2026-03-01"):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _with_member(record: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    changed = copy.copy(record)
    first, *rest = path
    changed[first] = _with_member(record[first], rest, value) if rest else value
    return changed


def _with_parameter(item: ServiceItem, name: str, value: int) -> ServiceItem:
    parameters = (
        each.model_copy(update={"value": value}) if each.name == name else each
        for each in item.parameters
    )
    return item.model_copy(update={"parameters": tuple(parameters)})
