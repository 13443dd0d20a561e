"""Files of texts by code: a code stands in them once, or the file is wrong.

YAML by itself takes the last of two entries of one key, and says nothing.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import RootModel

from citybrain.definitions.yaml_file import DefinitionError, read_yaml

Texts = dict[str, Any]


def read_texts(path: Path) -> Texts:
    """What a file says; raises `DefinitionError` where a key stands in it twice."""
    return read_yaml(path, RootModel[Texts])[0].root


def joined(paths: Iterable[Path], depth: int = 1) -> Texts:
    """What several files say together, in which no code stands twice.

    `depth` is how far down the codes are: 2 where they are grouped by kind.
    """
    found: Texts = {}
    for path in paths:
        _add(found, read_texts(path), depth, path)
    return found


def _add(found: Texts, more: Mapping[str, Any], depth: int, path: Path) -> None:
    for key, value in more.items():
        if depth > 1:
            _add(found.setdefault(key, {}), value, depth - 1, path)
        elif key in found:
            raise DefinitionError(f"{path}:1: {key!r} stands in another room as well")
        else:
            found[key] = value
