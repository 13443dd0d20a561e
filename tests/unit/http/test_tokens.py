"""Keys of the token issuer: fetched once, refreshed, and kept while the issuer is away."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from citybrain.domain.actor import Actor, Role
from citybrain.http import issuer_keys, tokens
from citybrain.http.issuer_keys import IssuerKeysUnknown, NotAKeySet, keys_of
from citybrain.http.problems import Unauthenticated
from citybrain.http.tokens import DevelopmentIssuer, TokenVerifier
from tests.given.logs import every_log


class Issuer:
    """An issuer whose key set is fetched over a network that can fail."""

    def __init__(self, folder: Path) -> None:
        self.signer = DevelopmentIssuer(folder, "citybrain")
        self.keys: Any = self.signer.jwks
        self.fetches = 0
        self.away = False
        self.verifier = TokenVerifier(self.signer.issuer, "citybrain", self._fetch)

    async def _fetch(self) -> Any:
        self.fetches += 1
        await asyncio.sleep(0.01)
        if self.away:
            raise TimeoutError
        return self.keys

    async def accepted(self) -> bool:
        try:
            await self.verifier.actor(self.signer.token("camera-1", ["camera"]))
        except (Unauthenticated, IssuerKeysUnknown):
            return False
        return True

    def time_passes(self, seconds: float) -> None:
        self.verifier.keys._known_at -= seconds
        self.verifier.keys._asked_at -= seconds
        self.verifier.keys._looked_for_at -= seconds


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
    issuer.time_passes(issuer_keys.FRESH_SECONDS)
    for _ in range(3):  # the set is asked for once more, by the first who comes with a key unknown
        assert not await issuer.accepted()
    assert issuer.fetches == 3
    issuer.keys = issuer.signer.jwks
    issuer.time_passes(issuer_keys.UNKNOWN_SECONDS)
    assert await issuer.accepted()


async def test_a_token_that_was_seen_ends_with_its_key(issuer: Issuer) -> None:
    token = issuer.signer.token("camera-1", ["camera"])
    verified = await issuer.verifier.verified(token)
    assert await issuer.verifier.verified(token) is verified
    issuer.time_passes(issuer_keys.FRESH_SECONDS)
    again = await issuer.verifier.verified(token)
    assert again.key is verified.key, "the same key is known still"
    assert issuer.verifier.holds(verified)

    issuer.keys = {"keys": []}
    issuer.time_passes(issuer_keys.FRESH_SECONDS)
    with pytest.raises(Unauthenticated, match="key is not known"):
        await issuer.verifier.actor(token)
    assert not issuer.verifier.holds(verified), "what has begun with it ends as well"


async def test_known_keys_stay_good_while_the_issuer_is_away(issuer: Issuer) -> None:
    issuer.away = True
    token = issuer.signer.token("camera-1", ["camera"])
    for _ in range(2):  # nobody is told that their token is bad
        with pytest.raises(IssuerKeysUnknown) as unknown:
            await issuer.verifier.actor(token)
        assert unknown.value.retry_after_seconds == issuer_keys.AWAY_SECONDS
    assert issuer.fetches == 1
    assert not issuer.verifier.keys.known
    issuer.away = False
    issuer.time_passes(issuer_keys.AWAY_SECONDS)  # seconds, not half a minute
    assert await issuer.accepted()
    issuer.away = True
    issuer.time_passes(issuer_keys.FRESH_SECONDS)
    assert await issuer.accepted()


@pytest.mark.parametrize("answer", [[], None, "keys", 1, {}, {"keys": None}, {"keys": {}}])
async def test_what_is_no_key_set_leaves_the_keys_as_they_were(issuer: Issuer, answer: Any) -> None:
    with pytest.raises(NotAKeySet):
        keys_of(answer)
    issuer.keys, right = answer, issuer.keys
    assert not await issuer.accepted()
    issuer.keys = right
    issuer.time_passes(issuer_keys.AWAY_SECONDS)
    assert await issuer.accepted()
    issuer.keys = answer
    issuer.time_passes(issuer_keys.FRESH_SECONDS)
    assert await issuer.accepted()


def test_only_keys_for_signatures_that_are_long_enough_are_taken(issuer: Issuer) -> None:
    def rsa_key(bits: int, **members: Any) -> dict[str, Any]:
        public = rsa.generate_private_key(65537, bits).public_key()
        return {**jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True), **members}

    (right,) = issuer.signer.jwks["keys"]
    strange: list[Any] = [
        None,
        [],
        "key",
        {},
        {**right, "kid": "encrypts", "use": "enc"},
        {**right, "kid": "wraps", "key_ops": ["wrapKey"]},
        {**right, "kid": 1},
        {**right, "kid": ["a"]},
        {**right, "kid": "no-point", "x": 1},
        {**right, "kid": "other", "alg": "ES384"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
        {"kty": ["EC"], "kid": "list"},
        rsa_key(1024, kid="short"),
    ]
    long = rsa_key(2048, kid="long", key_ops=["verify"])
    found, left_out = keys_of({"keys": [*strange, right, long]})
    assert set(found) == {right["kid"], "long"}
    assert left_out["encrypts"] == "the key is not for signatures"
    assert {"wraps", "no-point", "other", "shared", "list", "short"} <= set(left_out)


async def test_a_new_key_signs_from_its_first_second_and_what_is_left_out_is_said_once(
    issuer: Issuer, tmp_path: Path
) -> None:
    """Issuers sign with a key as soon as they have it, whenever we asked last."""
    (old,) = issuer.signer.jwks["keys"]
    assert await issuer.accepted()
    new = issuer.signer = DevelopmentIssuer(tmp_path / "new", "citybrain")
    issuer.keys = {"keys": [old, *new.jwks["keys"], {**old, "kid": "encrypts", "use": "enc"}]}
    with every_log() as logs:
        assert await issuer.accepted()
        issuer.time_passes(issuer_keys.FRESH_SECONDS)
        assert await issuer.accepted()
    assert issuer.fetches == 3
    said = [each for each in logs if each["event"] == "issuer_key_left_out"]
    assert [each["kid"] for each in said] == ["encrypts"]


@pytest.mark.parametrize("subject", ["system:applications", "SYSTEM:x", "open311-app", "cli:0"])
async def test_what_the_system_calls_itself_is_nobodys_subject(
    issuer: Issuer, subject: str
) -> None:
    with pytest.raises(Unauthenticated, match="reserved"):
        await issuer.verifier.actor(issuer.signer.token(subject, ["citizen"]))


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
