"""The master key: wraps the keys of people, and keys the digests.

`KeyWrapper` is the port for a key-management service. The default keeps a 32-byte key in a
file; development makes one at first run, production must name its own.
"""

import hmac
import secrets
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from citybrain.errors import CitybrainError
from citybrain.key_files import make_once
from citybrain.settings import Settings

KEY_BYTES = 32
NONCE_BYTES = 12


class MasterKeyMissing(CitybrainError):
    """Production needs a master key of its own."""

    code = "master-key-missing"


class MasterKeyWrong(CitybrainError):
    """The key file is not a key, or not the one that wrapped what is stored."""

    code = "master-key-wrong"


class KeyWrapper(Protocol):
    """Wraps keys so that the database alone opens nothing."""

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
        self._digesting = hmac.new(_derived(master_key, b"citybrain digest v1"), digestmod=sha256)

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
        keyed = self._digesting.copy()  # the key is taken in already
        keyed.update(purpose.encode() + b"\0" + value)
        return keyed.digest()


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


def open_key_wrapper(settings: Settings) -> KeyWrapper:
    """The wrapper that the settings name, or that of a key file: theirs, or the one in `data_dir`.

    The latter is made in development; tools find it there whatever their mode.
    """
    if settings.vault_key_wrapper is not None:
        wrapper: KeyWrapper = settings.vault_key_wrapper()
        return wrapper
    path = settings.vault_master_key_file or settings.data_dir / "keys" / "vault-master.key"
    if settings.mode == "development" and settings.vault_master_key_file is None:
        make_once(path, lambda: secrets.token_bytes(KEY_BYTES))
    elif not path.exists():
        require_own_key(settings)
    try:
        return FileKeyWrapper(path.read_bytes())
    except OSError as error:
        raise MasterKeyMissing(f"the master key {path} cannot be read") from error
