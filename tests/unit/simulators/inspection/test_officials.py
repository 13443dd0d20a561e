"""What simulated officials do next about a case."""

import random
from typing import Any

import pytest

from ops.simulators.inspection import officials
from ops.simulators.inspection.officials import next_step

LEAD, OTHER = "municipal-works", "traffic-police"
MADE_SAFE = {"code": "made-safe", "until": "made-safe", "stage": "handling"}
HANDLING = {"code": "handling", "until": "handling", "stage": "handling"}


def case(**fields: Any) -> dict[str, Any]:
    return {
        "status": "accepted",
        "deferred_until": None,
        "requests": [],
        "departments": [LEAD, OTHER],
        "lead": LEAD,
        "accepted_by": [LEAD],
        "tasks": [],
        "deadlines": [HANDLING],
        "times_extended": 0,
        **fields,
    }


def task(department: str, *, finished: bool) -> dict[str, Any]:
    return {"department": department, "task": "x", "finished": finished}


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that only happens now and then."""
    for name in ("DECLINE", "JOINT", "HAND_BACK", "VOID", "DEFERRAL", "EXTENSION"):
        monkeypatch.setattr(officials, f"{name}_SHARE", 0.0)


def step_of(department: str = LEAD, **fields: Any) -> str | None:
    step = next_step(case(**fields), department, random.Random(1))
    return step and step[0]


@pytest.mark.parametrize(
    ("fields", "step"),
    [
        ({"status": "dispatched"}, "accept"),
        ({}, "handle"),
        ({"status": "returned"}, "handle"),
        ({"status": "reopened"}, "handle"),
        ({"deadlines": [MADE_SAFE, HANDLING]}, "milestones"),
        ({"tasks": [task(LEAD, finished=False)]}, "tasks"),
        ({"tasks": [task(LEAD, finished=True), task(OTHER, finished=False)]}, None),
        ({"tasks": [task(LEAD, finished=True), task(OTHER, finished=True)]}, "handle"),
        ({"deferred_until": "2026-03-01T00:00:00Z"}, None),
        ({"requests": [{"request_id": "r"}]}, None),
        ({"status": "handled"}, None),
        ({"departments": [OTHER], "lead": OTHER}, None),
    ],
)
def test_the_lead_takes_the_next_step_or_waits(fields: dict[str, Any], step: str | None) -> None:
    assert step_of(**fields) == step


@pytest.mark.parametrize(
    ("fields", "step"),
    [
        ({}, "accept"),
        ({"accepted_by": [LEAD, OTHER]}, None),
        ({"accepted_by": [LEAD, OTHER], "tasks": [task(OTHER, finished=False)]}, "tasks"),
    ],
)
def test_another_department_joins_and_does_its_part(
    fields: dict[str, Any], step: str | None
) -> None:
    assert step_of(OTHER, **fields) == step


@pytest.mark.parametrize(
    ("share", "fields", "change"),
    [
        ("HAND_BACK", {"status": "dispatched"}, "hand-back"),
        ("VOID", {}, "void"),
        ("DEFERRAL", {}, "deferral"),
        ("EXTENSION", {}, "extension"),
        ("EXTENSION", {"times_extended": 1}, None),
    ],
)
def test_now_and_then_a_change_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, share: str, fields: dict[str, Any], change: str | None
) -> None:
    monkeypatch.setattr(officials, f"{share}_SHARE", 1.0)
    step = next_step(case(**fields), LEAD, random.Random(1))
    assert step is not None
    assert step[1].get("change") == change
