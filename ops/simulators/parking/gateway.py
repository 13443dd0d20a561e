"""The simulated payment gateway: the bank's door to payers. It keeps the bank's one book.

Payers hand it orders that the city has signed; what became of each payment it calls back. The book
is the bank's because money that a payer has paid here is on the city's account there: one ledger,
one statement of a day, and a sum that stays the same. `Departments` opens it beside the bank.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from citybrain.exchange.signing import SignatureWrong, Signer
from citybrain.payments.callbacks import CALLBACK, Told
from citybrain.payments.instructions import CANCELLATION, CURRENCY, ORDER, PAYER, Kind
from ops.simulators.applications.departments.ledger import Ledger, OtherContent
from ops.simulators.parking.callbacks import Callbacks

HANG_SECONDS = 3600.0
CALLBACKS = "callbacks.jsonl"

Claims = dict[str, Any]
Checked = Callable[[str, str], Claims]
"""The claims of what the city has signed as a type; raises `SignatureWrong`."""
Receipted = Callable[[dict[str, Any], str], web.Response]
"""The bank's signed receipt of a payment, in a mode."""


class Gateway:
    """Answers `POST /orders` (a payer pays) and `PUT /payments/<id>/cancellation`, and calls back.

    For tests alone it can be told to hold messages back and send them in any order, to say what is
    not so, to try a refused payment again, and to charge back.
    """

    def __init__(
        self,
        folder: Path,
        ledger: Ledger,
        signer: Signer,
        checked: Checked,
        receipted: Receipted,
        url: str | None,
    ) -> None:
        self._ledger, self._signer = ledger, signer
        self._checked, self._receipted = checked, receipted
        self.callbacks = Callbacks(folder / CALLBACKS, url)
        self.clock: Callable[[], float] = time.time
        self._told: set[tuple[str, str]] = set()

    @staticmethod
    def is_for(path: str) -> bool:
        """Whether a request is the gateway's, and not the bank's."""
        return path == "/orders" or path.endswith("/cancellation")

    async def answer(self, request: web.Request, body: bytes, mode: str) -> web.Response:
        """Take an order or a cancellation, in a mode of the bank."""
        try:
            if request.path == "/orders":
                return self._paid(orjson.loads(body))
            payment = self._cancelled(request, body)
        except (SignatureWrong, KeyError, ValueError, TypeError):
            return web.Response(status=400)
        except OtherContent:
            return web.Response(status=409)
        if mode == "pay-then-hang":
            await asyncio.sleep(HANG_SECONDS)
        if mode == "pay-then-error":
            return web.Response(status=500)
        return self._receipted(payment, mode)

    def _paid(self, asked: dict[str, Any]) -> web.Response:
        """A payer hands over an order and pays with something of theirs."""
        claims = self._checked(asked["order"], ORDER)
        if claims["exp"] < self.clock() or claims["currency"] != CURRENCY:
            return web.json_response({"code": "order-expired"}, status=409)
        payment = self._ledger.move(
            Kind.CHARGE, claims | {PAYER: str(asked["means"])}, asked.get("refused")
        )
        self.tell(payment)
        return web.json_response({name: payment[name] for name in ("status", "code")})

    def _cancelled(self, request: web.Request, body: bytes) -> dict[str, Any]:
        claims = self._checked(body.decode("ascii", "replace"), CANCELLATION)
        if request.path != f"/payments/{claims['jti']}/cancellation":
            raise ValueError("of another payment")
        return self._ledger.cancel(claims)

    # --- what is called back ------------------------------------------------------------

    def tell(self, payment: dict[str, Any]) -> None:
        """Call back what became of a payment, once for each end that it has."""
        end = (payment["payment_id"], payment["status"])
        if payment["kind"] != Kind.PAYOUT and end not in self._told:
            self._told.add(end)
            self.callbacks.tell(self._message(self._said_of(payment)))

    def say(self, payment_id: str, status: str, **otherwise: Any) -> str:
        """Call back that a payment has this status, whatever the book says; the message's id.

        `otherwise` are claims that differ: `amount=6`, `currency="USD"`, `reference="…"`.
        """
        known = self._ledger.payment(payment_id)
        claims = self._said_of(known) if known else {"payment_id": payment_id}
        claims |= {"status": status, "code": "declined" if status == Told.FAILED else None}
        message = self._message({"occurred_at": int(time.time())} | claims | otherwise)
        self.callbacks.tell(message)
        return str(message["id"])

    def try_again(self, payment_id: str) -> None:
        """Make a payment that was refused after all."""
        self.tell(self._ledger.try_again(payment_id))

    def charge_back(self, payment_id: str, amount_fen: int | None = None) -> None:
        """The payer's bank takes a charge back."""
        self.tell(self._ledger.charge_back(payment_id, amount_fen))

    def control(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What tests say over HTTP: `do`, and the arguments of the method of that name."""
        asked = dict(asked)
        do = asked.pop("do")
        if do == "hold":
            self.callbacks.holding = True
        elif do == "release":
            self.callbacks.release(**asked)
        elif do == "call_at":
            self.callbacks.call_at(**asked)
        elif do == "clock":
            now = float(asked["now"])
            self.clock = lambda: now
        elif do in ("say", "try_again", "charge_back"):
            getattr(self, do)(**asked)
        else:
            raise ValueError("do: hold, release, call_at, clock, say, try_again or charge_back")
        return {
            "waiting": len(self.callbacks.waiting),
            "refused": [each["status"] for each in self.callbacks.refused],
        }

    def _said_of(self, payment: dict[str, Any]) -> Claims:
        made, kind = payment["status"] == "success", payment["kind"]
        status = Told.FAILED if not made else Told.CAPTURED
        claims: Claims = {"payment_id": payment["payment_id"]}
        if made and kind == Kind.REFUND:
            status = Told.REFUNDED
        if kind == Kind.CHARGEBACK:
            status = Told.CHARGED_BACK
            claims = {
                "payment_id": payment["chargeback_of"],
                "chargeback_id": payment["payment_id"],
            }
        return claims | {
            "status": status.value,
            "reference": payment["reference"],
            "amount": payment["amount_fen"],
            "currency": CURRENCY,
            "occurred_at": payment["booked_at"],
            "code": payment["code"],
        }

    def _message(self, claims: Claims) -> dict[str, Any]:
        message_id = str(uuid4())
        head = {"iss": "bank", "jti": message_id, "iat": int(time.time())}
        return {"id": message_id, "signed": self._signer.sign(head | claims, CALLBACK)}
