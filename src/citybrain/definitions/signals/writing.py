"""Writes a junction's file as people write them: one line for each group, lane or movement."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from citybrain.definitions.signals.junction_file import JunctionFile

FOLDER = "signal-junction"
WIDTH = 100_000
"""No line is broken: each thing stands on one."""


def write_junction(city: Path, file: JunctionFile, notes: Iterable[str] = ()) -> Path:
    """Write it into a city's folder, with notes as comments; the file's path."""
    path = city / FOLDER / f"{file.junction}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_yaml(file, notes), encoding="utf-8")
    return path


def as_yaml(file: JunctionFile, notes: Iterable[str] = ()) -> str:
    """The text of a file that reads as `file`."""
    said = file.model_dump(mode="json", exclude_defaults=True)
    said["valid_from"] = file.valid_from
    lines = [f"# {note}" for note in notes]
    for key, value in said.items():
        lines += _member(key, value)
    return "\n".join(lines) + "\n"


def _member(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        yield f"{key}:"
        for code, each in value.items():
            yield f"  {_flow(code)}: {_flow(each)}"
    elif isinstance(value, list) and value:
        yield f"{key}:"
        yield from (f"  - {_flow(each)}" for each in value)
    else:
        yield f"{key}: {_flow(value)}"


def _flow(value: Any) -> str:
    """A value on one line."""
    text: str = yaml.safe_dump(
        [value], default_flow_style=True, sort_keys=False, allow_unicode=True, width=WIDTH
    )
    return text.strip().removeprefix("[").removesuffix("]")
