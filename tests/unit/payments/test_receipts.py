"""A receipt counts only if the bank signed it, of this very instruction."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.money import BANK_REFUSALS
from citybrain.exchange.signing import EVIDENCE, Signer, Verifier, make_key_once, read_signer
from citybrain.payments import Kind, PaymentUnknown, charge, payout
from citybrain.payments.receipts import RECEIPT, receipt_for, receipt_of
from tests.given.payments import allowed

PAYMENT = payout(
    UUID(int=2),
    reference="application-1",
    amount_fen=500,
    from_account="housing-fund",
    payee_id_number="410102199501010000",
    authorised=allowed("application-1", 500),
)
CHARGE = charge(
    UUID(int=2),
    reference="parking-1",
    amount_fen=500,
    to_account="parking",
    payer_id_number="410102199501010000",
    authorised=allowed("parking-1", 500),
)


def signer(folder: Path, name: str) -> Signer:
    make_key_once(folder / f"{name}.pem")
    return read_signer(folder / f"{name}.pem", f"{name}-1")


def receipt(**changed: Any) -> dict[str, Any]:
    return {
        "iss": "bank",
        "jti": str(PAYMENT.payment_id),
        "amount_fen": 500,
        "status": "success",
        "code": None,
        "bank_reference": "B1",
        "settled_at": 1_772_000_000,
    } | changed


def test_a_receipt_of_this_payment_is_believed(tmp_path: Path) -> None:
    bank = signer(tmp_path, "bank")
    verifier = Verifier([bank.public_key])
    assert receipt_of(PAYMENT, bank.sign(receipt(), RECEIPT), verifier).bank_reference == "B1"
    failed = receipt(status="failed", code="account-closed", settled_at=None)
    assert receipt_of(PAYMENT, bank.sign(failed, RECEIPT), verifier).code == "account-closed"


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_fen": 501},
        {"jti": str(uuid4())},
        {"iss": "police"},
        {"status": "perhaps"},
        {"settled_at": None},
        {"status": "failed"},
        {"settled_at": 1_772_000_000_000},
        {"settled_at": 10**30},
        {"settled_at": 253_402_300_799},  # the last second of the year 9999
        {"settled_at": -1},
        {"settled_at": True},
        {"booked_at": 10**30},
        {"booked_at": None},
        {"booked_at": "1772000000"},
        {"booked_at": 1_772_000_000.5},
        {"booked_at": True},
        {"amount_fen": "500"},
        {"kind": "charge"},
        {"kind": "gift"},
        {"refunded_fen": 501},
        {"refunded_fen": -1},
        {"refunded_fen": "0"},
    ],
)
def test_any_other_receipt_says_nothing(tmp_path: Path, changed: dict[str, Any]) -> None:
    bank = signer(tmp_path, "bank")
    with pytest.raises(PaymentUnknown):
        receipt_of(PAYMENT, bank.sign(receipt(**changed), RECEIPT), Verifier([bank.public_key]))


def test_when_it_was_booked_is_what_the_bank_says_of_it(tmp_path: Path) -> None:
    bank = signer(tmp_path, "bank")
    verifier = Verifier([bank.public_key])
    settled = receipt_of(PAYMENT, bank.sign(receipt(), RECEIPT), verifier)
    assert settled.booked_at == settled.settled_at
    before = bank.sign(receipt(booked_at=1_771_999_999), RECEIPT)
    said = receipt_of(PAYMENT, before, verifier)
    assert said.booked_at == datetime.fromtimestamp(1_771_999_999, UTC)
    assert said.settled_at == settled.settled_at


def test_asked_by_its_id_a_receipt_says_the_amount(tmp_path: Path) -> None:
    bank = signer(tmp_path, "bank")
    signed = bank.sign(receipt(amount_fen=501), RECEIPT)
    assert receipt_for(PAYMENT.payment_id, signed, Verifier([bank.public_key])).amount_fen == 501
    with pytest.raises(PaymentUnknown):
        receipt_for(uuid4(), signed, Verifier([bank.public_key]))


def test_the_receipt_of_a_charge_says_that_it_is_one(tmp_path: Path) -> None:
    bank = signer(tmp_path, "bank")
    verifier = Verifier([bank.public_key])
    charged = bank.sign(receipt(kind="charge", refunded_fen=200), RECEIPT)
    assert receipt_of(CHARGE, charged, verifier).refunded_fen == 200
    with pytest.raises(PaymentUnknown):
        receipt_of(CHARGE, bank.sign(receipt(), RECEIPT), verifier)
    assert receipt_for(CHARGE.payment_id, bank.sign(receipt(), RECEIPT), verifier).kind is (
        Kind.PAYOUT
    )


@given(st.one_of(st.text(), st.integers(), st.none(), st.sampled_from(sorted(BANK_REFUSALS))))
def test_a_bank_refuses_in_our_codes_whatever_words_it_has(said: Any) -> None:
    with TemporaryDirectory() as folder:
        bank = signer(Path(folder), "bank")
        failed = receipt(status="failed", code=said, settled_at=None)
        found = receipt_of(PAYMENT, bank.sign(failed, RECEIPT), Verifier([bank.public_key]))
    assert found.code == (said if said in BANK_REFUSALS else "bank-refused")


@pytest.mark.parametrize("said", [["B1"], 7, "B" * 101])
def test_a_reference_that_is_no_line_is_none(tmp_path: Path, said: Any) -> None:
    bank = signer(tmp_path, "bank")
    signed = bank.sign(receipt(bank_reference=said), RECEIPT)
    assert receipt_of(PAYMENT, signed, Verifier([bank.public_key])).bank_reference is None


def test_who_signs_and_as_what_is_checked(tmp_path: Path) -> None:
    bank, stranger = signer(tmp_path, "bank"), signer(tmp_path, "stranger")
    for signed in (stranger.sign(receipt(), RECEIPT), bank.sign(receipt(), EVIDENCE), "", "a.b.c"):
        with pytest.raises(PaymentUnknown):
            receipt_of(PAYMENT, signed, Verifier([bank.public_key]))
