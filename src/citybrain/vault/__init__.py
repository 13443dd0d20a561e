"""The vault: a key for each person, and what is sealed with it.

Destroying a person's key is erasure: what was sealed with it stays where it is, in events and
in tables, and can never be read again.
"""

from citybrain.vault.keys import FileKeyWrapper, KeyWrapper, require_own_key
from citybrain.vault.ring import KeyRing, open_key_wrapper
from citybrain.vault.vault import (
    InStream,
    NoSuchKey,
    PersonErased,
    SealBroken,
    Vault,
    most_text_bytes,
)

__all__ = [
    "FileKeyWrapper",
    "InStream",
    "KeyRing",
    "KeyWrapper",
    "NoSuchKey",
    "PersonErased",
    "SealBroken",
    "Vault",
    "most_text_bytes",
    "open_key_wrapper",
    "require_own_key",
]
