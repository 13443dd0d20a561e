"""What a session owes by which of its claims, and of which less is owed.

A claim of a session is a mapping: `amount_fen`, `plate_id`, `payer`, `settled`, and `prepaid` where
somebody asked to pay before leaving. What was paid before is taken off what is
asked for on leaving.
"""

from collections.abc import Mapping
from typing import Any, Final

Claims = dict[str, dict[str, Any]]

ASKED: Final = "asked"
PAID: Final = "paid"
OVER: Final = "over"
"""Where a payment before leaving is."""
DROPPED: Final = "dropped"
"""The member that says why a claim is no more its payer's."""


def is_prepayment(claim: Mapping[str, Any]) -> bool:
    """Whether it was asked for before leaving; claims of before this was possible were not."""
    return claim.get("prepaid") is not None


def under_way(claims: Claims) -> list[str]:
    """Payments before leaving of which nobody knows yet what became of them."""
    return [key for key, each in claims.items() if _stands(each) == ASKED]


def over(claims: Claims) -> str | None:
    """A payment before leaving that nobody makes any more, and whose claim still stands."""
    found = (key for key, each in claims.items() if each["amount_fen"] and _stands(each) == OVER)
    return next(found, None)


def paid_before(claims: Claims, plate_id: str | None) -> list[Mapping[str, Any]]:
    """What was asked for and paid before leaving, for the plate that a session is taken for."""
    return [each for each in claims.values() if _stands(each) == PAID and _counts(each, plate_id)]


def all_settled(claims: Claims, plate_id: str | None) -> bool:
    """Whether nothing is open of what was paid before leaving, and of the claim on leaving."""
    leaving = on_leaving(claims, plate_id)
    found = [*paid_before(claims, plate_id), *([claims[leaving]] if leaving else [])]
    return all(each["settled"] for each in found)


def owed_on_leaving_fen(claims: Claims, plate_id: str | None, price_fen: int) -> int:
    """What a price leaves to be asked for on leaving."""
    return max(0, price_fen - prepaid_fen(claims, plate_id))


def prepaid_fen(claims: Claims, plate_id: str | None) -> int:
    """What all that was paid before leaving comes to."""
    return sum(int(each["amount_fen"]) for each in paid_before(claims, plate_id))


def on_leaving(claims: Claims, plate_id: str | None) -> str | None:
    """The claim on leaving, on a plate."""
    found = (
        key for key, each in claims.items() if _counts(each, plate_id) and not is_prepayment(each)
    )
    return next(found, None)


def claim_on(claims: Claims, plate_id: str | None) -> str | None:
    """The claim on a plate: the one on leaving; where there is none, the last one before."""
    before = (
        key
        for key, each in reversed(claims.items())
        if _counts(each, plate_id) and _stands(each) == PAID
    )
    return on_leaving(claims, plate_id) or next(before, None)


def to_lower(
    claims: Claims, plate_id: str | None, price_fen: int, *, voided: bool
) -> tuple[str, int, str] | None:
    """A claim of which less is owed, or nothing: its id, how much now, and why.

    A price is owed by what was paid before leaving, then by the claim on leaving. One that has
    risen replaces that claim as long as nothing was paid, and never after.
    """
    ended = over(claims)
    if ended is not None:
        return ended, 0, "not-paid"
    stands = [(key, each) for key, each in claims.items() if each["amount_fen"]]
    left = price_fen
    for key, each in sorted(stands, key=lambda item: not is_prepayment(item[1])):
        prepaid = is_prepayment(each)
        if each["plate_id"] != plate_id:
            return key, 0, "plate-corrected"
        if DROPPED in each:
            return key, 0, str(each[DROPPED])
        if each["amount_fen"] > left:
            return key, left, "voided" if voided else "price-corrected"
        if not prepaid and each["amount_fen"] < left and not each["settled"]:
            return key, 0, "price-corrected"
        left -= each["amount_fen"] if prepaid else 0
    return None


def _counts(claim: Mapping[str, Any], plate_id: str | None) -> bool:
    """Whether something is owed by it, for this plate."""
    return claim["plate_id"] == plate_id and bool(claim["amount_fen"]) and DROPPED not in claim


def _stands(claim: Mapping[str, Any]) -> str | None:
    """Where a payment before leaving is; None of a claim on leaving."""
    return str(claim["prepaid"]["stands"]) if is_prepayment(claim) else None
