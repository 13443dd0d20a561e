"""The issuer's keys: what of a JWKS (RFC 7517) is taken, how long it is good, who is asked when.

A key that the issuer has withdrawn ends within `FRESH_SECONDS`, and every token of it. Where the
issuer cannot be reached, known keys stay good; while there is none at all, nobody can say whether a
token is good, and nobody is told that theirs is not: that is `IssuerKeysUnknown`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp
import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from citybrain.errors import Unavailable

log = structlog.get_logger(__name__)

ALGORITHMS: Final = ("ES256", "EdDSA", "RS256")
LEAST_RSA_BITS: Final = 2048  # NIST SP 800-131A
FRESH_SECONDS: Final = 60.0  # then the issuer is asked again, so that a withdrawn key ends
UNKNOWN_SECONDS: Final = 30.0  # not sooner again, however many unknown keys are named
ANSWER_BYTES: Final = 1 << 20
ANSWER_SECONDS: Final = 5.0
NAMED: Final = 100  # characters of a key's id, in the log
AWAY_SECONDS: Final = 2.0  # until an issuer is asked again that did not answer

FetchKeys = Callable[[], Awaitable[Any]]


class IssuerKeysUnknown(Unavailable):
    """The issuer does not say which keys are its own: no token can be verified now."""

    code = "issuer-keys-unknown"


class NotAKeySet(ValueError):
    """What the issuer answers is no JWKS."""


async def fetch_json(url: str) -> Any:
    """What an issuer answers, in a time and up to a size.

    Raises `aiohttp.ClientError`, `TimeoutError`, and `ValueError` for what is none or too large.
    """
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
        answer.raise_for_status()
        body = b""
        async for part in answer.content.iter_any():
            body += part
            if len(body) > ANSWER_BYTES:
                raise ValueError("what the issuer answers is too large")
        return orjson.loads(body)


class IssuerKeys:
    """The keys of one issuer by their ids. Ask with `key`, or keep them fresh with `run`."""

    def __init__(self, fetch: FetchKeys) -> None:
        self._fetch = fetch
        self._keys: dict[str, jwt.PyJWK] = {}
        self._known_at = self._asked_at = self._looked_for_at = -FRESH_SECONDS
        self._left_out: dict[str, str] = {}
        self._asking = asyncio.Lock()
        self.known = False
        """Whether the issuer has ever said which its keys are."""
        self.failing = False
        """Whether it did not answer when it was asked last."""

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """The key of this id, if it is one of the issuer's; raises `IssuerKeysUnknown`."""
        if self._due(kid) and not (self.failing and self._asking.locked()):
            async with self._asking:
                if self._due(kid):
                    if self.known and kid not in self._keys:
                        self._looked_for_at = time.monotonic()
                    await self.ask()
        if kid not in self._keys and (self.failing or not self.known):
            raise IssuerKeysUnknown(
                "the issuer's keys cannot be read now", retry_after_seconds=round(AWAY_SECONDS)
            )
        return self._keys.get(kid)

    @property
    def fresh(self) -> bool:
        """Whether nobody need be asked about a key that is known."""
        now = time.monotonic()
        return now - self._known_at < FRESH_SECONDS or now - self._asked_at < UNKNOWN_SECONDS

    def is_current(self, kid: str, key: jwt.PyJWK) -> bool:
        """Whether the key is still the one of this id."""
        return self._keys.get(kid) is key

    async def ask(self) -> None:
        """Ask the issuer; where it does not answer, what is known stays."""
        try:
            found, left_out = keys_of(await self._fetch())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            if not self.failing:
                log.warning("issuer_keys_not_read", error=type(error).__name__)
            self.failing = True
        else:
            self._keys = {kid: _same(self._keys.get(kid), key) for kid, key in found.items()}
            self.failing, self.known, self._known_at = False, True, time.monotonic()
            for kid in left_out.keys() - self._left_out.keys():
                log.warning("issuer_key_left_out", kid=kid, reason=left_out[kid])
            self._left_out = left_out
        finally:
            self._asked_at = time.monotonic()

    async def run(self) -> None:
        """Keep them fresh, until cancelled."""
        while True:
            async with self._asking:
                await self.ask()
            await asyncio.sleep(AWAY_SECONDS if self.failing else FRESH_SECONDS / 2)

    def _due(self, kid: str) -> bool:
        if kid in self._keys:
            return not self.fresh
        now = time.monotonic()
        if self.failing or not self.known:
            return now - self._asked_at >= AWAY_SECONDS
        return now - self._looked_for_at >= UNKNOWN_SECONDS  # a new key signs from its first second


def keys_of(answer: Any) -> tuple[dict[str, jwt.PyJWK], dict[str, str]]:
    """The keys of a JWKS by which a signature of ours may be verified, and what was left out and
    why, both by the keys' ids; raises `NotAKeySet`.

    Left out are members that are no keys, are for something else or too short
    (RFC 7517, 5: "Implementations SHOULD ignore JWKs within a JWK Set that use … not understood").
    """
    members = answer.get("keys") if isinstance(answer, Mapping) else None
    if not isinstance(members, list):
        raise NotAKeySet("what the issuer answers is no JWKS")
    found: dict[str, jwt.PyJWK] = {}
    left_out: dict[str, str] = {}
    for member in members:
        try:
            key = _signing_key(member)
        except (jwt.PyJWTError, NotAKeySet, ValueError, TypeError, KeyError) as error:
            kid = member.get("kid") if isinstance(member, Mapping) else None
            reason = str(error) if isinstance(error, NotAKeySet) else type(error).__name__
            left_out[str(kid or "")[:NAMED]] = reason
            continue
        found[key.key_id or ""] = key
    return found, left_out


def _signing_key(member: Any) -> jwt.PyJWK:
    if not isinstance(member, Mapping):
        raise NotAKeySet("a member of a JWKS is an object")
    operations = member.get("key_ops", ["verify"])
    if member.get("use", "sig") != "sig" or "verify" not in operations:
        raise NotAKeySet("the key is not for signatures")
    key = jwt.PyJWK(dict(member))
    if key.algorithm_name not in ALGORITHMS:
        raise NotAKeySet("the key is of another algorithm")
    public = key.key
    if isinstance(public, RSAPublicKey) and public.key_size < LEAST_RSA_BITS:
        raise NotAKeySet("the key is too short")
    if not isinstance(key.key_id, str | None):
        raise NotAKeySet("the id of a key is a text")
    return key


def _same(known: jwt.PyJWK | None, found: jwt.PyJWK) -> jwt.PyJWK:
    """The object that is known where the key has not changed: tokens are remembered with it."""
    return known if known is not None and known._jwk_data == found._jwk_data else found
