"""Things in the street: what they are, where they stand, whose they are."""

from collections.abc import Sequence
from typing import Any

import asyncpg
from pydantic import BaseModel

from citybrain.columns import recordset
from citybrain.eventstore import RecordedEvent
from projections.reading import Pool, Row, fetch_planned

TABLES = """
CREATE TABLE assets (
    asset_code text COLLATE "C" PRIMARY KEY,
    kind       text COLLATE "C" NOT NULL,
    name       text NOT NULL,
    owner      text COLLATE "C" NOT NULL,
    latitude   double precision NOT NULL,
    longitude  double precision NOT NULL,
    address    text,
    simulated  boolean NOT NULL,
    retired    boolean NOT NULL
);
CREATE INDEX ON assets (owner, asset_code) WHERE NOT retired;
CREATE INDEX ON assets (latitude, longitude) WHERE NOT retired;
"""


class AssetRow(BaseModel):
    """A thing in the street."""

    asset_code: str
    kind: str
    name: str
    owner: str
    latitude: float
    longitude: float
    address: str | None
    simulated: bool
    retired: bool


COLUMNS = tuple(AssetRow.model_fields)
TAKE = f"DELETE FROM assets WHERE asset_code = ANY($1) RETURNING {', '.join(COLUMNS)}"  # noqa: S608
PUT = """
INSERT INTO assets SELECT * FROM json_populate_recordset(NULL::assets, $1)
"""
REGISTERED, CHANGED, GONE = "asset.registered", "asset.changed", "asset.taken_away"


class Assets:
    """The read model `assets`."""

    name = "assets"
    version = 1
    topics = frozenset({REGISTERED, CHANGED, GONE})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Bring the rows of the batch up to its events."""
        codes = list({_code(event) for event in events})
        rows = {row["asset_code"]: dict(row) for row in await connection.fetch(TAKE, codes)}
        for event in events:
            code = _code(event)
            if event.topic == GONE:
                rows[code]["retired"] = True
                continue
            said = {name: event.data[name] for name in COLUMNS if name in event.data}
            rows[code] = rows.get(code, {}) | said | {"asset_code": code, "retired": False}
        await connection.execute(PUT, recordset(list(rows.values())))


def _code(event: RecordedEvent) -> str:
    return event.stream_id.removeprefix("asset-")


PAGE = f"""
SELECT {", ".join(COLUMNS)} FROM assets.assets
WHERE ($1::boolean IS NULL OR retired = $1) AND ($2::text IS NULL OR owner = $2)
  AND ($3::text IS NULL OR kind = $3)
  AND ($4::float8 IS NULL OR latitude BETWEEN $4 AND $6)
  AND ($5::float8 IS NULL OR longitude BETWEEN $5 AND $7)
  AND ($8::text IS NULL OR asset_code > $8)
ORDER BY asset_code LIMIT $9
"""  # noqa: S608


async def page(
    pool: Pool,
    *,
    retired: bool | None = False,
    owner: str | None = None,
    kind: str | None = None,
    box: tuple[float, float, float, float] | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Row]:
    """Things by their code; `box`: south, west, north, east."""
    corners = box or (None, None, None, None)
    return await fetch_planned(pool, PAGE, retired, owner, kind, *corners, after, limit)
