"""Consents: to which version of which agreement somebody agreed, and whether they still do."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import BaseModel, Field

from citybrain.eventstore import RecordedEvent
from projections.reading import Pool, Row, columns, fetch

TABLES = """
CREATE TABLE consents (
    consent_id text COLLATE "C" PRIMARY KEY,
    citizen_id text COLLATE "C" NOT NULL,
    agreement  text COLLATE "C" NOT NULL,
    sha256     text COLLATE "C" NOT NULL,
    given_at   timestamptz NOT NULL,
    guardian   boolean NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX ON consents (citizen_id, given_at DESC);
"""


class ConsentRow(BaseModel):
    """A consent record."""

    consent_id: str
    agreement: str
    sha256: str = Field(description="the version of the agreement: the digest of its text")
    given_at: datetime
    guardian: bool = Field(description="given by a guardian")
    ended_at: datetime | None = Field(description="withdrawn, or replaced by another")


FACE = "face-recognition"
FACE_GIVEN, FACE_WITHDRAWN = "citizen.face_consent_given", "citizen.face_consent_withdrawn"
GIVEN, WITHDRAWN = "citizen.consent_given", "citizen.consent_withdrawn"

ADD = f"""
INSERT INTO consents (citizen_id, {columns(ConsentRow)}) VALUES ($1, $2, $3, $4, $5, $6, NULL)
ON CONFLICT (consent_id) DO NOTHING
"""  # noqa: S608
END_FACE = f"""
UPDATE consents SET ended_at = $2
WHERE citizen_id = $1 AND agreement = '{FACE}' AND ended_at IS NULL
"""  # noqa: S608
END = "UPDATE consents SET ended_at = $2 WHERE consent_id = $1 AND ended_at IS NULL"


class Consents:
    """The read model `consents`. Its events are rare: a statement or two each."""

    name = "consents"
    version = 2
    topics = frozenset({FACE_GIVEN, FACE_WITHDRAWN, GIVEN, WITHDRAWN})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Begin or end a consent."""
        for event in events:
            data = event.data
            if event.topic in (FACE_GIVEN, FACE_WITHDRAWN):
                await connection.execute(END_FACE, event.stream_id, data["timestamp"])
            if event.topic == WITHDRAWN:
                await connection.execute(END, data["consent_id"], data["timestamp"])
            if event.topic in (FACE_GIVEN, GIVEN):
                await connection.execute(
                    ADD,
                    event.stream_id,
                    data["consent_id"],
                    data.get("agreement", FACE),
                    data["notice_sha256"],
                    data["timestamp"],
                    data.get("guardian") is not None,
                )


OF = f"""
SELECT {columns(ConsentRow)} FROM consents.consents WHERE citizen_id = $1
ORDER BY given_at DESC, consent_id LIMIT 500
"""  # noqa: S608
ONE = f"""
SELECT {columns(ConsentRow, "citizen_id")} FROM consents.consents WHERE consent_id = $1
"""  # noqa: S608


async def of_citizen(pool: Pool, citizen_id: str) -> list[Row]:
    """A citizen's consents, newest first."""
    return await fetch(pool, OF, citizen_id)


async def one(pool: Pool, consent_id: str) -> Row | None:
    """One consent, with whose it is; None where there is none."""
    rows = await fetch(pool, ONE, consent_id)
    return rows[0] if rows else None
