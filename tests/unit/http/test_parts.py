"""Whoever is sent a snapshot and then its changes has what who is sent all of it has."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from citybrain.http.parts import Parts

VALUES = st.one_of(st.none(), st.integers(0, 3), st.lists(st.integers(0, 3), max_size=2))
SNAPSHOTS = st.lists(
    st.fixed_dictionaries(
        {
            "head": VALUES,
            "newest": VALUES,
            "cases": st.fixed_dictionaries({"a": VALUES, "b": VALUES}),
        }
    ),
    min_size=1,
    max_size=6,
)


def merged(whole: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return whole | {
        name: whole[name] | value if isinstance(value, dict) and name in whole else value
        for name, value in changes.items()
    }


@given(SNAPSHOTS, st.sets(st.integers(0, 5)))
def test_changes_come_to_the_snapshot_whichever_of_them_a_viewer_misses(
    snapshots: list[dict[str, Any]], missed: set[int]
) -> None:
    parts, seen, shown = Parts(), 0, dict[str, Any]()
    for number, snapshot in enumerate(snapshots):
        before = parts.revision
        assert parts.take(snapshot) is (number == 0 or snapshot != snapshots[number - 1])
        assert (parts.revision > before) is (number == 0 or snapshot != snapshots[number - 1])
        if number in missed:
            continue
        shown = merged(shown, orjson.loads(parts.since(seen)))
        seen = parts.revision
        assert shown == snapshot
        assert orjson.loads(parts.since(0)) == snapshot


def test_of_what_grows_only_the_new_is_sent() -> None:
    parts = Parts(("newest",))
    assert parts.take({"newest": [{"at": 2}, {"at": 1}], "head": 2})
    early = parts.revision
    assert parts.take({"newest": [{"at": 3}, {"at": 2}], "head": 3})
    late = parts.revision
    assert not parts.take({"newest": [{"at": 3}, {"at": 2}], "head": 3})
    assert parts.take({"newest": [{"at": 5}, {"at": 4}], "head": 5})
    assert orjson.loads(parts.since(late)) == {"newest": [{"at": 5}, {"at": 4}], "head": 5}
    assert orjson.loads(parts.since(early)) == orjson.loads(parts.since(0))
    assert parts.take({"newest": [{"at": 5}, {"at": 4}], "head": 6})
    assert orjson.loads(parts.since(parts.revision - 1)) == {"head": 6}


def test_what_has_not_changed_is_not_sent() -> None:
    parts = Parts()
    assert parts.take({"head": 1, "cases": {"open": 1, "squares": [1, 2]}, "none": {}})
    seen = parts.revision
    assert not parts.take({"head": 1, "cases": {"open": 1, "squares": [1, 2]}, "none": {}})
    assert parts.since(seen) == b"{}"
    assert parts.take({"head": 2, "cases": {"open": 2, "squares": [1, 2]}, "none": {}})
    assert orjson.loads(parts.since(seen)) == {"head": 2, "cases": {"open": 2}}
