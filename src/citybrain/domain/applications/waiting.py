"""For whom an application waits, and until when: in every status, at every moment.

It moves by itself within a time, or waits for a person, an officer or the bank, or has ended.
Where it stays beyond its time somebody is woken: nothing depends on a task that may have died.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from citybrain.city_day import city_day
from citybrain.domain.applications.statuses import (
    FOR_A_SECOND,
    FOR_AN_OFFICER,
    MOVING,
    Status,
    has_ended,
)

MOVES_WITHIN = timedelta(minutes=5)
"""In which it goes from one person's hands to the next; more where departments are asked."""

BANK_LOOKED_AFTER = timedelta(days=1)
"""How often it is looked whether a late payment is still being asked for."""

MARGIN = timedelta(minutes=5)
"""Beyond its time by so much, nobody was woken for it: it is stranded."""

LEGAL_WORKING_DAYS = 20  # administrative licensing law, art. 42: where an item names none

DECIDED_WITHIN = timedelta(days=28)
"""The legal day of an old application whose item named none: 20 working days, about."""

APPEAL_DECIDED_WITHIN = timedelta(days=60)  # administrative reconsideration law, art. 62 of 2024


class Waits(StrEnum):
    """Whom or what an application waits for."""

    MOVING = "moving"
    PERSON = "person"
    OFFICER = "officer"
    BANK = "bank"
    ENDED = "ended"
    NOBODY = "nobody"
    """A status of which nothing is said here. There is none; if there were, it is stranded."""


def waits_for(status: str, *, pays: bool, compensated: bool) -> Waits:
    """Whom or what an application in this status waits for."""
    if has_ended(status, pays=pays):
        return Waits.ENDED
    if status in MOVING or (status == Status.PAYOUT_FAILED and not compensated):
        return Waits.MOVING
    if status in FOR_AN_OFFICER | FOR_A_SECOND:
        return Waits.OFFICER
    waits = {
        Status.SUBMITTED.value: Waits.PERSON,
        Status.SENT_BACK.value: Waits.PERSON,
        Status.PAYING.value: Waits.BANK,
    }
    return waits.get(status, Waits.NOBODY)


DUE: dict[str, tuple[str, timedelta]] = {
    "application.submitted": ("identity_due_at", timedelta(0)),
    "application.evidence_requested": ("due_at", MOVES_WITHIN),
    "application.sent_back": ("due_at", timedelta(0)),
    "application.payout_instructed": ("due_at", timedelta(0)),
    "application.payout_delayed": ("timestamp", BANK_LOOKED_AFTER),
}
"""The field of an event from which the next deadline counts."""


def due_after(
    topic: str, fields: Mapping[str, Any], was: str | None, now: Waits, due_at: datetime | None
) -> datetime | None:
    """By when somebody is woken, after an event that led from `was` to `now`.

    None where it has ended, and in an officer's queue: there the law's day counts (`legal_day`).
    """
    if now in (Waits.ENDED, Waits.OFFICER, Waits.NOBODY):
        return None
    at: datetime = fields["timestamp"]
    if topic == "application.resumed":
        return at + (BANK_LOOKED_AFTER if now is Waits.BANK else MOVES_WITHIN)
    if topic in DUE:
        field, later = DUE[topic]
        due: datetime = fields[field] + later
        return due
    return at + MOVES_WITHIN if now != was else due_at


def legal_day(legal_due_on: str | None, submitted_at: datetime) -> date:
    """The law's day to decide."""
    if legal_due_on is None:
        return city_day(submitted_at + DECIDED_WITHIN)
    return date.fromisoformat(legal_due_on)


def appeal_day(appealed_at: datetime) -> date:
    """The law's day to decide an appeal."""
    return city_day(appealed_at + APPEAL_DECIDED_WITHIN)
