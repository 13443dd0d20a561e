"""Whether the bank was told to pay what was decided of each application, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from citybrain.domain.applications.application_events import (
    DECIDED_BY,
    PAYMENT_STEPS,
    ApplicationPayoutInstructed,
    verdict_of,
)
from citybrain.domain.digests import stored_sha256
from citybrain.domain.payment_steps import Stage
from citybrain.eventstore.types import Stored


@dataclass(slots=True)
class _Application:
    """What was decided and paid of one application."""

    decisions: dict[int, tuple[str, int | None]] = field(default_factory=dict)
    paid_fen: int = 0


class Payouts:
    """Follows decisions, instructions and what was paid."""

    def __init__(self) -> None:
        self._applications: dict[str, _Application] = {}

    def look(self, event: Stored) -> Iterator[tuple[str, str]]:
        """Compare an instruction with the decision that it names."""
        if event.topic not in DECIDED_BY and event.topic not in PAYMENT_STEPS:
            return
        application = self._applications.setdefault(event.stream_id, _Application())
        try:
            yield from _found(event, orjson.loads(event.state), application)
        except (ValueError, KeyError, TypeError) as error:
            yield "payouts", f"it cannot be read: {type(error).__name__}"


def _found(
    event: Stored, data: dict[str, Any], application: _Application
) -> Iterator[tuple[str, str]]:
    verdict = verdict_of(event.topic, data)
    if verdict is not None:
        digest = stored_sha256(event.stream_id, event.version, event.topic, data)
        application.decisions[event.version] = digest, verdict.amount_fen
    elif event.topic == ApplicationPayoutInstructed.TOPIC:
        yield from _instructed(data, application)
    elif PAYMENT_STEPS[event.topic].stage is Stage.CONFIRMED:
        application.paid_fen += data["amount_fen"]


def _instructed(data: dict[str, Any], application: _Application) -> Iterator[tuple[str, str]]:
    told = data["amount_fen"]
    if not application.decisions:
        yield "payouts", "the bank was told to pay, and nothing was decided"
        return
    version = data.get("decision_version") or max(application.decisions)
    digest, decided = application.decisions.get(version, ("", None))
    if data.get("decision_sha256") not in (None, digest):
        yield "payouts", f"the decision at version {version} is not the one that it names"
    if told != (decided or 0) - application.paid_fen:
        before = f", {application.paid_fen} were paid before" if application.paid_fen else ""
        yield "payouts", f"the bank was told {told} fen, decided were {decided}{before}"
