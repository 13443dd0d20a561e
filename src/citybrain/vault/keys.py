"""The master key: wraps the keys of people, and keys the digests.

`KeyWrapper` is the port for a key-management service. The default keeps a 32-byte key in a
file; development makes one at first run, production must name its own.
"""

import hmac
import secrets
from typing import ClassVar, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from citybrain.errors import CitybrainError
from citybrain.settings import Settings

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_BYTES: Final = 8


class MasterKeyMissing(CitybrainError):
    """Production needs a master key of its own."""

    code = "master-key-missing"
    exit_status: ClassVar[int] = 78  # EX_CONFIG of sysexits.h


class MasterKeyWrong(CitybrainError):
    """The key file is not a key, or not the one that wrapped what is stored."""

    code = "master-key-wrong"
    exit_status: ClassVar[int] = 78  # EX_CONFIG of sysexits.h


class KeyWrapper(Protocol):
    """Wraps keys so that the database alone opens nothing.

    Digests are the same after a rotation: where a service rotates keys, their key is another one.
    """

    @property
    def key_id(self) -> bytes:
        """Which master key wraps now: `KEY_ID_BYTES` that tell nothing of it."""

    async def wrap(self, key: bytes, context: str) -> bytes:
        """The wrapped form of `key`, bound to `context`."""

    async def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """The key again; raises `MasterKeyWrong`."""

    async def digest(self, value: bytes, purpose: str) -> bytes:
        """A keyed digest (HMAC-SHA-256), the same each time: to find or compare what is sealed."""


class FileKeyWrapper:
    """AES-256-GCM under a master key held in memory; one derived key a use (HKDF, RFC 5869)."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise MasterKeyWrong(f"a master key has {KEY_BYTES} bytes")
        self._wrapping = AESGCM(_derived(master_key, b"citybrain wrap v1"))
        self.digest_key = _derived(master_key, b"citybrain digest v1")
        self._key_id = _derived(master_key, b"citybrain key id v1")[:KEY_ID_BYTES]

    @property
    def key_id(self) -> bytes:
        """Follows from the key."""
        return self._key_id

    async def wrap(self, key: bytes, context: str) -> bytes:
        """Nonce, then ciphertext and tag."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._wrapping.encrypt(nonce, key, context.encode())

    async def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """The key again; raises `MasterKeyWrong`."""
        nonce, content = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return self._wrapping.decrypt(nonce, content, context.encode())
        except InvalidTag as error:
            raise MasterKeyWrong("this master key did not wrap that key") from error

    async def digest(self, value: bytes, purpose: str) -> bytes:
        """A keyed digest of a value, for one purpose."""
        return keyed(self.digest_key, value, purpose)


def keyed(key: bytes, value: bytes, purpose: str) -> bytes:
    """A keyed digest (HMAC-SHA-256) of a value, for one purpose."""
    return hmac.digest(key, purpose.encode() + b"\0" + value, "sha256")


def _derived(master_key: bytes, use: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=use).derive(master_key)


def require_own_key(settings: Settings) -> None:
    """Raise `MasterKeyMissing` where production would serve with a key made for development."""
    named = settings.vault_master_key_file or settings.vault_key_wrapper
    if settings.mode == "production" and named is None:
        raise MasterKeyMissing(
            "production needs CITYBRAIN_VAULT_MASTER_KEY_FILE: 32 random bytes, kept apart from "
            "the database and its backups; or a CITYBRAIN_VAULT_KEY_WRAPPER"
        )
