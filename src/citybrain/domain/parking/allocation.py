"""A payment that does not cover everything: which debts it pays (Civil Code of the PRC, art. 560).

First what the debtor chose, in that order. Then debts that are due, the earliest first, those due
at one moment in proportion; then those that are not due yet. A disputed debt is not due while it is
examined: only the debtor's own choice pays it. Parking debts have no security and no interest, so
nothing else tells them apart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from citybrain.domain.money import Fen
from citybrain.errors import InvalidInput


class DebtUnknown(InvalidInput):
    """A debt was chosen that is not among those there are."""

    code = "debt-unknown"


@dataclass(frozen=True, slots=True)
class Debt:
    """What is open of one claim."""

    claim_id: str
    open_fen: int
    due_at: datetime
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What of a payment goes to one claim."""

    claim_id: str
    amount_fen: Fen


@dataclass(frozen=True, slots=True)
class Allocation:
    """The parts in the order in which they were found; what no debt takes is left."""

    parts: tuple[Part, ...]
    left_fen: int


def allocate(
    amount_fen: Fen, debts: Iterable[Debt], *, at: datetime, chosen: Sequence[str] = ()
) -> Allocation:
    """The parts of a payment; `chosen` are the claims that the debtor named.

    Raises `DebtUnknown` where one that was chosen is not there, or was chosen twice.
    """
    owed = {debt.claim_id: debt for debt in debts if debt.open_fen > 0}
    if len(set(chosen)) != len(chosen) or not set(chosen) <= set(owed):
        raise DebtUnknown("a debt that was chosen is not among those that are open")
    rest = [debt for debt in owed.values() if debt.claim_id not in chosen and not debt.disputed]
    rest.sort(key=lambda debt: (debt.due_at > at, debt.due_at, debt.claim_id))
    ranks = [[owed[claim_id]] for claim_id in chosen]
    ranks += [list(same) for _, same in groupby(rest, key=lambda debt: debt.due_at)]
    left, parts = int(amount_fen), list[Part]()
    for rank in ranks:
        for debt, fen in zip(rank, _shares(left, rank), strict=True):
            if fen:
                parts.append(Part(debt.claim_id, Fen(fen)))
                left -= fen
    return Allocation(tuple(parts), left)


def in_proportion(amount_fen: int, weights: Sequence[int]) -> list[int]:
    """An amount in parts that are to one another as these weights, to the last fen.

    What does not divide goes to the largest remainders, the first of equal ones. The weights come
    to more than nothing.
    """
    whole = sum(weights)
    parts = [amount_fen * weight // whole for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda index: (-(amount_fen * weights[index] % whole), index)
    )
    for index in by_remainder[: amount_fen - sum(parts)]:
        parts[index] += 1
    return parts


def _shares(amount_fen: int, rank: Sequence[Debt]) -> list[int]:
    """What each of these gets: all of it, or in proportion."""
    opened = [debt.open_fen for debt in rank]
    return opened if amount_fen >= sum(opened) else in_proportion(amount_fen, opened)
