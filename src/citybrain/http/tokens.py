"""OAuth 2 access tokens: JWTs of RFC 9068, verified with the issuer's JWKS.

Roles are the `roles` claim. What a role reaches to has claims of its own: `department` of an
official, `counter` of a clerk, `acts_for` of a device. A change of any of them acts when the token
has run out, `LONGEST_LIFE_SECONDS` and `LEEWAY_SECONDS` after it was issued at the latest: a longer
one is refused. The development issuer makes its own key at first run and exists in development mode
only.
"""

import hashlib
import json
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from citybrain.domain.actor import Actor, Role, is_reserved
from citybrain.errors import CitybrainError
from citybrain.http.issuer_keys import ALGORITHMS, FetchKeys, IssuerKeys, fetch_json
from citybrain.http.problems import Unauthenticated
from citybrain.key_files import make_once, pem_of
from citybrain.settings import Settings

SUBJECT: Final = re.compile(r"[\x21-\x7e]{1,255}")
PLACE: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")  # a department or a counter
DEVICES: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}\*?")  # an id, or how ids begin
TYPES = ("at+jwt", "application/at+jwt")
REQUIRED = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]
LEEWAY_SECONDS = 30
LONGEST_LIFE_SECONDS = 3600  # so long a change of roles takes, and the leeway, at most
CACHED_TOKENS = 10_000
MAX_TOKEN_LENGTH = 4096


class IssuerNotConfigured(CitybrainError):
    """Production needs an issuer and its JWKS."""

    code = "issuer-not-configured"
    exit_status: ClassVar[int] = 78  # EX_CONFIG of sysexits.h


class Verified(NamedTuple):
    """Who a token is of, until when (Unix time), and the key that says so."""

    actor: Actor
    expires_at: float
    kid: str
    key: jwt.PyJWK


VERIFIED: web.RequestKey[Verified] = web.RequestKey("verified", Verified)
"""The token of a request, once it has been verified."""


def actor_of(request: web.Request) -> Actor | None:
    """Whose token a request has; None where none has been verified."""
    verified = request.get(VERIFIED)
    return None if verified is None else verified.actor


class TokenVerifier:
    """Turns a bearer token into an `Actor`.

    Verified tokens are remembered until they expire or their key is withdrawn.
    """

    def __init__(self, issuer: str, audience: str, fetch_keys: FetchKeys) -> None:
        self._issuer = issuer
        self._audience = audience
        self.keys = IssuerKeys(fetch_keys)
        self._verified: OrderedDict[bytes, Verified] = OrderedDict()

    async def actor(self, token: str) -> Actor:
        """The actor of a valid token; errors as of `verified`."""
        return (await self.verified(token)).actor

    async def verified(self, token: str) -> Verified:
        """What a valid token says.

        Raises `Unauthenticated` with the reason, and `IssuerKeysUnknown`.
        """
        if (known := self.known(token)) is not None:
            return known
        if len(token) > MAX_TOKEN_LENGTH:
            raise Unauthenticated("the access token is too long")
        digest = _digest(token)
        self._verified.pop(digest, None)
        found = self._verified[digest] = await self._verify(token)
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)
        return found

    def known(self, token: str) -> Verified | None:
        """What a token says that was verified before, and for which nobody need be asked."""
        digest = _digest(token)
        known = self._verified.get(digest)
        if known is None or not self.keys.fresh or not self.holds(known):
            return None
        self._verified.move_to_end(digest)
        return known

    def holds(self, known: Verified) -> bool:
        """Whether a token has neither run out nor lost its key since it was verified."""
        return known.expires_at > time.time() and self.keys.is_current(known.kid, known.key)

    async def _verify(self, token: str) -> Verified:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError) as error:
            raise Unauthenticated("the access token is malformed") from error
        if header.get("alg") not in ALGORITHMS:
            raise Unauthenticated("the access token's algorithm is not accepted")
        if str(header.get("typ", "")).lower() not in TYPES:
            raise Unauthenticated("the token is not an access token (typ at+jwt)")
        kid = str(header.get("kid", ""))
        key = await self.keys.key(kid)
        if key is None:
            raise Unauthenticated("the access token's key is not known")
        if key.algorithm_name != header["alg"]:
            raise Unauthenticated("the access token's algorithm is not that of its key")
        claims = self._claims(token, key)
        return Verified(_actor(claims), float(claims["exp"]), kid, key)

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
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


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


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
    if is_reserved(subject):
        raise Unauthenticated("the subject of the access token is reserved for the system")
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
        reach = {"department": department, "counter": counter, "acts_for": list(acts_for)}
        claims = {"client_id": "development", "roles": roles}
        claims |= {name: value for name, value in reach.items() if value}
        return self.access_token(subject, claims, seconds=seconds)

    def access_token(self, subject: str, claims: Mapping[str, Any], *, seconds: int) -> str:
        """A signed access token (RFC 9068); `claims` has `client_id`, and what it reaches to.

        It is issued by a name of its own, whatever we are called by.
        """
        said = {"aud": self._audience, "jti": secrets.token_hex(16), **claims}
        return self._signed("at+jwt", subject, said, self.issuer, seconds)

    def id_token(
        self, subject: str, claims: Mapping[str, Any], *, issuer: str, seconds: int
    ) -> str:
        """A signed ID token (OpenID Connect Core 1.0, 2); `claims` has `aud`, the client."""
        return self._signed("JWT", subject, claims, issuer, seconds)

    def read_id_token(self, token: str, client_id: str, issuer: str) -> dict[str, Any]:
        """What an ID token of ours says, also one that has run out.

        Raises `jwt.InvalidTokenError`.
        """
        if jwt.get_unverified_header(token).get("typ") != "JWT":
            raise jwt.InvalidTokenError("this is no ID token")
        found: dict[str, Any] = jwt.decode(
            token,
            self._key.public_key(),
            algorithms=["ES256"],
            audience=client_id,
            issuer=issuer,
            options={"verify_exp": False, "require": ["sub", "sid"]},
        )
        return found

    def _signed(
        self, kind: str, subject: str, claims: Mapping[str, Any], issuer: str, seconds: int
    ) -> str:
        now = int(time.time())
        said = {"iss": issuer, "sub": subject, "iat": now, "exp": now + seconds, **claims}
        headers = {"typ": kind, "kid": self._kid}
        return jwt.encode(said, self._key, algorithm="ES256", headers=headers)


def _load_or_make_key(path: Path) -> ec.EllipticCurvePrivateKey:
    make_once(path, lambda: pem_of(ec.generate_private_key(ec.SECP256R1())))
    loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return loaded


def open_verifier(settings: Settings) -> tuple[TokenVerifier, DevelopmentIssuer | None]:
    """The verifier that the settings ask for; raises `IssuerNotConfigured` in production."""
    if settings.oidc_issuer and settings.oidc_jwks_url:
        fetch = partial(fetch_json, settings.oidc_jwks_url)
        return TokenVerifier(settings.oidc_issuer, settings.oidc_audience, fetch), None
    if settings.mode == "production":
        raise IssuerNotConfigured(
            "production needs CITYBRAIN_OIDC_ISSUER and CITYBRAIN_OIDC_JWKS_URL; "
            "for trying things out, use `citybrain run` or CITYBRAIN_MODE=development"
        )
    issuer = DevelopmentIssuer(settings.data_dir / "keys", settings.oidc_audience)
    return TokenVerifier(issuer.issuer, settings.oidc_audience, issuer.keys), issuer
