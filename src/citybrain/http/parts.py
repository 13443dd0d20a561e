"""A snapshot of which whoever follows is sent what has changed: first all of it, then parts.

A part is a member of the snapshot, or of a member that is an object: that one is never sent whole
again. Of a list that grows at its front only what is new is sent: whoever has the rest puts it
before that. Members do not go away. Each part is made into JSON once, for all who follow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(slots=True)
class Parts:
    """The newest snapshot, and with which revision each of its parts became what it is."""

    growing: tuple[str, ...] = ()
    """Members that are lists, the newest first."""
    revision: int = 0
    _rows: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    """Of those that grow: each row, and with which revision it came."""
    _known: dict[tuple[str, ...], tuple[int, bytes]] = field(default_factory=dict)

    def take(self, snapshot: Mapping[str, Any]) -> bool:
        """A new snapshot; whether anything in it is new."""
        revision = self.revision + 1
        for name in self.growing:
            known_rows = {text: came for came, text in self._rows.get(name, [])}
            texts = [orjson.dumps(row, default=str) for row in snapshot[name]]
            if name not in self._rows or any(text not in known_rows for text in texts):
                self.revision = revision
            self._rows[name] = [(known_rows.get(text, revision), text) for text in texts]
        for path, value in _paths(snapshot, self.growing):
            text = orjson.dumps(value, default=str)
            known = self._known.get(path)
            if known is None or known[1] != text:
                self._known[path] = (revision, text)
                self.revision = revision
        return self.revision == revision

    def since(self, revision: int) -> bytes:
        """What has changed since a revision, as a JSON object; all of it since 0."""
        found: dict[str, Any] = {}
        for name, rows in self._rows.items():
            new = [orjson.Fragment(text) for came, text in rows if came > revision]
            if new or revision == 0:
                found[name] = new
        for path, (changed, text) in self._known.items():
            if changed > revision:
                inner = found
                for name in path[:-1]:
                    inner = inner.setdefault(name, {})
                inner[path[-1]] = orjson.Fragment(text)
        return orjson.dumps(found)


def _paths(
    snapshot: Mapping[str, Any], growing: tuple[str, ...]
) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, value in snapshot.items():
        if name in growing:
            continue
        if isinstance(value, dict) and value:
            found += (((name, inner), each) for inner, each in value.items())
        else:
            found.append(((name,), value))
    return found
