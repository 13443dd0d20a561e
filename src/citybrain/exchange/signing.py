"""Compact JWS with Ed25519 (RFC 7515, RFC 8037): answers are verified, instructions signed.

Signatures stand on their own: whoever has a department's public key can check a stored answer
with any JOSE library.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from citybrain.errors import CitybrainError
from citybrain.key_files import make_once, pem_of
from citybrain.settings import Settings

ALGORITHM = "EdDSA"
EVIDENCE = "evidence+jwt"
DEVELOPMENT_KEY = Path("keys") / "exchange.pem"
PUBLIC_FILE = "exchange-client.jwk.json"
OWN_KEY_ID = "citybrain"


class SignatureWrong(CitybrainError):
    """Not signed by who should have signed it, or not as it must be."""

    code = "signature-wrong"


class ExchangeKeyMissing(CitybrainError):
    """Production signs payments with a key of its own."""

    code = "exchange-key-missing"
    exit_status: ClassVar[int] = 78  # EX_CONFIG of sysexits.h


class Verifier:
    """Verifies what one member signs."""

    def __init__(self, public_keys: list[dict[str, Any]]) -> None:
        self._keys = {
            str(key.get("kid")): jwt.PyJWK(key, algorithm=ALGORITHM) for key in public_keys
        }

    def claims(self, signed: str, kind: str) -> tuple[dict[str, Any], str]:
        """The claims and the id of the key; raises `SignatureWrong`."""
        try:
            typ, key_id = _said_by(signed.partition(".")[0])
            if typ != kind or key_id not in self._keys:
                raise SignatureWrong("signed by nobody we know, or as something else")
            claims = jwt.decode(
                signed,
                self._keys[key_id],
                algorithms=[ALGORITHM],
                options={"verify_aud": False, "verify_iat": False, "verify_exp": False},
            )
        except jwt.InvalidTokenError as error:
            raise SignatureWrong("the signature does not fit") from error
        return claims, key_id


@lru_cache(maxsize=64)
def _said_by(header: str) -> tuple[str, str]:
    """Type and key id of a token's first part; a member's tokens all begin with the same.

    Raises `jwt.InvalidTokenError`; `jwt.decode` reads it again, and verifies it.
    """
    said = jwt.get_unverified_header(f"{header}.e30.")
    return str(said.get("typ")), str(said.get("kid"))


class Signer:
    """Signs with one key."""

    def __init__(self, key: Ed25519PrivateKey, key_id: str) -> None:
        self._key, self._key_id = key, key_id

    def sign(self, claims: dict[str, Any], kind: str) -> str:
        """A compact JWS of the claims."""
        headers = {"kid": self._key_id, "typ": kind}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers=headers)

    def named(self, key_id: str) -> "Signer":
        """The same key under another name."""
        return Signer(self._key, key_id)

    @property
    def public_key(self) -> dict[str, Any]:
        """The public JWK, with its id."""
        jwk: dict[str, Any] = OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return jwk | {"kid": self._key_id, "use": "sig", "alg": ALGORITHM}


def open_signer(settings: Settings) -> Signer:
    """Our own key: the one that the settings name; in development one that is made once.

    Raises `ExchangeKeyMissing`.
    """
    path = settings.exchange_key_file
    if path is None:
        if settings.mode == "production":
            raise ExchangeKeyMissing(
                "production needs CITYBRAIN_EXCHANGE_KEY_FILE: an Ed25519 key in PEM "
                "(openssl genpkey -algorithm ed25519)"
            )
        path = settings.data_dir / DEVELOPMENT_KEY
        make_key_once(path)
    return read_signer(path, OWN_KEY_ID)


def read_signer(path: Path, key_id: str) -> Signer:
    """The signer of a key file; raises `ExchangeKeyMissing`."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ExchangeKeyMissing(f"{path} is not an Ed25519 key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ExchangeKeyMissing(f"{path} is not an Ed25519 key")
    return Signer(key, key_id)


def make_key_once(path: Path) -> None:
    """Make a key unless it exists."""
    make_once(path, lambda: pem_of(Ed25519PrivateKey.generate()))
