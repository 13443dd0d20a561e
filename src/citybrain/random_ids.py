"""Random ids: those of requests and commands, many at a time.

They come from the system's generator like those of `uuid.uuid4`. A call of the system for each,
and the checks of `UUID` for numbers that nobody else gave, take twice as long.
"""

import os
from typing import Final
from uuid import UUID, SafeUUID

AT_ONCE: Final = 256
CLEARED: Final = ~((0xF << 76) | (0xC << 60)) & ((1 << 128) - 1)
VERSION_4: Final = (0x4 << 76) | (0x8 << 60)
UNKNOWN: Final = SafeUUID.unknown

_drawn: list[int] = []
os.register_at_fork(after_in_child=_drawn.clear)  # a child draws its own


def random_number() -> int:
    """128 random bits."""
    if not _drawn:
        many = os.urandom(16 * AT_ONCE)
        _drawn.extend(int.from_bytes(many[at : at + 16]) for at in range(0, len(many), 16))
    return _drawn.pop()


def random_uuid() -> UUID:
    """A UUID version 4 (RFC 9562 §5.4)."""
    made = object.__new__(UUID)
    object.__setattr__(made, "int", random_number() & CLEARED | VERSION_4)
    object.__setattr__(made, "is_safe", UNKNOWN)
    return made
