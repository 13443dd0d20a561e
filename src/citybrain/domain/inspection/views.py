"""Who sees what of a case: the one table, field by field, for everything that shows one.

What is in no row is seen by nobody. Comments have a right of their own (`reading_rights`), and so
have photos and how to reach a reporter.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any, Protocol

from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.publication_events import Visibility
from citybrain.domain.inspection.reading_rights import EVERYTHING, may_read_comments


class View(StrEnum):
    """Whose eyes look at a case."""

    PUBLIC = "public"
    REPORTER = "reporter"
    FOLLOWER = "follower"
    """Whoever reported what was merged into it, or wants to be told of it: no word of others."""
    OTHER_STAFF = "other staff"
    """An official of a department that has not got the case."""
    DEPARTMENT = "department"
    CENTRE = "centre"
    AUDITOR = "auditor"


class Followed(Protocol):
    """What of a case says who follows it."""

    visibility: str
    subscribers: list[str]


ALL = frozenset(View)
WITHIN = frozenset({View.DEPARTMENT, View.CENTRE, View.AUDITOR})
OF_THEIRS = WITHIN | {View.REPORTER}
KNOWN_TO_THEM = OF_THEIRS | {View.FOLLOWER}

FIELDS: Mapping[str, frozenset[View]] = {
    "case_id": ALL,
    "version": KNOWN_TO_THEM,
    "status": ALL,
    "class_code": ALL,
    "description": ALL,
    "latitude": ALL,
    "longitude": ALL,
    "address": ALL,
    "attributes": ALL,
    "external_ref": ALL,
    "lead": ALL,
    "reported_at": ALL,
    "merged_into": ALL,
    "simulated": ALL,
    "public_answer": ALL,
    "public_photos": ALL,
    "source": KNOWN_TO_THEM,
    "departments": KNOWN_TO_THEM,
    "place": KNOWN_TO_THEM,
    "visibility": KNOWN_TO_THEM,
    "evidence_sha256": OF_THEIRS,
    "last_occurred_at": KNOWN_TO_THEM,
    "handled_at": KNOWN_TO_THEM,
    "deferred_until": KNOWN_TO_THEM,
    "times_returned": KNOWN_TO_THEM,
    "times_reopened": KNOWN_TO_THEM,
    "times_extended": KNOWN_TO_THEM,
    "rating": KNOWN_TO_THEM,
    "priority": WITHIN,
    "asset_code": WITHIN,
    "assignees": WITHIN,
    "field_check": WITHIN,
    "confidence": WITHIN,
    "accepted_by": WITHIN,
    "tasks": WITHIN,
    "recheck_at": WITHIN,
    "deadlines": WITHIN,
    "requests": WITHIN,
    "detections": WITHIN,
    "detections_total": WITHIN,
    "absorbed": WITHIN,
}
"""Of a case as it stands. The words (`description`) of one that is flagged, hidden or private are
for the reporter and those within only."""

OF_THE_REPORT = (
    *("source", "class_code", "description", "latitude", "longitude", "address"),
    *("evidence_sha256", "attributes", "external_ref", "simulated"),
)
TOLD: Mapping[str, Collection[str]] = {
    "case.reported": OF_THE_REPORT,
    "case.filed": (),
    "case.dispatched": ("departments", "lead"),
    "case.accepted": ("department",),
    "case.decided": (),
    "case.handled": ("evidence_sha256",),
    "case.returned": (),
    "case.verified": (),
    "case.closed": ("public_answer",),
    "case.reopened": (),
    "case.voided": ("public_answer",),
    "case.handed_back": (),
    "case.extended": (),
    "case.deferred": ("until",),
    "case.resumed": (),
    "case.merged": ("into_case_id",),
    "case.unmerged": (),
    "case.commented": ("stated", "written_at"),
    "case.reclassified": ("class_code", "before"),
    "case.relocated": ("latitude", "longitude", "address"),
    "case.rated": ("stars",),
}
"""What of its history a reporter is told, and which details of each step: never who took it, nor
the words that those within say to one another."""
PHOTOS = "evidence_sha256"
WHO_AND_HOW = ("actor", "role", "channel")


def view_of(
    actor: Actor,
    departments: Collection[str],
    reporter: str | None,
    followers: Collection[str] = (),
) -> View:
    """Whose eyes these are, on a case of these departments that this subject reported."""
    if actor.has(Role.AUDITOR):
        return View.AUDITOR
    if actor.has(*EVERYTHING):
        return View.CENTRE
    if may_read_comments(actor, departments):
        return View.DEPARTMENT
    if reporter is not None and actor.subject == reporter:
        return View.REPORTER
    if actor.subject in followers:
        return View.FOLLOWER
    return View.OTHER_STAFF if actor.has(Role.OFFICIAL) else View.PUBLIC


def seen(fields: Mapping[str, Any], view: View) -> dict[str, Any]:
    """The fields as this view has them: what it does not see is None."""
    return {
        name: value if view in FIELDS.get(name, frozenset()) else None
        for name, value in fields.items()
    }


def followers_of(case: Followed) -> list[str]:
    """Who is told of it because they want to be: of a private one nobody is any more."""
    return [] if case.visibility == Visibility.PRIVATE else list(case.subscribers)


def sees_words(view: View, visibility: str) -> bool:
    """Whether this view has the words of a case of which so much is public."""
    return view in OF_THEIRS or visibility == Visibility.PUBLIC


def told(entry: Mapping[str, Any], view: View) -> dict[str, Any] | None:
    """An entry of the history as this view has it; None where it has none of it."""
    if view in WITHIN:
        return dict(entry)
    if view not in KNOWN_TO_THEM or entry["topic"] not in TOLD:
        return None
    names = TOLD[entry["topic"]]
    if view is View.FOLLOWER and names == OF_THE_REPORT:
        names = ("class_code", "latitude", "longitude", "address")
    if view is View.FOLLOWER:
        names = [name for name in names if name != PHOTOS]
    details = {name: value for name, value in entry["details"].items() if name in names}
    return {**entry, **dict.fromkeys(WHO_AND_HOW), "details": details}


def photos_seen(history: Iterable[tuple[str, Mapping[str, Any]]], view: View) -> set[str]:
    """The digests of what this view sees of a case's photos, by its events' topics and data.

    A reporter sees those of the report and of the work done; what cameras took and what those
    within looked at is for those within.
    """
    if view not in OF_THEIRS:
        return set()
    seen_of = (
        data.get("detection", data).get(PHOTOS, ())
        for topic, data in history
        if view in WITHIN or PHOTOS in TOLD.get(topic, ())
    )
    return {digest for digests in seen_of for digest in digests}
