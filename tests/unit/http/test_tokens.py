"""Keys of the token issuer: fetched once, refreshed, and kept while the issuer is away."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from citybrain.domain.actor import Actor, Role
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
            await self.verifier.actor(self.signer.token("camera-1", ["camera"]))
        except Unauthenticated:
            return False
        return True

    def time_passes(self, seconds: float) -> None:
        self.verifier._fetched_at -= seconds


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


async def actor_of(issuer: Issuer, roles: list[str], **claims: Any) -> Actor:
    """Who a token with these claims is, whatever they are."""
    return await issuer.verifier.actor(issuer.signer.token("somebody", roles, **claims))


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


@pytest.mark.parametrize(
    ("role", "place"), [(Role.OFFICIAL, "department"), (Role.CLERK, "counter")]
)
async def test_a_role_without_its_place_has_no_power(
    issuer: Issuer, role: Role, place: str
) -> None:
    assert not (await actor_of(issuer, [role])).has(role)
    assert (await actor_of(issuer, [role], **{place: "east-1"})).has(role)


@pytest.mark.parametrize(
    "claims",
    [
        {"department": ["police"]},
        {"department": 1},
        {"department": "East Hall"},
        {"counter": {"id": 1}},
        {"counter": "1" * 65},
        {"acts_for": [1]},
        {"acts_for": ["*"]},
        {"acts_for": ["c-*-1"]},
    ],
)
async def test_a_claim_of_a_wrong_form_is_no_token(issuer: Issuer, claims: Any) -> None:
    with pytest.raises(Unauthenticated):
        await actor_of(issuer, ["gateway"], **claims)


async def test_a_token_lives_an_hour_at_most_so_that_a_change_of_roles_acts(issuer: Issuer) -> None:
    assert await actor_of(issuer, ["auditor"], seconds=tokens.LONGEST_LIFE_SECONDS)
    with pytest.raises(Unauthenticated, match="3600 s at most"):
        await actor_of(issuer, ["auditor"], seconds=tokens.LONGEST_LIFE_SECONDS + 1)


async def test_a_device_speaks_for_itself_and_for_whom_its_token_names(issuer: Issuer) -> None:
    gateway = await actor_of(issuer, ["gateway"], acts_for=["c-1", "north-*"])
    spoken = ["somebody", "c-1", "c-11", "c-", "north-7", "north-", "north"]
    assert [device for device in spoken if gateway.speaks_for(device)] == [
        "somebody",
        "c-1",
        "north-7",
        "north-",
    ]


async def test_the_role_device_is_no_role_any_more(issuer: Issuer) -> None:
    assert (await actor_of(issuer, ["device"])).roles == frozenset()


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["soon", [1], {}, float("inf"), float("nan")])
async def test_a_time_of_a_wrong_form_is_no_token(
    issuer: Issuer, claim: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = jwt.encode

    def saying(change: Callable[[Any], Any]) -> None:
        def sign(claims: dict[str, Any], *args: Any, **named: Any) -> str:
            right = claims.get(claim, claims["iat"])
            return encode(claims | {claim: change(right)}, *args, **named)

        monkeypatch.setattr(jwt, "encode", sign)

    saying(lambda right: value)
    with pytest.raises(Unauthenticated):
        await actor_of(issuer, ["auditor"])
    saying(lambda right: str(int(right)))  # the text of a number
    assert (await actor_of(issuer, ["auditor"])).has(Role.AUDITOR)
