"""Signs what people show to others, so that whoever is shown it can check it without asking us.

A certificate is a compact JWS (EdDSA over Ed25519, RFC 8037). Its key is named by its thumbprint
(RFC 7638), so that a former key goes on being found once there is another.
"""

import base64
import hashlib
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from citybrain.errors import CitybrainError, Unavailable
from citybrain.exchange.signing import ExchangeKeyMissing, Signer, open_signer, read_signer
from citybrain.settings import Settings

if TYPE_CHECKING:
    import asyncpg

CERTIFICATE = "certificate+jwt"
MEMBERS = ("crv", "kty", "x")  # of an Ed25519 key, as its thumbprint has them


class CertificatesNotSetUp(Unavailable):
    """This installation has no key to sign certificates with."""

    code = "certificates-not-set-up"


KIND = "certificate-key"
KNOWN = "SELECT code FROM kept_definitions WHERE kind = $1 ORDER BY kept_at"
NOTE = """
INSERT INTO kept_definitions (kind, code, version, content) VALUES ($1, $2, $2, $3)
ON CONFLICT DO NOTHING
"""


class CertificateKeyWrong(CitybrainError):
    """What was signed here before cannot be checked with the keys that there are."""

    code = "certificate-key-wrong"
    exit_status: ClassVar[int] = 78  # EX_CONFIG of sysexits.h


class Certificates:
    """The key that signs, and the public keys that what was signed is checked with.

    Of the former ones those that are `withdrawn` are known and not published.
    """

    def __init__(self, signer: Signer | None, former: list[dict[str, Any]]) -> None:
        self._signer = signer
        self._former = [key for key in former if not key.get("withdrawn")]
        self._known = {key.get("kid") or thumbprint(key) for key in former}

    async def fit(self, pool: "asyncpg.Pool[Any]") -> None:
        """Hold the keys against those that a server of this database started with before.

        Raises `CertificateKeyWrong` where one of them is not among ours.
        """
        ours = self._known if self._signer is None else self._known | {self.key_id}
        before = [row["code"] for row in await pool.fetch(KNOWN, KIND)]
        if missing := [key for key in before if key not in ours]:
            raise CertificateKeyWrong(
                f"certificates were signed by another key ({', '.join(missing)}): name its file in "
                "CITYBRAIN_CERTIFICATE_KEY_FILE, or put its public key, or its kid with "
                '"withdrawn": true, into CITYBRAIN_CERTIFICATE_FORMER_KEYS_FILE'
            )
        if self._signer is not None and self.key_id not in before:
            public_key = orjson.dumps(self._signer.public_key).decode()
            await pool.execute(NOTE, KIND, self.key_id, public_key)

    @property
    def key_id(self) -> str:
        """The key that signs now; raises `CertificatesNotSetUp`."""
        return thumbprint(self._ready.public_key)

    def sign(self, claims: dict[str, Any], kind: str = CERTIFICATE) -> str:
        """The claims, signed as what they are; raises `CertificatesNotSetUp`."""
        return self._ready.named(self.key_id).sign(claims, kind)

    def public_keys(self) -> list[dict[str, Any]]:
        """The keys to check with, the one that signs now first."""
        if self._signer is None:
            return self._former
        return [self._signer.public_key | {"kid": self.key_id}, *self._former]

    @property
    def _ready(self) -> Signer:
        if self._signer is None:
            raise CertificatesNotSetUp("no key signs certificates here", retry_after_seconds=3600)
        return self._signer


def thumbprint(public_key: dict[str, Any]) -> str:
    """The SHA-256 of a public key's members, in base64url."""
    members = orjson.dumps({name: public_key[name] for name in MEMBERS})
    return base64.urlsafe_b64encode(hashlib.sha256(members).digest()).rstrip(b"=").decode()


def open_certificates(settings: Settings) -> Certificates:
    """The keys that the settings name; the key of payments where they name none."""
    former = settings.certificate_former_keys_file
    keys = [] if former is None else orjson.loads(former.read_bytes())["keys"]
    return Certificates(_signer(settings), keys)


def _signer(settings: Settings) -> Signer | None:
    path = settings.certificate_key_file
    if path is not None:
        return read_signer(path, "certificates")
    try:
        return open_signer(settings)
    except ExchangeKeyMissing:
        if settings.exchange_key_file is not None:
            raise
        return None
