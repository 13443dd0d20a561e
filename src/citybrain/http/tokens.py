"""OAuth 2 access tokens: JWTs of RFC 9068, verified with the issuer's JWKS.

Roles are the `roles` claim. What a role reaches to has claims of its own: `department` of an
official, `counter` of a clerk, `acts_for` of a device. A change of any of them acts when the token
has run out, `LONGEST_LIFE_SECONDS` and `LEEWAY_SECONDS` after it was issued at the latest: a longer
one is refused. The development issuer makes its own key at first run and exists in development mode
only.
"""

import asyncio
import hashlib
import json
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
import jwt
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from citybrain.domain.actor import Actor, Role
from citybrain.errors import CitybrainError
from citybrain.http.problems import Unauthenticated
from citybrain.key_files import make_once, pem_of
from citybrain.settings import Settings

log = structlog.get_logger(__name__)

SUBJECT: Final = re.compile(r"[\x21-\x7e]{1,255}")
PLACE: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")  # a department or a counter
DEVICES: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}\*?")  # an id, or how ids begin
ALGORITHMS = ("ES256", "EdDSA", "RS256")
TYPES = ("at+jwt", "application/at+jwt")
REQUIRED = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]
LEEWAY_SECONDS = 30
LONGEST_LIFE_SECONDS = 3600  # so long a change of roles takes, and the leeway, at most
CACHED_TOKENS = 10_000
REFETCH_SECONDS = 30.0  # not sooner, however many unknown keys are named
KEYS_FRESH_SECONDS = 600.0  # then the issuer is asked again, so that a withdrawn key ends
MAX_TOKEN_LENGTH = 4096

FetchKeys = Callable[[], Awaitable[dict[str, Any]]]


class IssuerNotConfigured(CitybrainError):
    """Production needs an issuer and its JWKS."""

    code = "issuer-not-configured"


class TokenVerifier:
    """Turns a bearer token into an `Actor`; verified tokens are remembered until they expire."""

    def __init__(self, issuer: str, audience: str, fetch_keys: FetchKeys) -> None:
        self._issuer = issuer
        self._audience = audience
        self._fetch_keys = fetch_keys
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = -KEYS_FRESH_SECONDS
        self._refreshing = asyncio.Lock()
        self._verified: OrderedDict[bytes, tuple[float, Actor]] = OrderedDict()

    async def actor(self, token: str) -> Actor:
        """The actor of a valid token; raises `Unauthenticated` with the reason."""
        if len(token) > MAX_TOKEN_LENGTH:
            raise Unauthenticated("the access token is too long")
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and known[0] > time.time():
            self._verified.move_to_end(digest)
            return known[1]
        claims = await self._claims(token)
        actor = _actor(claims)
        self._verified[digest] = (float(claims["exp"]), actor)
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)
        return actor

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise Unauthenticated("the access token is malformed") from error
        if header.get("alg") not in ALGORITHMS:
            raise Unauthenticated("the access token's algorithm is not accepted")
        if str(header.get("typ", "")).lower() not in TYPES:
            raise Unauthenticated("the token is not an access token (typ at+jwt)")
        key = await self._key(str(header.get("kid", "")))
        if key.algorithm_name != header["alg"]:
            raise Unauthenticated("the access token's algorithm is not that of its key")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": REQUIRED},
            )
            expires_at, life = int(claims["exp"]), int(claims["exp"]) - int(claims["iat"])
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("the access token has expired") from error
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
            raise Unauthenticated("the access token is not valid") from error
        if life > LONGEST_LIFE_SECONDS:
            raise Unauthenticated(f"an access token lives {LONGEST_LIFE_SECONDS} s at most")
        return claims | {"exp": expires_at}

    async def _key(self, kid: str) -> jwt.PyJWK:
        if self._stale(kid):
            async with self._refreshing:
                if self._stale(kid):
                    await self._refresh(kid)
        try:
            return self._keys[kid]
        except KeyError:
            raise Unauthenticated("the access token's key is not known") from None

    def _stale(self, kid: str) -> bool:
        age = time.monotonic() - self._fetched_at
        return age > (KEYS_FRESH_SECONDS if kid in self._keys else REFETCH_SECONDS)

    async def _refresh(self, kid: str) -> None:
        """Ask the issuer; where it cannot be reached, known keys stay good."""
        try:
            key_set = jwt.PyJWKSet.from_dict(await self._fetch_keys())
            self._keys = {key.key_id or "": key for key in key_set.keys}
        except (jwt.PyJWTError, aiohttp.ClientError, TimeoutError, ValueError) as error:
            log.warning("keys_not_refreshed", error=type(error).__name__)
            if kid not in self._keys:
                raise Unauthenticated("the issuer's keys cannot be read") from error
        finally:
            self._fetched_at = time.monotonic()


async def _no_keys() -> dict[str, Any]:
    return {"keys": []}


refuses_all = TokenVerifier("nobody", "nobody", _no_keys)
"""Of a process of which nothing is asked that needs a token."""


def _actor(claims: dict[str, Any]) -> Actor:
    roles = claims.get("roles", [])
    names = {role.value for role in Role} - {Role.SYSTEM.value}
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise Unauthenticated("the roles of the access token are not a list of names")
    subject = str(claims["sub"])
    if not SUBJECT.fullmatch(subject):
        raise Unauthenticated("the subject of the access token is not a pseudonym of ours")
    return Actor(
        subject,
        frozenset(Role(r) for r in roles if r in names),
        _place(claims, "department"),
        _place(claims, "counter"),
        _acts_for(claims),
    )


def _place(claims: dict[str, Any], claim: str) -> str | None:
    place = claims.get(claim)
    if place is None or (isinstance(place, str) and PLACE.fullmatch(place)):
        return place
    raise Unauthenticated(f"the {claim} of the access token is not a name")


def _acts_for(claims: dict[str, Any]) -> frozenset[str]:
    named = claims.get("acts_for", [])
    if not isinstance(named, list) or not all(
        isinstance(each, str) and DEVICES.fullmatch(each) for each in named
    ):
        raise Unauthenticated("acts_for of the access token is not a list of ids of devices")
    return frozenset(named)


class DevelopmentIssuer:
    """Issues tokens to anybody who asks; for development only. The key stays in the data folder."""

    issuer = "urn:citybrain:development"

    def __init__(self, folder: Path, audience: str) -> None:
        self._audience = audience
        self._key = _load_or_make_key(folder / "development-issuer.pem")
        public: dict[str, Any] = json.loads(
            jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key())
        )
        thumbprint = hashlib.sha256(json.dumps(public, sort_keys=True).encode()).hexdigest()[:16]
        self.jwks = {"keys": [{**public, "kid": thumbprint, "alg": "ES256", "use": "sig"}]}
        self._kid = thumbprint

    async def keys(self) -> dict[str, Any]:
        """The key set, as a verifier fetches it."""
        return self.jwks

    def token(
        self,
        subject: str,
        roles: list[str],
        department: str | None = None,
        *,
        counter: str | None = None,
        acts_for: Sequence[str] = (),
        seconds: int = LONGEST_LIFE_SECONDS,
    ) -> str:
        """A signed access token."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self._audience,
            "sub": subject,
            "client_id": "development",
            "iat": now,
            "exp": now + seconds,
            "jti": secrets.token_hex(16),
            "roles": roles,
        }
        reach = {"department": department, "counter": counter, "acts_for": list(acts_for)}
        claims |= {name: value for name, value in reach.items() if value}
        headers = {"typ": "at+jwt", "kid": self._kid}
        return jwt.encode(claims, self._key, algorithm="ES256", headers=headers)


def _load_or_make_key(path: Path) -> ec.EllipticCurvePrivateKey:
    make_once(path, lambda: pem_of(ec.generate_private_key(ec.SECP256R1())))
    loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return loaded


def open_verifier(settings: Settings) -> tuple[TokenVerifier, DevelopmentIssuer | None]:
    """The verifier that the settings ask for; raises `IssuerNotConfigured` in production."""
    if settings.oidc_issuer and settings.oidc_jwks_url:
        url = settings.oidc_jwks_url

        async def fetch() -> dict[str, Any]:
            timeout = aiohttp.ClientTimeout(total=5)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url) as answer,
            ):
                answer.raise_for_status()
                keys: dict[str, Any] = await answer.json(content_type=None)
                return keys

        return TokenVerifier(settings.oidc_issuer, settings.oidc_audience, fetch), None
    if settings.mode == "production":
        raise IssuerNotConfigured(
            "production needs CITYBRAIN_OIDC_ISSUER and CITYBRAIN_OIDC_JWKS_URL; "
            "for trying things out, use `citybrain run` or CITYBRAIN_MODE=development"
        )
    issuer = DevelopmentIssuer(settings.data_dir / "keys", settings.oidc_audience)
    return TokenVerifier(issuer.issuer, settings.oidc_audience, issuer.keys), issuer
