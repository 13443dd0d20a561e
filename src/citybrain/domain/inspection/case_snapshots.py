"""What the state of a case has held since which version of its snapshots; at its beginning."""

from typing import Any


def second_version() -> dict[str, Any]:
    """What the state has held since deadlines, merges and approvals; at its beginning."""
    return {
        "tasks": [],
        "handled_at": None,
        "recheck_at": None,
        "times_reopened": 0,
        "times_extended": 0,
        "deadlines": [],
        "deferred_at": None,
        "deferred_until": None,
        "requests": [],
        "detections": {},
        "absorbed": [],
        "merged_into": None,
        "status_before_merge": None,
    }


def third_version() -> dict[str, Any]:
    """What the state has held since the centre's daily work is on record; at its beginning."""
    return {
        "visibility": "public",
        "description_sealed": None,
        "priority": "normal",
        "assignees": {},
        "field_check": None,
        "rating": None,
        "rated_closing": None,
        "subscribers": [],
        "asset_code": None,
        "asset_owner": None,
    }
