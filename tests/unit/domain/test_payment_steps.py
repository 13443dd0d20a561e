"""When a bank handled a payment, by what events say of it."""

from datetime import timedelta

from citybrain.domain.applications.statuses import Status
from citybrain.domain.payment_steps import booked_at
from tests.given.applications import NOW, PAYMENT, at
from tests.given.streams import events_of

BOOKED = NOW - timedelta(seconds=2)


def test_a_payment_is_of_the_day_that_the_bank_booked_it() -> None:
    application = at(Status.PAYING)
    said = {"amount_fen": 100, "receipt_sha256": "ab" * 32, "receipt_sealed": "sealed"}
    application.confirm_payout(NOW, payment_id=PAYMENT, settled_at=NOW, booked_at=BOOKED, **said)
    (confirmed,) = events_of(application)
    assert booked_at(vars(confirmed)) == BOOKED
    assert booked_at({"settled_at": NOW}) == NOW
    assert booked_at({"settled_at": NOW, "booked_at": None}) == NOW
    assert booked_at({}) is None
