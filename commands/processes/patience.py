"""How long whoever could not do something waits before it is tried again."""

from datetime import timedelta
from typing import Final

LONGEST: Final = timedelta(minutes=15)


def pause_after(waited: timedelta, least: timedelta) -> timedelta:
    """As long again as it has waited: each pause is twice the one before, up to `LONGEST`."""
    return min(max(waited, least), LONGEST)
