"""What became of an application's money: decision, instruction and the bank's receipt, compared.

Each amount is taken from where it stands by itself: the decision that the payment names, the
instruction, the confirmation in the log, and the receipt as the bank signed it. One that was
changed is not what the others say.
"""

from typing import Any

import orjson

from citybrain.domain.applications.application_events import verdict_of
from citybrain.domain.digests import stored_sha256
from citybrain.domain.money import bank_refusal
from citybrain.eventstore import RecordedEvent
from citybrain.payments import PaymentUnknown
from citybrain.vault import InStream, PersonErased, SealBroken
from commands.applications.unsealed import RECEIPT, claims_of
from commands.services import Services

INSTRUCTED = "application.payout_instructed"
CONFIRMED = "application.payout_confirmed"
PAYOUT_FAILED = "application.payout_failed"
AFTER_INSTRUCTION = {
    "application.payout_delayed": "delayed",
    CONFIRMED: "confirmed",
    PAYOUT_FAILED: "failed",
    "application.compensated": "compensated",
}
SHOWN_OF_PAYMENT = ("amount_fen", "settled_at", "receipt_sha256")
SAID_BY_BANK = ("code", "bank_reference")
BY_BANK, BROKEN, ERASED, NOT_KNOWN = "by-the-bank", "broken", "erased", "bank-not-known"
"""How a receipt is signed: by the bank; not, or its seal is broken; nobody can read it any more;
there is no bank in the directory of this installation."""


async def payments_of(
    events: list[RecordedEvent], services: Services, *, opened: bool
) -> list[dict[str, Any]]:
    """Each instruction to the bank with what became of it, and whether all say the same amount.

    Opened, with what the bank said in its own words.
    """
    payments: dict[str, dict[str, Any]] = {}
    decided: dict[int, tuple[str, int | None]] = {}
    paid_fen = 0
    for event in events:
        data = event.data
        if (verdict := verdict_of(event.topic, data)) is not None:
            decided[event.version] = _digest(event), verdict.amount_fen
        elif event.topic == INSTRUCTED:
            payments[data["payment_id"]] = _instructed(event, decided, paid_fen)
        elif event.topic in AFTER_INSTRUCTION and data["payment_id"] in payments:
            payment = payments[data["payment_id"]]
            payment |= {
                "state": AFTER_INSTRUCTION[event.topic],
                "at": data["timestamp"],
                **{name: data[name] for name in SHOWN_OF_PAYMENT if name in data},
            }
            if event.topic == PAYOUT_FAILED:
                payment["reason"] = bank_refusal(data["reason"])
            if event.topic == CONFIRMED:
                payment["compared"]["confirmed_fen"] = data["amount_fen"]
                paid_fen += data["amount_fen"]
            where = InStream(RECEIPT, event.stream_id)
            citizen_id = events[0].data["citizen_id"]
            await _add_receipt(payment, citizen_id, where, data, services, opened=opened)
    for payment in payments.values():
        payment["compared"]["same"] = _is_same(payment["compared"])
    return list(payments.values())


def _instructed(
    event: RecordedEvent, decided: dict[int, tuple[str, int | None]], paid_fen: int
) -> dict[str, Any]:
    data = event.data
    version = data.get("decision_version") or max(decided, default=0)
    digest, amount_fen = decided.get(version, ("", None))
    named = data.get("decision_sha256") in (None, digest)
    return {
        "payment_id": data["payment_id"],
        "amount_fen": data["amount_fen"],
        "from_account": data["from_account"],
        "decision_version": data.get("decision_version"),
        "decision_sha256": data.get("decision_sha256"),
        "state": "instructed",
        "instructed_at": data["timestamp"],
        "version": event.version,
        "compared": {
            "decided_fen": amount_fen if named else None,
            "paid_before_fen": paid_fen,
            "instructed_fen": data["amount_fen"],
            "confirmed_fen": None,
            "receipt_fen": None,
            "receipt": None,
        },
    }


async def _add_receipt(
    payment: dict[str, Any],
    citizen_id: str,
    where: InStream,
    data: dict[str, Any],
    services: Services,
    *,
    opened: bool,
) -> None:
    """What the bank signed: the amount of a payment that it made, and opened, its own words."""
    sealed = data.get("receipt_sealed")
    if sealed is None:
        return
    compared = payment["compared"]
    try:
        signed = await services.vault.open_text(citizen_id, where, sealed)
    except PersonErased:
        compared["receipt"] = ERASED
        return
    except (SealBroken, ValueError):
        compared["receipt"] = BROKEN
        return
    if opened:
        said = claims_of(signed)
        payment["bank_said"] = {name: said.get(name) for name in SAID_BY_BANK}
    if services.payments is None or not services.payments.has_bank:
        compared["receipt"] = NOT_KNOWN
        return
    try:
        receipt = services.payments.receipt(payment["payment_id"], signed)
    except (PaymentUnknown, ValueError):
        compared["receipt"] = BROKEN
        return
    compared["receipt"] = BY_BANK if receipt.sha256 == data["receipt_sha256"] else BROKEN
    compared["receipt_fen"] = receipt.amount_fen if receipt.status == "success" else 0


def _is_same(compared: dict[str, Any]) -> bool:
    """Whether what stands says one amount; what is not there (yet) says nothing."""
    instructed = compared["instructed_fen"]
    later = (compared["confirmed_fen"], compared["receipt_fen"])
    moved = [amount for amount in later if amount is not None]
    return (
        compared["receipt"] != BROKEN
        and (compared["decided_fen"] or 0) - compared["paid_before_fen"] == instructed
        and len(set(moved)) <= 1
        and (compared["confirmed_fen"] is None or moved[0] == instructed)
    )


def _digest(event: RecordedEvent) -> str:
    return stored_sha256(event.stream_id, event.version, event.topic, orjson.loads(event.state))
