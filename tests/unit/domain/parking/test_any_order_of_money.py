"""In whatever order the gateway's messages come, a claim ends the same and never holds too much."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from citybrain.domain.parking import payment
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import PaymentState, RefundState
from citybrain.domain.parking.reductions import correct
from tests.given.parking.claims import (
    DECISION,
    NOW,
    SAID,
    asked,
    at,
    captured,
    charged_back,
    claim,
    failed,
)
from tests.given.storm import examples
from tests.given.streams import events_of, replayed

OWED = 600


def end(owed: Claim) -> dict[str, Any]:
    """What a claim has come to, whatever it heard on the way."""
    return {
        "status": owed.status,
        "settled": owed.settled,
        "open": owed.open_fen,
        "due": owed.due_at,
        "loss": owed.loss_fen,
        "payments": {
            each["payment_id"]: (owed.kept_fen(each), owed.going_back_fen(each))
            for each in owed.payments.values()
            if each["state"] == PaymentState.CAPTURED
        },
    }


Message = tuple[str, int]
"""`failed` or `captured`, and of which payment."""


def heard(amounts: Sequence[int], messages: Sequence[Message]) -> Claim:
    owed = claim(OWED)
    ids = [asked(owed, amount_fen=amount_fen) for amount_fen in amounts]
    say: dict[str, Callable[[int], None]] = {
        "failed": lambda index: failed(owed, ids[index]),
        "captured": lambda index: captured(owed, ids[index], at(14, index % 3)),
        "charged-back": lambda index: charged_back(
            owed, ids[index], at(20 + index), amount_fen=amounts[index]
        ),
    }
    for what, index in messages:
        say[what](index)
        assert owed.paid_fen <= OWED
    return owed


@st.composite
def told(draw: st.DrawFn) -> tuple[list[int], list[Message], list[Message]]:
    """Payments, what the gateway says of them, repeated at will; and the same in another order."""
    amounts = draw(st.lists(st.integers(1, OWED), min_size=1, max_size=4))
    words = [(what, index) for what in ("failed", "captured") for index in range(len(amounts))]
    said = draw(st.lists(st.sampled_from(words), min_size=1, max_size=10))
    return amounts, said, draw(st.permutations(said))


@given(told())
def test_any_order_of_messages_ends_the_same(
    case: tuple[list[int], list[Message], list[Message]],
) -> None:
    amounts, said, otherwise = case
    assert end(heard(amounts, said)) == end(heard(amounts, otherwise))


@given(
    st.permutations(["failed", "captured", "charged-back", "captured", "failed", "charged-back"])
)
def test_any_order_of_a_chargeback_ends_the_same(said: list[str]) -> None:
    found = end(heard([OWED], [(what, 0) for what in said]))
    assert (found["open"], found["settled"], found["due"]) == (OWED, False, at(20))
    assert found["payments"].popitem()[1] == (0, 0)


class Money(RuleBasedStateMachine):
    """Everything that can happen to a claim, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.owed = claim(OWED)
        self.serial = 0

    def _one(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.owed.payments)))

    @precondition(lambda self: self.owed.open_fen > 0)
    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        self.serial += 1
        amount_fen = data.draw(st.integers(1, self.owed.open_fen))
        asked(self.owed, amount_fen=amount_fen, request_id=str(self.serial))

    @precondition(lambda self: self.owed.payments)
    @rule(data=st.data(), minute=st.integers(0, 59))
    def capture(self, data: st.DataObject, minute: int) -> None:
        captured(self.owed, self._one(data), at(14, 1, minute))

    @precondition(lambda self: self.owed.payments)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        failed(self.owed, self._one(data))

    @precondition(lambda self: self.owed.payments)
    @rule(data=st.data())
    def charge_back(self, data: st.DataObject) -> None:
        payment_id = self._one(data)
        amount_fen = self.owed.payments[payment_id]["amount_fen"]
        charged_back(self.owed, payment_id, at(20), amount_fen=amount_fen)

    @rule(data=st.data())
    def correct(self, data: st.DataObject) -> None:
        to_fen = data.draw(st.integers(0, self.owed.amount_fen))
        correct(self.owed, NOW, to_fen=to_fen, reason="permit", decision_sha256=DECISION)

    @precondition(lambda self: self.owed.refunds)
    @rule(data=st.data(), good=st.booleans())
    def refund_ends(self, data: st.DataObject, good: bool) -> None:
        refund_id = data.draw(st.sampled_from(sorted(self.owed.refunds)))
        if good:
            payment.refunded(self.owed, NOW, refund_id=refund_id, settled_at=NOW, evidence=SAID)
        else:
            payment.fail_refund(
                self.owed, NOW, refund_id=refund_id, reason="x", booked_at=None, evidence=SAID
            )

    @precondition(lambda self: self.owed.undelivered_fen)
    @rule()
    def refund_again(self) -> None:
        failed_ones = [
            each["payment_id"]
            for each in self.owed.refunds.values()
            if each["state"] == RefundState.FAILED
        ]
        payment.request_refund_again(self.owed, NOW, refund_id=failed_ones[0])

    @invariant()
    def never_holds_more_than_is_owed(self) -> None:
        assert 0 <= self.owed.paid_fen <= self.owed.amount_fen
        assert self.owed.open_fen == self.owed.amount_fen - self.owed.paid_fen

    @invariant()
    def settled_is_what_is_wholly_paid(self) -> None:
        assert self.owed.settled <= (self.owed.open_fen == 0)

    @invariant()
    def asks_back_no_more_than_came(self) -> None:
        for each in self.owed.payments.values():
            assert self.owed.going_back_fen(each) <= each["amount_fen"] + self.owed.loss_fen

    def teardown(self) -> None:
        again = replayed(events_of(self.owed))
        assert (again.payments, again.refunds) == (self.owed.payments, self.owed.refunds)


TestMoney = Money.TestCase
TestMoney.settings = examples(60)
