"""That money may move: for what, how much, and because of which decision.

Whoever decided makes it of the decision in force; without one no instruction can be made.
"""

import re
from dataclasses import dataclass

from citybrain.domain.money import AmountInvalid, Fen
from citybrain.errors import Refused

SHA256 = re.compile(r"[0-9a-f]{64}")


class NotAuthorised(Refused):
    """No decision allows this payment: another amount, another reference, or none in force."""

    code = "payment-not-authorised"


@dataclass(frozen=True, slots=True)
class Authorised:
    """What a decision allows. `decision_sha256` is the digest of its event."""

    reference: str
    amount_fen: Fen
    decision_sha256: str

    def __post_init__(self) -> None:
        """Raises `AmountInvalid`, `NotAuthorised`."""
        if not isinstance(self.amount_fen, Fen):
            raise AmountInvalid("what is authorised is a Fen and nothing else")
        if not isinstance(self.decision_sha256, str) or not SHA256.fullmatch(self.decision_sha256):
            raise NotAuthorised("a payment names the decision that allows it")

    def check(self, reference: str, amount_fen: int, *, in_part: bool = False) -> None:
        """Raise `NotAuthorised` unless this allows it: all of it, or with `in_part` some."""
        if reference != self.reference:
            raise NotAuthorised("another reference was decided on")
        if amount_fen != self.amount_fen and not (in_part and amount_fen < self.amount_fen):
            raise NotAuthorised("another amount was decided on", amount_fen=int(self.amount_fen))
