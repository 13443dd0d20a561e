"""When the price of a stay changes next, were the vehicle to stand on."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)


def steps_ahead(
    price_at: Callable[[datetime], int], begin: datetime, end: datetime, most: int
) -> Iterator[tuple[datetime, int]]:
    """The next `most` changes between two moments: from when on, and what it comes to then, in fen.

    `price_at` never falls as a stay goes on; whole minutes after `begin` are looked at.
    """
    at, fen, minutes = 0, price_at(begin), (end - begin) // MINUTE
    for _ in range(most):
        if price_at(begin + minutes * MINUTE) <= fen:
            return
        below, above = at, minutes
        while above - below > 1:
            middle = (below + above) // 2
            if price_at(begin + middle * MINUTE) > fen:
                above = middle
            else:
                below = middle
        at, fen = above, price_at(begin + above * MINUTE)
        yield begin + above * MINUTE, fen
