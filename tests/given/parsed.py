"""The definition files that come along are parsed once a process of tests: they do not change.

A test that loads a city's own folder reads all of ours as well, and one that searches by chance
does so for each example.
"""

import pickle
from pathlib import Path
from typing import Any

import pytest

from citybrain.definitions.loading import PACKAGE_FOLDER
from citybrain.definitions.yaml_file import _Document


def parse_once(patch: pytest.MonkeyPatch) -> None:
    """Whoever reads one of ours has values and lines of their own; those of others are read."""
    read, known = _Document.read, dict[Path, bytes]()

    def read_once(self: _Document) -> Any:
        path = self._path
        if not path.is_relative_to(PACKAGE_FOLDER):
            return read(self)
        if path not in known:
            known[path] = pickle.dumps((read(self), self._lines._lines))
        value, lines = pickle.loads(known[path])  # of our own making
        self._lines._lines.update(lines)
        return value

    patch.setattr(_Document, "read", read_once)
