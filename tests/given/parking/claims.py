"""Claims and what the gateway says of their payments, for tests of decisions."""

from datetime import UTC, datetime
from typing import Any

from citybrain.domain.actor import Actor, Role
from citybrain.domain.money import Fen
from citybrain.domain.parking import payment
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import Channel
from citybrain.domain.parking.payment import Evidence, Misfit
from citybrain.domain.parking.reductions import Limits

NOW = datetime(2026, 9, 14, 3, tzinfo=UTC)
PARKING = "parking"
CITIZEN = "citizen-1"
DECISION = "ab" * 32
SAID = Evidence(sha256="cd" * 32)
LIMITS = Limits(
    refund_fen=10_000, write_off_fen=5_000, departments=(PARKING,), version="2026-01-01+0"
)
OFFICIAL = Actor("official-1", frozenset({Role.OFFICIAL}), department=PARKING)
SUPERVISOR = Actor("supervisor-1", frozenset({Role.SUPERVISOR}), department=PARKING)
SECOND = Actor("supervisor-2", frozenset({Role.SUPERVISOR}), department=PARKING)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of September 2026."""
    return datetime(2026, 9, day, hour, minute, tzinfo=UTC)


def claim(
    amount_fen: int = 600, *, payer: str | None = CITIZEN, due_at: datetime = NOW, number: int = 1
) -> Claim:
    """Something is owed for a session."""
    return Claim.raise_(
        NOW,
        subject="parking-0123",
        number=number,
        citizen_id=payer,
        amount_fen=Fen(amount_fen),
        due_at=due_at,
        to_account="parking",
        decision_sha256=DECISION,
    )


def asked(
    owed: Claim,
    channel: Channel = Channel.KIOSK,
    amount_fen: int | None = None,
    request_id: str | None = None,
) -> str:
    """A payment is asked for; its id."""
    request_id = request_id or f"request-{owed.moves + 1}"
    found = payment.request(
        owed, NOW, request_id=request_id, channel=channel, amount_fen=amount_fen
    )
    return found["payment_id"]


def captured(owed: Claim, payment_id: str, settled_at: datetime = NOW) -> None:
    """The gateway says that the money came."""
    payment.capture(owed, NOW, payment_id=payment_id, settled_at=settled_at, evidence=SAID)


def failed(owed: Claim, payment_id: str, reason: str = "insufficient-funds") -> None:
    """The gateway says that it did not."""
    payment.fail(owed, NOW, payment_id=payment_id, reason=reason, booked_at=NOW, evidence=SAID)


def misfit(owed: Claim, payment_id: str, **said: Any) -> bool:
    """The gateway says something else."""
    fields: dict[str, Any] = {
        "message_id": "message-1",
        "status": "captured",
        "said_amount": "6",
        "said_currency": '"CNY"',
        "reference_fits": True,
    }
    return payment.mismatch(
        owed, NOW, payment_id=payment_id, said=Misfit(**fields | said), evidence=SAID
    )


def charged_back(
    owed: Claim, payment_id: str, settled_at: datetime = NOW, amount_fen: int = 600
) -> None:
    """The payer's bank took it back."""
    payment.charge_back(
        owed,
        NOW,
        payment_id=payment_id,
        chargeback_id="00000000-0000-4000-8000-000000000001",
        amount_fen=Fen(amount_fen),
        settled_at=settled_at,
        evidence=SAID,
    )


def refunded(owed: Claim) -> None:
    """The gateway has given back all that was asked for."""
    for refund in list(owed.refunds.values()):
        payment.refunded(owed, NOW, refund_id=refund["payment_id"], settled_at=NOW, evidence=SAID)


def paid(amount_fen: int = 600, **of: Any) -> tuple[Claim, str]:
    """A claim that was paid at a kiosk, and its payment."""
    owed = claim(amount_fen, **of)
    payment_id = asked(owed)
    captured(owed, payment_id)
    return owed, payment_id
