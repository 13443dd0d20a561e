"""A plate as events have it: sealed with a key of its own, and what tells nobody whose it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SealedPlate:
    """What events say of a plate; their members have the names of these.

    `plate_id` is random. It is the same for one complete plate until that is erased; an
    incomplete one has another each time, because it may be anybody's.
    """

    plate_id: str
    plate_sealed: str
    plate_class: str
    plate_complete: bool
    plate_mended: bool
    plates_version: str

    def members(self) -> dict[str, Any]:
        """For an event."""
        return asdict(self)

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> "SealedPlate":
        """From an event, a row or a state with these members among others."""
        return cls(**{name: members[name] for name in cls.__dataclass_fields__})
