"""Who sees what of a case: a table of views against fields, and of its steps."""

from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.case import EVENT_OF
from citybrain.domain.inspection.views import (
    FIELDS,
    TOLD,
    View,
    photos_seen,
    seen,
    sees_words,
    told,
    view_of,
)
from citybrain.http.inspection.case import CaseState
from citybrain.http.inspection.nearby import NearbyRow
from projections.inspection.service_requests import RequestRow

PUBLIC, REPORTER, FOLLOWER, OTHER, DEPARTMENT, CENTRE, AUDITOR = View
# The public and other staff, who follows it, the reporter, the department, the centre, auditors.
TABLE = """
case_id           yes yes yes yes yes yes
version           -   yes yes yes yes yes
status            yes yes yes yes yes yes
class_code        yes yes yes yes yes yes
description       yes yes yes yes yes yes
latitude          yes yes yes yes yes yes
longitude         yes yes yes yes yes yes
address           yes yes yes yes yes yes
attributes        yes yes yes yes yes yes
external_ref      yes yes yes yes yes yes
lead              yes yes yes yes yes yes
reported_at       yes yes yes yes yes yes
merged_into       yes yes yes yes yes yes
simulated         yes yes yes yes yes yes
public_answer     yes yes yes yes yes yes
public_photos     yes yes yes yes yes yes
source            -   yes yes yes yes yes
departments       -   yes yes yes yes yes
place             -   yes yes yes yes yes
visibility        -   yes yes yes yes yes
evidence_sha256   -   -   yes yes yes yes
last_occurred_at  -   yes yes yes yes yes
handled_at        -   yes yes yes yes yes
deferred_until    -   yes yes yes yes yes
times_returned    -   yes yes yes yes yes
times_reopened    -   yes yes yes yes yes
times_extended    -   yes yes yes yes yes
rating            -   yes yes yes yes yes
priority          -   -   -   yes yes yes
asset_code        -   -   -   yes yes yes
assignees         -   -   -   yes yes yes
field_check       -   -   -   yes yes yes
confidence        -   -   -   yes yes yes
accepted_by       -   -   -   yes yes yes
tasks             -   -   -   yes yes yes
recheck_at        -   -   -   yes yes yes
deadlines         -   -   -   yes yes yes
requests          -   -   -   yes yes yes
detections        -   -   -   yes yes yes
detections_total  -   -   -   yes yes yes
absorbed          -   -   -   yes yes yes
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
COLUMNS = (PUBLIC, FOLLOWER, REPORTER, DEPARTMENT, CENTRE, AUDITOR)
OURS, THEIRS = ["sanitation"], ["landscape"]
INTERNAL = "words of ours"


def actor(role: Role, subject: str = "somebody") -> Actor:
    return Actor(subject, frozenset({role}), "sanitation" if role is Role.OFFICIAL else None)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_who_sees_a_field(row: list[str]) -> None:
    name, *cells = row
    for view, cell in zip(COLUMNS, cells, strict=True):
        assert (seen({name: 1}, view)[name] == 1) == (cell == "yes"), view
    assert seen({name: 1}, OTHER) == seen({name: 1}, PUBLIC)


def test_the_table_has_every_field_that_is_shown_and_unknown_ones_are_seen_by_nobody() -> None:
    assert {row[0] for row in ROWS} == set(FIELDS)
    assert set(CaseState.model_fields) <= set(FIELDS)
    assert [seen({"later": 1}, view) for view in View] == [{"later": None}] * len(View)


def test_what_the_public_is_shown_over_open311_is_the_publics() -> None:
    made_of_them = {  # column: the fields that it is made of
        "status": "status",
        "status_notes": "public_answer",
        "address_id": "external_ref",
        "requested_at": "reported_at",
        "description_sealed": "description",
    }
    for name in set(RequestRow.__annotations__) - {"updated_at", "expected_at", "visibility"}:
        assert PUBLIC in FIELDS[made_of_them.get(name, name)], name


def test_what_everybody_is_shown_of_what_is_near_is_the_publics() -> None:
    for name in set(NearbyRow.model_fields) - {"distance_m"}:
        assert PUBLIC in FIELDS[name], name


def test_a_reporter_sees_the_photos_of_the_report_and_of_the_work_done() -> None:
    history: list[tuple[str, dict[str, Any]]] = [
        ("case.reported", {"evidence_sha256": ["before"]}),
        ("case.detection_merged", {"detection": {"evidence_sha256": ["camera"]}}),
        ("case.dispatched", {}),
        ("case.checked", {"evidence_sha256": ["looked"]}),
        ("case.handled", {"evidence_sha256": ["after"]}),
    ]
    for view in (DEPARTMENT, CENTRE, AUDITOR):
        assert photos_seen(history, view) == {"before", "camera", "looked", "after"}
    assert photos_seen(history, REPORTER) == {"before", "after"}
    for view in (PUBLIC, FOLLOWER, OTHER):
        assert photos_seen(history, view) == set()
    handled = entry("case.handled", evidence_sha256=["after"], note=INTERNAL)
    assert (told(handled, REPORTER) or {})["details"] == {"evidence_sha256": ["after"]}
    assert (told(handled, FOLLOWER) or {})["details"] == {}


def test_who_follows_a_case_reads_no_words_of_others_but_public_ones() -> None:
    followed = view_of(actor(Role.CITIZEN), OURS, "another", ["somebody"])
    assert followed is FOLLOWER
    for view in View:
        assert sees_words(view, "public")
    for visibility in ("flagged", "hidden", "private"):
        seers = {view for view in View if sees_words(view, visibility)}
        assert seers == {REPORTER, DEPARTMENT, CENTRE, AUDITOR}
    report = entry("case.reported", description="words", evidence_sha256=["x"], class_code="c")
    assert (told(report, FOLLOWER) or {})["details"] == {"class_code": "c"}


@pytest.mark.parametrize(
    ("role", "departments", "reporter", "view"),
    [
        (Role.AUDITOR, THEIRS, None, AUDITOR),
        (Role.OPERATOR, THEIRS, "somebody", CENTRE),
        (Role.SUPERVISOR, THEIRS, None, CENTRE),
        (Role.OFFICIAL, OURS, None, DEPARTMENT),
        (Role.OFFICIAL, THEIRS, None, OTHER),
        (Role.OFFICIAL, THEIRS, "somebody", REPORTER),
        (Role.CITIZEN, THEIRS, "somebody", REPORTER),
        (Role.CITIZEN, OURS, "another", PUBLIC),
        (Role.CAMERA, OURS, "somebody", REPORTER),
        (Role.CITIZEN, OURS, None, PUBLIC),
    ],
)
def test_whose_eyes_these_are(
    role: Role, departments: list[str], reporter: str | None, view: View
) -> None:
    assert view_of(actor(role), departments, reporter) is view


def entry(topic: str, **details: Any) -> dict[str, Any]:
    who = {"actor": "operator-1", "role": "operator", "channel": "http"}
    return {"topic": topic, "details": details, **who}


@pytest.mark.parametrize("topic", sorted(EVENT_OF))
def test_no_internal_word_and_no_name_reaches_a_reporter(topic: str) -> None:
    fields = EVENT_OF[topic].__annotations__
    internal = {
        name: INTERNAL
        for name in fields
        if name in ("reason", "note", "resolution", "plan", "requested_by", "author", "actor")
    }
    shown = told(entry(topic, **internal, occurred="then"), REPORTER)
    if topic not in TOLD:
        assert shown is None
    else:
        assert shown is not None
        assert INTERNAL not in str(shown)
        assert (shown["actor"], shown["role"], shown["channel"]) == (None, None, None)


def test_what_is_told_are_fields_of_the_steps_and_those_within_see_all() -> None:
    assert set(TOLD) <= set(EVENT_OF)
    for topic, names in TOLD.items():
        classes = EVENT_OF[topic].__mro__
        known = [name for each in classes for name in vars(each).get("__annotations__", ())]
        assert set(names) <= set(known), topic
    whole = entry("case.voided", reason=INTERNAL)
    assert [told(whole, view) for view in (DEPARTMENT, CENTRE, AUDITOR)] == [whole] * 3
    assert [told(whole, view) for view in (PUBLIC, OTHER)] == [None, None]
