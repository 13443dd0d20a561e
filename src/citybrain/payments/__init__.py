"""Money that a bank moves for the city: paid out, charged, given back; each once.

The bank is told an instruction, signed, under an id of its own until it answers, signed. What it
has not answered is unknown and asked for again under the same id. Nothing here decides anything.
"""

from citybrain.domain.authorisation import Authorised, NotAuthorised
from citybrain.domain.money import AmountInvalid
from citybrain.payments.bank import Payments, open_payments
from citybrain.payments.callbacks import Callback, CallbackInvalid
from citybrain.payments.instructions import (
    Instruction,
    Kind,
    RefundTooHigh,
    charge,
    order,
    payout,
    refund,
)
from citybrain.payments.receipts import PaymentUnknown, Receipt

__all__ = [
    "AmountInvalid",
    "Authorised",
    "Callback",
    "CallbackInvalid",
    "Instruction",
    "Kind",
    "NotAuthorised",
    "PaymentUnknown",
    "Payments",
    "Receipt",
    "RefundTooHigh",
    "charge",
    "open_payments",
    "order",
    "payout",
    "refund",
]
