"""Money is whole fen: more than none, and never more than a ceiling.

What is decided, recorded and told to a bank is a `Fen`; a text, a fraction, a truth or a number
that is out of bounds is none and becomes none by rounding or reading.
"""

from typing import Any

from citybrain.errors import InvalidInput

MOST_FEN = 10**12
"""Ten billion yuan: the ceiling where nothing says a lower one."""


BANK_REFUSED = "bank-refused"
BANK_REFUSALS = frozenset(
    {
        "account-blocked",
        "account-closed",
        "account-unknown",
        "amount-above-limit",
        "exceeds-payment",
        "insufficient-funds",
        "no-such-payment",
        "payee-mismatch",
        "payment-cancelled",
        BANK_REFUSED,
    }
)
"""Why a bank moves no money. What it says in other words may name people: it stays sealed."""


class AmountInvalid(InvalidInput):
    """Money moves in whole fen, more than none."""

    code = "amount-invalid"


class AmountAboveCeiling(InvalidInput):
    """The amount is higher than anybody may decide here."""

    code = "amount-above-ceiling"


class Fen(int):
    """An amount of money that can move."""

    def __new__(cls, value: Any, ceiling_fen: int | None = None) -> "Fen":
        """Raises `AmountInvalid`, or `AmountAboveCeiling` (`MOST_FEN` where none is given)."""
        if type(value) not in (int, Fen) or value <= 0:
            raise AmountInvalid("an amount is a whole number of fen and more than none")
        ceiling = MOST_FEN if ceiling_fen is None else min(ceiling_fen, MOST_FEN)
        if value > ceiling:
            raise AmountAboveCeiling(
                f"an amount here is {ceiling} fen at most", ceiling_fen=ceiling
            )
        return super().__new__(cls, value)


def bank_refusal(code: Any) -> str:
    """A bank's reason as one of ours; `bank-refused` for what is none of them."""
    return code if isinstance(code, str) and code in BANK_REFUSALS else BANK_REFUSED
