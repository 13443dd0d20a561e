"""Why an application was decided as it was: from the log, its seals and the rules of that day.

Personal are only the members `values`, `changes` and `records`, and what a bank said in its own
words; the first has no values, and the others are left out, unless the caller opens them. Law on
personal data (PIPL), art. 24.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from typing import Any

import orjson

from citybrain.audit.applications.payments import payments_of
from citybrain.city_day import city_day
from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem, UnknownService
from citybrain.definitions.applications.counterfactuals import Counterfactuals, counterfactuals
from citybrain.definitions.applications.deciding import Decision, decide
from citybrain.definitions.applications.officer_reasons import OfficerReasons
from citybrain.domain.applications.application_events import outcome_by_rules, verdict_of
from citybrain.domain.digests import stored_sha256
from citybrain.eventstore import RecordedEvent, StreamNotFound
from citybrain.vault import InStream, PersonErased
from commands.applications.unsealed import (
    COLLECTED,
    DECIDED,
    REQUESTED,
    STEPS,
    SUBMITTED,
    Dossier,
    open_dossier,
)
from commands.services import Services

FAILED = "application.evidence_failed"
SHOWN_OF_INPUT = (
    "material",
    "department",
    "record",
    "request_id",
    "sha256",
    "key_id",
    "issued_at",
    "hedged",
    "reason",
    "milliseconds",
    "attempts",
)


async def explain(application_id: str, services: Services, *, opened: bool) -> dict[str, Any]:
    """The whole explanation; raises `StreamNotFound`. After an erasure, what is in clear."""
    events = await services.store.read(application_id)
    if not events or events[0].topic != SUBMITTED:
        raise StreamNotFound("there is no such application")
    decided = _last(events, DECIDED)
    submitted = events[0].data
    version = submitted["item_version"] if decided is None else decided.data["item_version"]
    item, definition = recorded_item(
        services.definitions.of(Catalogue), submitted["service"], version
    )
    dossier = await _dossier(application_id, decided, services)
    answer = {
        "application_id": application_id,
        "service": submitted["service"],
        "name": item and item.name,
        "name_en": item and item.name_en,
        "department": submitted["department"],
        "submitted_on": city_day(submitted["timestamp"]),
        "simulated": submitted["simulated"],
        "item_version": version,
        "definition": definition,
        "parameters": {} if decided is None else decided.data["parameters"],
        "decided_on": decided and decided.data["decided_on"],
        **_outcomes(events, _words(item, services)),
        "rules": _rules(item, decided),
        "values": [] if item is None else _expressions(item),
        "inputs": _inputs(item, _round(events, decided)),
        "payments": await payments_of(events, services, opened=opened),
        "recomputed": None,
        "deliveries": [],
        "what_ifs": [],
    }
    if decided is None or dossier is None or item is None:
        return answer
    return answer | await _again(item, decided, dossier, services, opened=opened)


def recorded_item(
    catalogue: Catalogue, service: str, version: str
) -> tuple[ServiceItem | None, str]:
    """The version that was recorded, and what its file says: the `same` still, `changed`, `gone`.

    `kept`: the file says it no more, and it was kept.
    """
    exactly = catalogue.exactly(service, version)
    with suppress(UnknownService):
        for item in catalogue.versions(service):
            if str(item.valid_from) == version.partition("+")[0]:
                if item.version == version:
                    return item, "same"
                return (item, "changed") if exactly is None else (exactly, "kept")
    return exactly, "gone" if exactly is None else "kept"


def same_decision(recorded: dict[str, Any], decision: Decision) -> bool:
    """Whether a decision is what an event recorded, rule by rule."""
    findings = {step.name: step.finding.value for step in decision.steps if step.finding}
    found = {
        "outcome": decision.outcome.value,
        "amount_fen": decision.amount_fen,
        "reasons": list(decision.reasons),
        "findings": findings,
    }
    said = recorded | {"outcome": outcome_by_rules(recorded)}
    return all(said[name] == value for name, value in found.items())


async def _dossier(
    application_id: str, decided: RecordedEvent | None, services: Services
) -> Dossier | None:
    """What the rules decided on; None where they have not, or the person was erased."""
    if decided is None:
        return None
    try:
        return await open_dossier(application_id, services, up_to_version=decided.version)
    except PersonErased:
        return None


async def _again(
    item: ServiceItem, decided: RecordedEvent, dossier: Dossier, services: Services, *, opened: bool
) -> dict[str, Any]:
    """The decision taken once more, from the sealed records by the rules of then."""
    today = date.fromisoformat(decided.data["decided_on"])
    decision = decide(item, dossier.form, dossier.evidence, today)
    found = await asyncio.to_thread(counterfactuals, item, dossier.form, dossier.evidence, today)
    answer = {
        "recomputed": {
            "same": same_decision(decided.data, decision),
            "outcome": decision.outcome.value,
            "reasons": list(decision.reasons),
            "amount_fen": decision.amount_fen,
            "computed_fen": decision.computed_fen,
        },
        "deliveries": found.as_json()["deliveries"],
        "what_ifs": found.as_json()["what_ifs"],
    }
    if not opened:
        return answer
    return answer | {
        "values": await _values(decided, dossier.citizen_id, services),
        "changes": _changes(found),
        "records": {"form": dossier.form, "evidence": dossier.evidence},
    }


def _changes(found: Counterfactuals) -> dict[str, Any]:
    shown = found.as_json()
    return {"rules": shown["changes"], "amount": shown["amount_inputs"]}


def _outcomes(events: list[RecordedEvent], words: dict[str, dict[str, str]]) -> dict[str, Any]:
    """What stands now, and all that was decided on the way: by rules, officers and claims.

    Each with the digest by which a payment names it.
    """
    decisions = [
        {
            "by": verdict.by,
            "outcome": verdict.outcome.value,
            "reasons": verdict.reasons,
            "said": [words[code] for code in verdict.reasons if code in words],
            "amount_fen": verdict.amount_fen,
            "reviewer": event.data.get("reviewer"),
            "second_reviewer": event.data.get("second_reviewer"),
            "at": event.data["timestamp"],
            "version": event.version,
            "sha256": stored_sha256(
                event.stream_id, event.version, event.topic, orjson.loads(event.state)
            ),
        }
        for event in events
        if (verdict := verdict_of(event.topic, event.data))
    ]
    return {"outcome": decisions[-1] if decisions else None, "decisions": decisions}


def _words(item: ServiceItem | None, services: Services) -> dict[str, dict[str, str]]:
    """What the codes of reasons say to the citizen, by code: rules, and the officers' list."""
    listed = services.definitions.of(OfficerReasons).words()
    said = {code: (each.reason, each.reason_en) for code, each in listed.items()}
    said |= {rule.code: (rule.reason, rule.reason_en) for rule in (item.rules if item else ())}
    return {code: {"code": code, "reason": zh, "reason_en": en} for code, (zh, en) in said.items()}


def _rules(item: ServiceItem | None, decided: RecordedEvent | None) -> list[dict[str, Any]]:
    """Each rule with its reasons and what it found; those without a definition by name only."""
    findings = {} if decided is None else decided.data["findings"]
    known = () if item is None else item.rules
    rules = [
        {
            "code": rule.code,
            "finding": findings.get(rule.code),
            "reason": rule.reason,
            "reason_en": rule.reason_en,
            "source": rule.source,
            "applies": rule.applies,
            "expression": rule.require,
        }
        for rule in known
    ]
    codes = {rule.code for rule in known}
    return rules + [
        {"code": code, "finding": finding}
        for code, finding in findings.items()
        if code not in codes
    ]


def _expressions(item: ServiceItem) -> list[dict[str, Any]]:
    return [{"name": value.name, "expression": value.expression} for value in item.values]


async def _values(
    decided: RecordedEvent, citizen_id: str, services: Services
) -> list[dict[str, Any]]:
    """What was computed on the way, as it was recorded then."""
    sealed = decided.data["steps_sealed"]
    steps = orjson.loads(
        await services.vault.open_text(citizen_id, InStream(STEPS, decided.stream_id), sealed)
    )
    return [
        {name: step[name] for name in ("name", "expression", "value", "because")}
        for step in steps
        if step["finding"] is None
    ]


def _round(events: list[RecordedEvent], decided: RecordedEvent | None) -> list[RecordedEvent]:
    """The answers and failures that were decided on: the last round's before the decision."""
    found: list[RecordedEvent] = []
    for event in events:
        if decided is not None and event.version > decided.version:
            break
        if event.topic == REQUESTED:
            found = []
        elif event.topic in (COLLECTED, FAILED):
            found.append(event)
    return found


def _inputs(item: ServiceItem | None, answers: Iterable[RecordedEvent]) -> list[dict[str, Any]]:
    materials = {} if item is None else {material.name: material for material in item.materials}
    inputs = []
    for event in answers:
        material = materials.get(event.data["material"])
        inputs.append(
            {
                "label": material and material.label,
                "label_en": material and material.label_en,
                "delivered": event.topic == COLLECTED,
                "version": event.version,
                "at": event.data["timestamp"],
            }
            | {name: event.data[name] for name in SHOWN_OF_INPUT if name in event.data}
        )
    return inputs


def _last(events: list[RecordedEvent], topic: str) -> RecordedEvent | None:
    return next((event for event in reversed(events) if event.topic == topic), None)
