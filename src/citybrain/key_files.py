"""Key files that are made once: for development, where nobody has to make keys by hand."""

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


def make_once(path: Path, make: Callable[[], bytes]) -> None:
    """Write a key that only its owner can read, unless there is one; the first process wins."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(make())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def for_owner(path: str, flags: int) -> int:
    """Opens, for `open`, a file that only its owner can read where it makes it."""
    return os.open(path, flags, 0o600)


def pem_of(key: PrivateKeyTypes) -> bytes:
    """A private key in PEM, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
