"""Reads a YAML file into a pydantic model; every error says file and line."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from citybrain.errors import CitybrainError

M = TypeVar("M", bound=BaseModel)
Place = tuple[str | int, ...]


class DefinitionError(CitybrainError):
    """A definition file is wrong; the message begins with `file:line`."""

    code = "definition-error"


class Lines:
    """Where each value of a document stands: path of keys and indexes → line from 1."""

    def __init__(self) -> None:
        self._lines: dict[Place, int] = {}

    def add(self, place: Place, node: yaml.Node) -> None:
        """Note the line of the value at `place`."""
        self._lines[place] = node.start_mark.line + 1

    def of(self, place: Place) -> int:
        """The line of the value at `place`, or of the nearest value around it."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)


def read_yaml(path: Path, model: type[M]) -> tuple[M, Lines]:
    """The file as a `model`, and its lines; raises `DefinitionError`."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DefinitionError(f"{path}:{line}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{path}:1: {error}") from error
    if root is None:
        raise DefinitionError(f"{path}:1: the file is empty")
    lines = Lines()
    value = _construct(root, (), lines, path)
    try:
        return model.model_validate(value), lines
    except ValidationError as error:
        problems = [
            f"{path}:{lines.of(problem['loc'])}: "
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        ]
        raise DefinitionError("\n".join(problems)) from error


def _construct(node: yaml.Node, place: Place, lines: Lines, path: Path) -> Any:
    lines.add(place, node)
    if isinstance(node, yaml.MappingNode):
        mapping: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = yaml.SafeLoader("").construct_object(key_node)
            if key in mapping:
                line = key_node.start_mark.line + 1
                raise DefinitionError(f"{path}:{line}: {key!r} stands here twice")
            mapping[key] = _construct(value_node, (*place, key), lines, path)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(member, (*place, index), lines, path)
            for index, member in enumerate(node.value)
        ]
    return yaml.SafeLoader("").construct_object(node)
