"""What happens to a session where somebody pays before they leave.

The topics are the storage format: never rename one. Times are UTC, money is fen.
"""

from dataclasses import field
from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.parking.session_claims import ASKED, OVER, PAID
from citybrain.domain.parking.session_event import SessionEvent
from citybrain.domain.stream import StreamEvent
from citybrain.domain.times import as_text


class SessionPrepaymentAsked(SessionEvent):
    """Somebody wants to pay before they leave. `lines` price the stay until `priced_until`.

    `amount_fen` is what of that nobody has paid before; the claim with `number` has its money.
    `already_fen` was asked for in the session that this one continues.
    `payer` is a citizen who pays in the app, None at a kiosk.
    """

    TOPIC: ClassVar[str] = "parking.prepayment_asked"
    claim_id: str
    number: int
    request_id: str
    priced_until: datetime
    amount_fen: int
    price_fen: int
    payer: str | None
    lines: list[dict[str, Any]]
    stay: dict[str, Any]
    tariff_versions: list[str]
    already_fen: int = field(default=0, kw_only=True)

    def note(self, aggregate: Any) -> None:
        aggregate.claims[self.claim_id] = _claim(aggregate, self.amount_fen, self.payer) | {
            "prepaid": {
                "stands": ASKED,
                "number": self.number,
                "request_id": self.request_id,
                "priced_until": as_text(self.priced_until),
                "paid_at": None,
                "decision_sha256": aggregate.digest_of(self),
            }
        }


class SessionPrepaid(SessionEvent):
    """The money came, by the gateway's word at `paid_at`."""

    TOPIC: ClassVar[str] = "parking.prepaid"
    claim_id: str
    amount_fen: int
    paid_at: datetime

    def note(self, aggregate: Any) -> None:
        claim = aggregate.claims[self.claim_id]
        claim["settled"] = True
        claim["prepaid"] |= {"stands": PAID, "paid_at": as_text(self.paid_at)}
        aggregate.facts += 1


class SessionPrepaymentEnded(SessionEvent):
    """Nobody pays it any more: it failed, ran out, or was asked for anew."""

    TOPIC: ClassVar[str] = "parking.prepayment_ended"
    claim_id: str
    reason: str

    def note(self, aggregate: Any) -> None:
        aggregate.claims[self.claim_id]["prepaid"]["stands"] = OVER


class SessionWayOutHeldUp(SessionEvent):
    """Our own signs say that the way out was blocked after the payment: the grace did not run.

    `cause` is a fault of the barrier or a queue; without `ends` it is still so.
    """

    TOPIC: ClassVar[str] = "parking.way_out_held_up"
    detection_id: str
    begins: datetime
    ends: datetime | None
    cause: str

    def note(self, aggregate: Any) -> None:
        aggregate.held_up[self.detection_id] = {
            "begins": as_text(self.begins),
            "ends": None if self.ends is None else as_text(self.ends),
            "cause": self.cause,
        }
        aggregate.facts += 1


class SessionStrayFound(SessionEvent):
    """A payment for a plate of one other character may be for this stay: an officer looks.

    Nobody is reminded meanwhile.
    """

    TOPIC: ClassVar[str] = "parking.stray_found"
    stray_id: str
    distance: int

    def note(self, aggregate: Any) -> None:
        aggregate.strays[self.stray_id] = None


class SessionStrayDecided(SessionEvent):
    """Whether that payment was for this stay; if so, it counts as paid at `paid_at`."""

    TOPIC: ClassVar[str] = "parking.stray_decided"
    stray_id: str
    its: bool
    claim_id: str
    amount_fen: int
    paid_at: datetime

    def note(self, aggregate: Any) -> None:
        aggregate.strays[self.stray_id] = self.its
        if not self.its:
            return
        paid_at = as_text(self.paid_at)
        aggregate.claims[self.claim_id] = _claim(aggregate, self.amount_fen, None) | {
            "settled": True,
            "prepaid": {
                "stands": PAID,
                "number": None,
                "request_id": None,
                "priced_until": paid_at,
                "paid_at": paid_at,
                "decision_sha256": aggregate.digest_of(self),
            },
        }
        aggregate.facts += 1


def _claim(session: Any, amount_fen: int, payer: str | None) -> dict[str, Any]:
    """A claim that is paid before leaving, as the session keeps it."""
    return {
        "amount_fen": amount_fen,
        "payer": payer,
        "plate_id": session.plate_id,
        "debited": False,
        "binding_id": None,
        "settled": False,
    }


PREPAYING: tuple[type[StreamEvent], ...] = (
    SessionPrepaymentAsked,
    SessionPrepaid,
    SessionPrepaymentEnded,
    SessionWayOutHeldUp,
    SessionStrayFound,
    SessionStrayDecided,
)
