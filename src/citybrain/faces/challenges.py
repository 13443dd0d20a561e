"""Challenges and samples in the database: each challenge answered once, each picture used once."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from citybrain.errors import Refused, TooOften
from citybrain.faces.engine import Analysis
from citybrain.faces.images import hash_distance
from citybrain.faces.liveness import (
    CHALLENGE_SECONDS,
    SAME_FRAME_BITS,
    RepeatedPicture,
    Turn,
    new_steps,
)

ISSUE = """
INSERT INTO face_challenges
    (challenge_id, person_id, purpose, nonce, steps, expires_at, started_by)
SELECT $1, $2, $3, $4, $5, $6, $8 WHERE (
    SELECT count(*) FROM face_challenges
    WHERE person_id = $2 AND used_at IS NULL AND expires_at > clock_timestamp()
      AND started_by = $8
) < $7
"""
USE = """
UPDATE face_challenges SET used_at = clock_timestamp()
WHERE challenge_id = $1 AND person_id = $2 AND purpose = $3 AND used_at IS NULL
  AND expires_at > clock_timestamp()
RETURNING nonce, steps
"""
RECENT_HASHES = """
SELECT difference_hash FROM face_samples_seen
WHERE person_id = $1 AND seen_at > clock_timestamp() - make_interval(days => $2)
"""
SEEN = """
INSERT INTO face_samples_seen (sha256, person_id, difference_hash)
SELECT s, $2, h FROM unnest($1::bytea[], $3::bigint[]) AS n(s, h)
ON CONFLICT DO NOTHING
"""
ATTEMPT = """
INSERT INTO face_attempts AS a (device, window_start, attempts)
VALUES ($1, date_bin(make_interval(secs => $2), clock_timestamp(), 'epoch'), 1)
ON CONFLICT (device, window_start) DO UPDATE SET attempts = a.attempts + 1
RETURNING attempts,
          extract(epoch FROM window_start + make_interval(secs => $2) - clock_timestamp()) AS left
"""
FORGET = (
    "DELETE FROM face_attempts WHERE window_start < clock_timestamp() - interval '1 day'",
    "DELETE FROM face_challenges WHERE expires_at < clock_timestamp() - interval '1 day'",
    "DELETE FROM face_samples_seen WHERE seen_at < clock_timestamp() - interval '30 days'",
)
HASHES_REMEMBERED_DAYS = 30
DEVICE_ATTEMPTS, DEVICE_SECONDS = 60, 600
OPEN_CHALLENGES = 8  # of one person, unanswered, by who asks


class ChallengeNotValid(Refused):
    """The challenge is unknown, used, expired, or was issued to somebody else."""

    code = "challenge-not-valid"


class TooManyChallenges(TooOften):
    """Challenges are for answering, not for choosing one that suits."""

    code = "too-many-challenges"


class TooManyDeviceAttempts(TooOften):
    """This device tried too often; it may try again later."""

    code = "too-many-device-attempts"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a person is asked to do."""

    challenge_id: UUID
    nonce: str
    steps: list[Turn]
    expires_at: datetime


class Challenges:
    """Issues challenges, takes answers, and remembers which pictures were used."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def issue(self, person_id: str, purpose: str, started_by: str) -> Challenge:
        """A new challenge for one person and one purpose, asked for by somebody."""
        challenge = Challenge(
            uuid4(),
            secrets.token_urlsafe(24),
            new_steps(),
            datetime.now(UTC) + timedelta(seconds=CHALLENGE_SECONDS),
        )
        issued = await self._pool.execute(
            ISSUE,
            challenge.challenge_id,
            person_id,
            purpose,
            challenge.nonce,
            [step.value for step in challenge.steps],
            challenge.expires_at,
            OPEN_CHALLENGES,
            started_by,
        )
        if issued != "INSERT 0 1":
            raise TooManyChallenges(
                "answer a challenge before asking for more", retry_after_seconds=CHALLENGE_SECONDS
            )
        return challenge

    async def use(
        self, challenge_id: UUID, nonce: str, person_id: str, purpose: str
    ) -> Sequence[Turn]:
        """Take the challenge: whatever the answer is worth, it cannot be answered again."""
        row = await self._pool.fetchrow(USE, challenge_id, person_id, purpose)
        if row is None or not secrets.compare_digest(row["nonce"].encode(), nonce.encode()):
            raise ChallengeNotValid("this challenge is unknown, used or expired; ask for another")
        return [Turn(step) for step in row["steps"]]

    async def count_attempt(self, device: str) -> None:
        """Count an attempt of a device; raises `TooManyDeviceAttempts`."""
        row = await self._pool.fetchrow(ATTEMPT, device, DEVICE_SECONDS)
        assert row is not None
        if row["attempts"] > DEVICE_ATTEMPTS:
            raise TooManyDeviceAttempts(
                f"at most {DEVICE_ATTEMPTS} attempts in {DEVICE_SECONDS} s",
                retry_after_seconds=int(row["left"]) + 1,
            )

    async def use_pictures(
        self, person_id: str, contents: Sequence[bytes], answers: Sequence[Analysis]
    ) -> None:
        """Remember pictures as used; raises `RepeatedPicture` for one that was used before.

        The digest decides; a perceptual hash near one of this person's is refused as well.
        """
        rows = await self._pool.fetch(RECENT_HASHES, person_id, HASHES_REMEMBERED_DAYS)
        known = [row["difference_hash"] & (1 << 64) - 1 for row in rows]
        hashes = [answer.difference_hash for answer in answers]
        near = any(
            hash_distance(one, other) <= SAME_FRAME_BITS for one in hashes for other in known
        )
        digests = [sha256(content).digest() for content in contents]
        added = await self._pool.execute(
            SEEN, digests, person_id, [_signed(value) for value in hashes]
        )
        if near or added != f"INSERT 0 {len(set(digests))}" or len(set(digests)) < len(digests):
            raise RepeatedPicture("a picture was used before")


async def forget_old(pool: "asyncpg.Pool[Any]") -> None:
    """Drop what no rule asks about any more."""
    for statement in FORGET:
        await pool.execute(statement)


def _signed(value: int) -> int:
    """64 bits as PostgreSQL's bigint has them."""
    return value - (1 << 64) if value >> 63 else value


async def forget_pictures(pool: "asyncpg.Pool[Any]", person_id: str) -> None:
    """Drop the digests of a person's pictures: their consent has ended."""
    await pool.execute("DELETE FROM face_samples_seen WHERE person_id = $1", person_id)
