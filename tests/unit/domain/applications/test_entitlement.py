"""Entitlements: one application draws at a time, on records that are not older than the last."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.applications.entitlement import (
    AlreadyClaimed,
    DrawnMeanwhile,
    Entitlement,
    EntitlementClaimed,
    RecordsOutdated,
)
from citybrain.domain.applications.limits import Limits, PaidAsMuch, PaidAsOften
from citybrain.errors import Refused

NOW = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)


def opened() -> Entitlement:
    return Entitlement.open(NOW, entitlement_id="entitlement-1", service="housing-fund-repayment")


def claim(entitlement: Entitlement, who: str, requested_at: datetime, now: datetime = NOW) -> None:
    entitlement.claim(
        now,
        application_id=who,
        citizen_id=who,
        service="housing-fund-repayment",
        amount_fen=1,
        requested_at=requested_at,
    )


def test_the_second_is_told_that_another_was_first() -> None:
    entitlement = opened()
    claim(entitlement, "a", NOW)
    with pytest.raises(AlreadyClaimed):
        claim(entitlement, "b", NOW)


def test_records_from_before_a_payment_do_not_count_after_it() -> None:
    entitlement = opened()
    claim(entitlement, "a", NOW)
    entitlement.settle(NOW + timedelta(seconds=2), application_id="a", payment_id="p")
    with pytest.raises(RecordsOutdated):
        claim(entitlement, "b", NOW + timedelta(seconds=1))
    claim(entitlement, "b", NOW + timedelta(seconds=3))


def test_a_claim_that_is_released_is_free() -> None:
    entitlement = opened()
    claim(entitlement, "a", NOW)
    entitlement.release(NOW, application_id="b")
    assert entitlement.holder == "a"
    entitlement.release(NOW, application_id="a")
    claim(entitlement, "b", NOW)


def test_what_is_repeated_changes_nothing() -> None:
    entitlement = opened()
    for _ in range(2):
        claim(entitlement, "a", NOW)
    for _ in range(2):
        entitlement.settle(NOW, application_id="a", payment_id="p")
    assert len(entitlement.collect_events()) == 3


steps = st.tuples(
    st.sampled_from(["claim", "settle", "release"]), st.sampled_from("abc"), st.integers(0, 20)
)


@given(st.lists(steps, max_size=40))
def test_nobody_is_paid_on_records_older_than_the_last_payment(
    actions: list[tuple[str, str, int]],
) -> None:
    entitlement = opened()
    last_paid = NOW - timedelta(days=1)
    requested: dict[str, datetime] = {}
    for number, (action, who, age) in enumerate(actions):
        now = NOW + timedelta(seconds=number + 1)
        if action == "claim":
            asked = now - timedelta(seconds=age)
            try:
                claim(entitlement, who, asked, now)
            except Refused:
                continue
            requested.setdefault(who, asked)
        elif entitlement.holder != who:
            continue
        elif action == "release":
            entitlement.release(now, application_id=who)
            requested.pop(who)
        else:
            entitlement.settle(now, application_id=who, payment_id="p")
            assert requested.pop(who) > last_paid, "older than what others were paid"
            last_paid = now


def test_what_was_paid_counts_for_the_item_that_paid_it() -> None:
    entitlement = opened()
    limits = Limits(times=1)
    for number, service in enumerate(("housing-fund-purchase", "housing-fund-repayment")):
        entitlement.claim(
            NOW + timedelta(seconds=2 * number),
            application_id=service,
            citizen_id="c",
            service=service,
            amount_fen=100,
            requested_at=NOW + timedelta(seconds=2 * number),
            limits=limits,
        )
        entitlement.settle(
            NOW + timedelta(seconds=2 * number + 1), application_id=service, payment_id="p"
        )
    assert [payment["amount_fen"] for payment in entitlement.payments] == [100, 100]
    with pytest.raises(PaidAsOften):
        entitlement.claim(
            NOW + timedelta(days=999),
            application_id="another",
            citizen_id="c",
            service="housing-fund-purchase",
            amount_fen=1,
            requested_at=NOW + timedelta(days=999),
            limits=limits,
        )
    assert entitlement.holder is None


def test_a_decision_is_no_older_than_what_others_were_paid_but_may_be_than_its_own() -> None:
    entitlement = opened()
    claim(entitlement, "a", NOW)
    entitlement.settle(NOW + timedelta(seconds=2), application_id="a", payment_id="p")
    later = NOW + timedelta(seconds=3)
    said: dict[str, Any] = {"service": "s", "amount_fen": 1, "requested_at": later}
    entitlement.claim(later, application_id="a", citizen_id="a", decided_on=NOW, **said)
    entitlement.release(later, application_id="a")
    with pytest.raises(DrawnMeanwhile):
        entitlement.claim(later, application_id="b", citizen_id="b", decided_on=NOW, **said)


def test_claims_of_before_count_for_the_item_that_opened_the_stream() -> None:
    entitlement = opened()
    entitlement.trigger_event(
        EntitlementClaimed, timestamp=NOW, application_id="a", citizen_id="c", amount_fen=70
    )
    entitlement.settle(NOW, application_id="a", payment_id="p")
    (payment,) = entitlement.payments
    assert (payment["service"], payment["amount_fen"]) == ("housing-fund-repayment", 70)


def test_snapshots_of_before_keep_when_it_was_paid() -> None:
    state: dict[str, Any] = {"service": "s", "holder": "a", "settled_at": NOW}
    Entitlement.upcast_v1_v2(state)
    assert [payment["at"] for payment in state["payments"]] == [NOW]
    assert "settled_at" not in state


def test_who_has_it_for_another_amount_claims_that_within_the_limits() -> None:
    entitlement = opened()
    said: dict[str, Any] = {"application_id": "a", "citizen_id": "a", "service": "s"}
    said |= {"requested_at": NOW, "limits": Limits(most_fen=100)}
    entitlement.claim(NOW, amount_fen=90, **said)
    with pytest.raises(PaidAsMuch):
        entitlement.claim(NOW, amount_fen=900, **said)
    entitlement.claim(NOW, amount_fen=60, **said)
    entitlement.settle(NOW, application_id="a", payment_id="p")
    assert [payment["amount_fen"] for payment in entitlement.payments] == [60]
