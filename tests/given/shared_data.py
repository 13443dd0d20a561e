"""Real records that lie beside a checkout, not in it: `../shared/data` from the project's root.

`CITYBRAIN_SHARED` names another folder in place of `../shared`.
"""

import os
from itertools import islice
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("CITYBRAIN_SHARED") or CHECKOUT.parent / "shared")
RECORDS_311 = SHARED / "data" / "inspection" / "nyc311_animals_a.csv"

PARKING = SHARED / "data" / "parking"
PARKING_PLACES = PARKING / "places.csv"
PARKING_WEEK = [PARKING / f"2026-08-{day}.csv" for day in range(10, 17)]


def needs(file: Path) -> pytest.MarkDecorator:
    """Skips where the file is not there, and says what was looked for."""
    return pytest.mark.skipif(
        not file.is_file(), reason=f"there is no {file}; CITYBRAIN_SHARED may name another folder"
    )


needs_records_311 = needs(RECORDS_311)
needs_parking_week = needs(PARKING_PLACES)


def beginning_of(file: Path, lines: int, folder: Path) -> Path:
    """A file in `folder` with the header and so many lines behind it."""
    copy = folder / file.name
    with file.open("rb") as records, copy.open("wb") as some:
        some.writelines(islice(records, lines + 1))
    return copy
