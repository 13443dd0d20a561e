"""The longest names of what a city has, from its definitions: what a narrow page has to hold."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

IN_TWO_LANGUAGES: Final = ("name", "label", "reason")
"""Members of definitions that a page shows; each has its English beside it, with `_en`."""
MOST_FEN: Final = 999_999_999
"""No benefit of a service is as much: nearly ten million yuan."""
AMOUNTS: Final = (
    *("amount_fen", "price_fen", "open_fen", "paid_fen", "deposit_fen", "already_fen", "fen"),
    *("per_debit_limit_fen", "per_day_limit_fen", "value"),
)
PLATE: Final = "豫AD00000"  # of a new energy vehicle: one character more


@cache
def longest() -> dict[str, str | int]:
    """By the name of a member of answers: the longest text, or the largest amount."""
    found: dict[str, str | int] = dict.fromkeys(AMOUNTS, MOST_FEN) | {"plate": PLATE}
    for texts in _named():
        for member, text in texts.items():
            found[member] = max(str(found.get(member, "")), text, key=len)
    return found


def _named() -> Iterator[dict[str, str]]:
    folder = Path(str(files("citybrain.definitions"))) / "city"
    for file in sorted(folder.glob("*/*")):
        text = file.read_text(encoding="utf-8")
        read = json.loads(text) if file.suffix == ".geojson" else yaml.safe_load(text)
        yield from _within(read)


def _within(value: Any) -> Iterator[dict[str, str]]:
    if isinstance(value, Mapping):
        for member in IN_TWO_LANGUAGES:
            pair = {each: value.get(each) for each in (member, f"{member}_en")}
            if all(isinstance(each, str) for each in pair.values()):
                yield {each: str(text) for each, text in pair.items()}
        for each in value.values():
            yield from _within(each)
    elif isinstance(value, list):
        for each in value:
            yield from _within(each)
