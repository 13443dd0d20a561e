"""A snapshot of which whoever follows is sent what has changed: first all of it, then parts.

A part is a member of the snapshot, or of a member that is an object: that one is never sent whole
again. Members do not go away. Each part is made into JSON once, for all who follow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(slots=True)
class Parts:
    """The newest snapshot, and with which revision each of its parts became what it is."""

    revision: int = 0
    _known: dict[tuple[str, ...], tuple[int, bytes]] = field(default_factory=dict)
    _since: tuple[int, int, bytes] = (-1, -1, b"")

    def take(self, snapshot: Mapping[str, Any]) -> bool:
        """A new snapshot; whether anything in it is new."""
        revision = self.revision + 1
        for path, value in _paths(snapshot):
            text = orjson.dumps(value, default=str)
            known = self._known.get(path)
            if known is None or known[1] != text:
                self._known[path] = (revision, text)
                self.revision = revision
        return self.revision == revision

    def since(self, revision: int) -> bytes:
        """What has changed since a revision, as a JSON object; all of it since 0."""
        if self._since[:2] != (revision, self.revision):
            found: dict[str, Any] = {}
            for path, (changed, text) in self._known.items():
                if changed > revision:
                    inner = found
                    for name in path[:-1]:
                        inner = inner.setdefault(name, {})
                    inner[path[-1]] = orjson.Fragment(text)
            self._since = (revision, self.revision, orjson.dumps(found))
        return self._since[2]


def _paths(snapshot: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, value in snapshot.items():
        if isinstance(value, dict) and value:
            found += (((name, inner), each) for inner, each in value.items())
        else:
            found.append(((name,), value))
    return found
