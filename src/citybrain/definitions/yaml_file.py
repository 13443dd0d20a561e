"""Reads a YAML file into a pydantic model; every error says file and line.

Plain YAML only: anchors, tags and keys that are not plain values are refused, so that what a
file says is what is read in it.
"""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, StringConstraints, ValidationError

from citybrain.errors import CitybrainError

M = TypeVar("M", bound=BaseModel)
Place = tuple[str | int, ...]
MAX_DEPTH = 50


Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
"""What a definition calls a thing: a class, a department, a service, a reason."""


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
    lines = Lines()
    value = _Document(path, lines).read()
    try:
        return model.model_validate(value), lines
    except ValidationError as error:
        problems = [
            f"{path}:{lines.of(problem['loc'])}: "
            f"{'.'.join(str(part) for part in problem['loc']) or 'file'}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        ]
        raise DefinitionError("\n".join(problems)) from error


class _Document:
    """One file on its way from nodes with marks to plain values with lines."""

    def __init__(self, path: Path, lines: Lines) -> None:
        self._path = path
        self._lines = lines
        self._scalars = yaml.SafeLoader("")
        self._seen: set[int] = set()

    def read(self) -> Any:
        try:
            text = self._path.read_text(encoding="utf-8")
            self._check_depth(text)
            root = yaml.compose(text, Loader=yaml.CSafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._error(mark, error.problem or "this is not YAML") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise DefinitionError(f"{self._path}:1: {error}") from error
        except OSError as error:
            raise DefinitionError(f"{self._path}:1: {error.strerror}") from error
        if root is None:
            raise DefinitionError(f"{self._path}:1: the file is empty")
        return self._value(root, ())

    def _check_depth(self, text: str) -> None:
        """Before nodes are composed: that is a recursion in C, which ends in a crash."""
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise DefinitionError(f"{self._path}:{line}: this is nested too deeply")

    def _value(self, node: yaml.Node, place: Place) -> Any:
        self._lines.add(place, node)
        if id(node) in self._seen:
            raise self._error(
                node.start_mark, "this is referred to by an alias (*): write it out there"
            )
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            mapping: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = self._key(key_node)
                if key in mapping:
                    raise self._error(key_node.start_mark, f"{key!r} stands here twice")
                mapping[key] = self._value(value_node, (*place, key))
            return mapping
        if isinstance(node, yaml.SequenceNode):
            return [self._value(each, (*place, index)) for index, each in enumerate(node.value)]
        return self._scalar(node)

    def _key(self, node: yaml.Node) -> str:
        key = self._scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            raise self._error(node.start_mark, "a key is plain text; put others in quotes")
        return key

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self._scalars.construct_object(node)
        except yaml.MarkedYAMLError as error:
            raise self._error(node.start_mark, error.problem or "unknown tag") from error
        except ValueError as error:
            raise self._error(node.start_mark, str(error)) from error

    def _error(self, mark: yaml.Mark | None, problem: str) -> DefinitionError:
        return DefinitionError(f"{self._path}:{mark.line + 1 if mark else 1}: {problem}")
