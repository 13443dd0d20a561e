"""Past applications decided again under other rules: who would have been decided otherwise.

Reads the log alone, page by page, and opens each application's sealed records for as long as
it decides on them; whose they are is told before (`Noted`). Compared is what the rules said then,
not what officers said after them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from citybrain.city_day import city_day
from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem
from citybrain.definitions.applications.deciding import Decision, Finding, decide
from citybrain.domain.applications.application_events import outcome_by_rules
from citybrain.domain.applications.statuses import Status
from citybrain.errors import NotFound
from citybrain.eventstore import RecordedEvent
from citybrain.vault import PersonErased
from commands.applications.unsealed import DECIDED, REQUESTED, SUBMITTED, Dossier, open_dossier
from commands.services import Services

PAGE = 500  # applications
AT_ONCE = 8
SHOWN = 20

Progress = Callable[[int, int], None]
"""Called with the log position that was reached, and the last one."""

Noted = Callable[[list[str]], Awaitable[None]]
"""Called with the applications of a page before any of them is opened."""


class NoSuchVersion(NotFound):
    """The service has no version of that day."""

    code = "no-such-service-version"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What rules said."""

    outcome: str
    amount_fen: int | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retried:
    """One application: what was decided, and what would be."""

    application_id: str
    decided_on: date
    was: Judgement
    would_be: Judgement

    @property
    def differs(self) -> bool:
        """Reasons count for refusals: why one is referred depends on departments."""
        return self.was != self.would_be


@dataclass(slots=True)
class Hindsight:
    """The sum of all; `examples` are the first that differ."""

    service: str
    item_version: str
    applications: int = 0
    undecided: int = 0
    erased: int = 0
    different: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    refusals_then: Counter[str] = field(default_factory=Counter)
    refusals_now: Counter[str] = field(default_factory=Counter)
    changed_amounts: int = 0
    amount_then_fen: int = 0
    amount_now_fen: int = 0
    examples: list[Retried] = field(default_factory=list)

    def add(self, retried: Retried) -> None:
        """Count one."""
        was, would_be = retried.was, retried.would_be
        self.applications += 1
        self.outcomes[was.outcome, would_be.outcome] += 1
        self.refusals_then.update(was.reasons if was.outcome == Status.REFUSED else ())
        self.refusals_now.update(would_be.reasons if would_be.outcome == Status.REFUSED else ())
        self.amount_then_fen += was.amount_fen or 0
        self.amount_now_fen += would_be.amount_fen or 0
        self.changed_amounts += was.amount_fen != would_be.amount_fen
        self.different += retried.differs
        if retried.differs and len(self.examples) < SHOWN:
            self.examples.append(retried)

    def refusal_changes(self) -> dict[str, int]:
        """By rule, how many more refusals it would have caused; fewer is negative."""
        codes = sorted(self.refusals_then | self.refusals_now)
        return {code: self.refusals_now[code] - self.refusals_then[code] for code in codes}

    def as_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "service": self.service,
            "item_version": self.item_version,
            "applications": self.applications,
            "undecided": self.undecided,
            "erased": self.erased,
            "different": self.different,
            "outcomes": [
                {"was": was, "would_be": would_be, "count": count}
                for (was, would_be), count in sorted(self.outcomes.items())
            ],
            "changed_amounts": self.changed_amounts,
            "amount_then_fen": self.amount_then_fen,
            "amount_now_fen": self.amount_now_fen,
            "refusals": self.refusal_changes(),
            "examples": self.examples,
        }


@dataclass(frozen=True, slots=True)
class Selection:
    """Which applications: by the city's day of submission, and how many at most."""

    service: str
    since: date = date.min
    until: date = date.max
    limit: int | None = None

    def has(self, submitted: RecordedEvent) -> bool:
        """Whether an application is one of them."""
        day = city_day(submitted.data["timestamp"])
        return submitted.data["service"] == self.service and self.since <= day <= self.until


def version_of(catalogue: Catalogue, service: str, valid_from: date | None) -> ServiceItem:
    """A service's version of a day, else its last; raises `UnknownService`, `NoSuchVersion`."""
    versions = catalogue.versions(service)
    if valid_from is None:
        return versions[-1]
    for item in versions:
        if item.valid_from == valid_from:
            return item
    days = ", ".join(str(item.valid_from) for item in versions)
    raise NoSuchVersion(f"{service} has versions of {days}, none of {valid_from}")


def as_if_always(item: ServiceItem) -> ServiceItem:
    """The item for days before it, too: the parameters that it began with hold ever since."""
    dated = sorted(item.parameters, key=lambda parameter: parameter.valid_from)
    begin: dict[str, date] = {}
    for parameter in dated:
        begin.setdefault(parameter.name, max(parameter.valid_from, item.valid_from))
    parameters = tuple(
        parameter.model_copy(update={"valid_from": date.min})
        if parameter.valid_from <= begin[parameter.name]
        else parameter
        for parameter in dated
    )
    return item.model_copy(update={"parameters": parameters})


async def look_back(
    selection: Selection,
    item: ServiceItem,
    services: Services,
    noted: Noted,
    progress: Progress = lambda done, goal: None,
) -> Hindsight:
    """Decide all selected applications again by `item`."""
    hindsight = Hindsight(selection.service, item.version)
    rules = as_if_always(item)
    async for batch in _batches(selection, services, noted, progress):
        retried = await asyncio.gather(
            *(_retry(application_id, rules, services) for application_id in batch)
        )
        for found in retried:
            if isinstance(found, Retried):
                hindsight.add(found)
            elif found == "erased":
                hindsight.erased += 1
            else:
                hindsight.undecided += 1
    return hindsight


async def _batches(
    selection: Selection, services: Services, noted: Noted, progress: Progress
) -> AsyncIterator[list[str]]:
    """Ids of the selected applications in the order of the log, a few at a time."""
    after, head = 0, await services.store.head()
    left = selection.limit
    while after < head and left != 0:
        page = await services.store.read_all(
            after, categories=("application",), topics=(SUBMITTED,), limit=PAGE, up_to=head
        )
        chosen = [event for event in page if selection.has(event)][:left]
        await noted([event.stream_id for event in chosen])
        for start in range(0, len(chosen), AT_ONCE):
            batch = chosen[start : start + AT_ONCE]
            yield [event.stream_id for event in batch]
            progress(batch[-1].position, head)
        left = None if left is None else left - len(chosen)
        after = page[-1].position if len(page) == PAGE else head
    progress(head, head)


async def _retry(application_id: str, rules: ServiceItem, services: Services) -> Retried | str:
    """One application; `undecided` where no rule has decided it, `erased` where none can."""
    try:
        dossier, decided = await _decided(application_id, services)
    except PersonErased:
        return "erased"
    if decided is None:
        return "undecided"
    data = decided.data
    day = date.fromisoformat(data["decided_on"])
    return Retried(
        application_id,
        day,
        Judgement(outcome_by_rules(data), data["amount_fen"], _failed(data)),
        _judgement(decide(rules, dossier.form, dossier.evidence, day)),
    )


async def _decided(application_id: str, services: Services) -> tuple[Dossier, RecordedEvent | None]:
    """The rules' last decision and what it was made on: not on what was asked for after it."""
    dossier = await open_dossier(application_id, services)
    decided = None
    for event in dossier.events:
        if event.topic == DECIDED:
            decided = event
    asked_since = decided is not None and any(
        event.topic == REQUESTED and event.version > decided.version for event in dossier.events
    )
    if decided is not None and asked_since:
        dossier = await open_dossier(application_id, services, up_to_version=decided.version)
    return dossier, decided


def _failed(decided: dict[str, Any]) -> tuple[str, ...]:
    return tuple(decided["reasons"]) if outcome_by_rules(decided) == Status.REFUSED else ()


def _judgement(decision: Decision) -> Judgement:
    failed = tuple(step.name for step in decision.steps if step.finding is Finding.FAILED)
    return Judgement(decision.outcome.value, decision.amount_fen, failed)
