"""What is signed, and what no instruction says."""

import base64
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from citybrain.domain.money import AmountAboveCeiling, Fen
from citybrain.exchange.signing import Signer, Verifier, make_key_once, read_signer
from citybrain.payments import (
    AmountInvalid,
    Authorised,
    Instruction,
    Kind,
    NotAuthorised,
    RefundTooHigh,
    charge,
    payout,
    refund,
)
from citybrain.payments.instructions import TYPES
from tests.given.payments import DECISION, allowed

ID, OTHER = UUID(int=7), UUID(int=8)
NUMBER = "410102199501010000"
PAYOUT, PARKING = allowed("application-1", 500), allowed("parking-1", 500)


def paid_out(amount_fen: Any = 500, allows: Authorised = PAYOUT) -> Instruction:
    return payout(
        ID,
        reference="application-1",
        amount_fen=amount_fen,
        from_account="housing-fund",
        payee_id_number=NUMBER,
        authorised=allows,
    )


def charged(amount_fen: Any = 500, allows: Authorised = PARKING) -> Instruction:
    return charge(
        ID,
        reference="parking-1",
        amount_fen=amount_fen,
        to_account="parking",
        payer_id_number=NUMBER,
        authorised=allows,
    )


def given_back(
    amount_fen: Any = 500, left_fen: int = 500, allows: Authorised = PARKING
) -> Instruction:
    return refund(
        ID,
        reference="parking-1",
        amount_fen=amount_fen,
        refund_of=OTHER,
        left_fen=left_fen,
        authorised=allows,
    )


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    make_key_once(tmp_path / "key.pem")
    return read_signer(tmp_path / "key.pem", "citybrain")


def payload(instruction: Instruction, signer: Signer) -> bytes:
    middle = signer.sign(instruction.claims(), TYPES[instruction.kind]).split(".")[1]
    return base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))


def test_a_payout_is_told_in_the_bytes_that_banks_know(signer: Signer) -> None:
    said = payload(paid_out(), signer)
    at = orjson.loads(said)["iat"]
    assert (
        said
        == (
            f'{{"iss":"citybrain","jti":"{ID}","iat":{at},"application_id":"application-1",'
            f'"amount_fen":500,"from_account":"housing-fund","payee_id_number":"{NUMBER}",'
            f'"decision_sha256":"{DECISION}"}}'
        ).encode()
    )
    assert TYPES[paid_out().kind] == "payment+jwt"


def test_a_charge_and_a_refund_say_what_they_are_for(signer: Signer) -> None:
    said = orjson.loads(payload(charged(), signer))
    assert (said["reference"], said["amount_fen"]) == ("parking-1", 500)
    assert (said["to_account"], said["payer_id_number"]) == ("parking", NUMBER)
    said = orjson.loads(payload(given_back(200), signer))
    assert (said["jti"], said["refund_of"], said["amount_fen"]) == (str(ID), str(OTHER), 200)
    assert NUMBER not in str(said)


def test_an_instruction_of_one_kind_is_none_of_another(signer: Signer) -> None:
    assert len(set(TYPES.values())) == len(TYPES)
    signed = signer.sign(charged().claims(), TYPES[charged().kind])
    verifier = Verifier([signer.public_key])
    assert verifier.claims(signed, "charge+jwt")[0]["jti"] == str(ID)
    with pytest.raises(Exception, match="something else"):
        verifier.claims(signed, "payment+jwt")


@pytest.mark.parametrize("make", [paid_out, charged, given_back])
@pytest.mark.parametrize("amount_fen", [0, -1, 1.0, True, "500", None])
def test_an_amount_is_whole_fen_and_more_than_none(make: Any, amount_fen: Any) -> None:
    with pytest.raises(AmountInvalid):
        make(amount_fen)


def test_an_instruction_is_made_of_a_fen_and_of_nothing_else() -> None:
    no_fen: Any = 500
    with pytest.raises(AmountInvalid):
        Instruction(ID, Kind.PAYOUT, "application-1", no_fen, PAYOUT)
    with pytest.raises(AmountAboveCeiling):
        paid_out(2**62)


@pytest.mark.parametrize(
    "allows",
    [allowed("application-1", 501), allowed("application-1", 499), allowed("application-2", 500)],
)
def test_nothing_is_paid_that_no_decision_allows(allows: Authorised) -> None:
    with pytest.raises(NotAuthorised):
        paid_out(500, allows)
    nothing: Any = None
    with pytest.raises(NotAuthorised):
        Instruction(ID, Kind.PAYOUT, "application-1", Fen(500), nothing)


@pytest.mark.parametrize("digest", ["", "ab", "AB" * 32, "ab" * 33, None, b"ab" * 32])
def test_what_names_no_decision_allows_nothing(digest: Any) -> None:
    with pytest.raises(NotAuthorised):
        allowed("application-1", 500, digest)
    no_fen: Any = 500
    with pytest.raises(AmountInvalid):
        Authorised("application-1", no_fen, DECISION)


def test_a_charge_is_all_that_was_decided_and_a_refund_may_be_a_part() -> None:
    with pytest.raises(NotAuthorised):
        charged(400)
    assert given_back(400).amount_fen == 400
    with pytest.raises(NotAuthorised):
        given_back(501, left_fen=600)
    with pytest.raises(NotAuthorised):
        given_back(400, allows=PAYOUT)


def test_no_more_is_given_back_than_is_left() -> None:
    assert given_back(200, left_fen=200).amount_fen == 200
    with pytest.raises(RefundTooHigh) as refused:
        given_back(201, left_fen=200)
    assert refused.value.details == {"left_fen": 200}


def test_a_log_line_of_an_instruction_names_nobody() -> None:
    assert NUMBER not in repr(paid_out())
    assert NUMBER not in repr(charged())
