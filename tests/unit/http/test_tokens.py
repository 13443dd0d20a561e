"""Keys of the token issuer: fetched once, refreshed, and kept while the issuer is away."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from citybrain.http import tokens
from citybrain.http.problems import Unauthenticated
from citybrain.http.tokens import DevelopmentIssuer, TokenVerifier


class Issuer:
    """An issuer whose key set is fetched over a network that can fail."""

    def __init__(self, folder: Path) -> None:
        self.signer = DevelopmentIssuer(folder, "citybrain")
        self.keys = self.signer.jwks
        self.fetches = 0
        self.away = False
        self.verifier = TokenVerifier(self.signer.issuer, "citybrain", self._fetch)

    async def _fetch(self) -> dict[str, Any]:
        self.fetches += 1
        await asyncio.sleep(0.01)
        if self.away:
            raise TimeoutError
        return self.keys

    async def accepted(self) -> bool:
        try:
            await self.verifier.actor(self.signer.token("camera-1", ["device"]))
        except Unauthenticated:
            return False
        return True

    def time_passes(self, seconds: float) -> None:
        self.verifier._fetched_at -= seconds


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


async def test_callers_at_once_share_one_fetch(issuer: Issuer) -> None:
    assert all(await asyncio.gather(*(issuer.accepted() for _ in range(20))))
    assert issuer.fetches == 1


async def test_a_withdrawn_key_ends_and_unknown_keys_do_not_hammer_the_issuer(
    issuer: Issuer, tmp_path: Path
) -> None:
    assert await issuer.accepted()
    issuer.keys = DevelopmentIssuer(tmp_path / "other", "citybrain").jwks
    assert await issuer.accepted()
    issuer.time_passes(tokens.KEYS_FRESH_SECONDS)
    assert not await issuer.accepted()
    assert not await issuer.accepted()
    assert issuer.fetches == 2
    issuer.keys = issuer.signer.jwks
    issuer.time_passes(tokens.REFETCH_SECONDS)
    assert await issuer.accepted()


async def test_known_keys_stay_good_while_the_issuer_is_away(issuer: Issuer) -> None:
    issuer.away = True
    assert not await issuer.accepted()
    issuer.away = False
    issuer.time_passes(tokens.REFETCH_SECONDS)
    assert await issuer.accepted()
    issuer.away = True
    issuer.time_passes(tokens.KEYS_FRESH_SECONDS)
    assert await issuer.accepted()
