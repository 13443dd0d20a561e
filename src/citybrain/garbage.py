"""When the interpreter looks for garbage: seldom, and not through what lives as long as we do.

Nearly all that we allocate is freed by its reference count. Python's default looks for cycles
after every 700 new containers, in the middle of each page of events: half of a read's time.
"""

import gc
from typing import Final

AFTER: Final = 50_000
OLDER: Final = (20, 50)
"""How many looks through the younger generation come before one through the next."""


def collect_seldom(after: int = AFTER) -> None:
    """Look when there are so many more containers than there were: at the start of a process."""
    gc.set_threshold(after, *OLDER)


def set_aside() -> None:
    """Once a server has started: what it is made of is not looked through again."""
    gc.collect()
    gc.freeze()
