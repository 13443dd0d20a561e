"""What a supervisor says to a driver who does not agree."""

import random
from collections import Counter

from ops.simulators.parking.disputes import decision


def test_it_stays_as_it_is_or_half_of_it_is_owed() -> None:
    chance, found = random.Random(1), Counter[str]()
    for _ in range(100):
        said = decision(601, chance)
        found[said["reason"]] += 1
        assert said.get("amount_fen") == (300 if said["upheld"] else None)
    assert set(found) == {"goodwill", "unfounded"}
