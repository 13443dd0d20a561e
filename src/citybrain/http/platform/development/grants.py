"""What the development issuer remembers: who has signed in, codes, and refresh tokens.

A code is good once and for a minute; a second use ends what the first one began (RFC 6749, 4.1.2).
A refresh token is good once: whoever comes with one that was used ends all that followed from it
(RFC 9700, 4.14.2). Nothing here waits or stores.
"""

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from citybrain.http.platform.development.people import Person

CODE_SECONDS = 60.0
SIGNED_IN_SECONDS = 12 * 3600.0
KEPT = 10_000  # of each kind; the oldest go

V = TypeVar("V")


class OAuthError(Exception):
    """A request is refused; `code` is one of RFC 6749, 5.2 and 4.1.2.1, or of OpenID Connect."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code, self.description = code, description


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who has signed in, in one browser and at one of the pages."""

    sid: str
    browser: str
    page: str
    person: Person
    subject: str
    at: float
    """Unix time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a code was asked for with."""

    client_id: str
    redirect_uri: str
    scope: str
    challenge: str
    nonce: str | None


@dataclass(slots=True)
class Family:
    """All refresh tokens that follow from one code; one of them is good."""

    signed_in: SignedIn
    client_id: str
    scope: str
    good: str


@dataclass(slots=True)
class _Code:
    signed_in: SignedIn
    asked: Asked
    ends_at: float
    used: bool = False
    family: str | None = None


@dataclass(slots=True)
class Grants:
    """The memory of one process. `clock` gives Unix time."""

    clock: Callable[[], float] = time.time
    _signed_in: OrderedDict[tuple[str, str], SignedIn] = field(default_factory=OrderedDict)
    _codes: OrderedDict[str, _Code] = field(default_factory=OrderedDict)
    _families: OrderedDict[str, Family] = field(default_factory=OrderedDict)

    def sign_in(self, browser: str, page: str, person: Person, subject: str) -> SignedIn:
        """Somebody chose who they are; whoever had signed in there has signed out."""
        before = self._signed_in.pop((browser, page), None)
        if before is not None:
            self.end(before.sid)
        found = SignedIn(_secret(), browser, page, person, subject, self.clock())
        _keep(self._signed_in, (browser, page), found)
        return found

    def signed_in(self, browser: str, page: str) -> SignedIn | None:
        """Who has signed in at a page, if they have."""
        found = self._signed_in.get((browser, page))
        return found if found is not None and self._lasts(found) else None

    def code(self, signed_in: SignedIn, asked: Asked) -> str:
        """A code for what was asked."""
        code = _secret()
        _keep(self._codes, code, _Code(signed_in, asked, self.clock() + CODE_SECONDS))
        return code

    def redeem(
        self, code: str, *, client_id: str, redirect_uri: str, verifier: str
    ) -> tuple[SignedIn, Asked, str]:
        """Who signed in, what was asked, and a refresh token; raises `OAuthError`."""
        found = self._codes.get(code)
        if found is None:
            raise OAuthError("invalid_grant", "there is no such code")
        if found.used:
            self._families.pop(found.family or "", None)
            raise OAuthError("invalid_grant", "the code was used before")
        found.used = True
        if found.ends_at <= self.clock():
            raise OAuthError("invalid_grant", "the code has run out")
        asked = found.asked
        if (client_id, redirect_uri) != (asked.client_id, asked.redirect_uri):
            raise OAuthError("invalid_grant", "the code was given for another redirect_uri")
        if not secrets.compare_digest(challenge_of(verifier), asked.challenge):
            raise OAuthError("invalid_grant", "the code_verifier is another one")
        self._check_lasts(found.signed_in)
        found.family = _secret()
        family = Family(found.signed_in, client_id, asked.scope, _secret())
        _keep(self._families, found.family, family)
        return found.signed_in, asked, f"{found.family}.{family.good}"

    def refresh(self, token: str, *, client_id: str) -> tuple[SignedIn, str, str]:
        """Who signed in, the scope, and the next refresh token; raises `OAuthError`."""
        name, _, secret = token.partition(".")
        family = self._families.get(name)
        if family is None or family.client_id != client_id:
            raise OAuthError("invalid_grant", "the session has ended")
        if not secrets.compare_digest(secret.encode(), family.good.encode()):
            del self._families[name]
            raise OAuthError("invalid_grant", "the refresh token was used before")
        self._check_lasts(family.signed_in)
        family.good = _secret()
        self._families.move_to_end(name)
        return family.signed_in, family.scope, f"{name}.{family.good}"

    def revoke(self, token: str, *, client_id: str) -> None:
        """End all that follows from a refresh token (RFC 7009), if it is one."""
        name = token.partition(".")[0]
        family = self._families.get(name)
        if family is not None and family.client_id == client_id:
            del self._families[name]

    def end(self, sid: str) -> None:
        """Somebody signs out: no token follows any more, and no code is good."""
        for where, signed_in in list(self._signed_in.items()):
            if signed_in.sid == sid:
                del self._signed_in[where]
        for name, family in list(self._families.items()):
            if family.signed_in.sid == sid:
                del self._families[name]
        for code, given in list(self._codes.items()):
            if given.signed_in.sid == sid:
                del self._codes[code]

    def _lasts(self, signed_in: SignedIn) -> bool:
        return self.clock() < signed_in.at + SIGNED_IN_SECONDS

    def _check_lasts(self, signed_in: SignedIn) -> None:
        if not self._lasts(signed_in):
            raise OAuthError("invalid_grant", "the session has ended")


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def new_browser() -> str:
    """A name that a browser is given, for its cookie."""
    return _secret()


def _secret() -> str:
    return secrets.token_urlsafe(24)


K = TypeVar("K")


def _keep(among: OrderedDict[K, V], key: K, value: V) -> None:
    among[key] = value
    if len(among) > KEPT:
        among.popitem(last=False)
