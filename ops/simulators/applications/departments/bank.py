"""The simulated bank: takes signed instructions, keeps its book, and signs what it did."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from citybrain.exchange.answers import JOSE
from citybrain.exchange.signing import PUBLIC_FILE, SignatureWrong, Signer, Verifier
from citybrain.payments.instructions import TYPES
from citybrain.payments.receipts import RECEIPT
from citybrain.payments.statements import STATEMENT
from ops.simulators.applications.departments.ledger import Ledger, OtherContent

BANK = "bank-payments"
BANK_MODES = (
    "ok",
    "slow",
    "hang",
    "down",
    "error",
    "wrong-signature",
    "garbage",
    "pay-then-hang",
    "pay-then-error",
    "double",
    "refuse",
    "refuse-in-words",
)
HANG_SECONDS = 3600.0
REFUSED = {"refuse": "account-closed", "refuse-in-words": "账户已销户：王五，13800000000"}
SAID = ("kind", "status", "code", "bank_reference", "amount_fen", "settled_at", "booked_at")
LINES_A_PAGE = 400
KINDS = {signed_as: kind for kind, signed_as in TYPES.items()}

Lines = list[dict[str, Any]]


class Bank:
    """Answers `PUT /payments/<id>` with an instruction, `GET /payments/<id>`, and
    `GET /statements/<day>?page=<n>`.

    `printed` is what comes onto a statement of what is in the book: a bank may err. `moved` hears
    of every instruction that was answered.
    """

    def __init__(self, data_dir: Path, ledger: Ledger, signer: Signer, stranger: Signer) -> None:
        self._data_dir, self._ledger = data_dir, ledger
        self._signer, self._stranger = signer, stranger
        self._client: Verifier | None = None
        self.printed: Callable[[Lines], Lines] = lambda lines: lines
        self.lines_a_page = LINES_A_PAGE
        self.moved: Callable[[dict[str, Any]], None] = lambda _: None

    async def answer(self, request: web.Request, body: bytes, mode: str) -> web.Response:
        """Do what is instructed, or say what was done, in a mode."""
        if request.method == "PUT":
            return await self._do(request, body, mode)
        named = request.path.rpartition("/")[2]
        if request.path.startswith("/statements/"):
            return self._statement(named, int(request.query.get("page", "1")), mode)
        payment = self._ledger.payment(named)
        if payment is None:
            return web.json_response({"code": "no-payment"}, status=404)
        return self.receipt(payment, mode)

    async def _do(self, request: web.Request, body: bytes, mode: str) -> web.Response:
        try:
            signed_as, claims = self.checked(body.decode("ascii", "replace"), *KINDS)
        except SignatureWrong:
            return web.Response(status=401)
        kind, amount_fen = KINDS[signed_as], claims["amount_fen"]
        if request.path != f"/payments/{claims['jti']}" or amount_fen <= 0:
            return web.Response(status=400)
        try:
            for _ in range(2 if mode == "double" else 1):
                payment = self._ledger.move(kind, claims, REFUSED.get(mode))
        except OtherContent:
            return web.Response(status=409)
        self.moved(payment)
        if mode == "pay-then-hang":
            await asyncio.sleep(HANG_SECONDS)
        if mode == "pay-then-error":
            return web.Response(status=500)
        return self.receipt(payment, mode)

    def _statement(self, day: str, page: int, mode: str) -> web.Response:
        lines = self.printed(self._ledger.booked_on(day))
        statement = {
            "iss": "bank",
            "iat": int(time.time()),
            "day": day,
            "page": page,
            "pages": max(1, -(-len(lines) // self.lines_a_page)),
            "payments": len(lines),
            "lines": lines[(page - 1) * self.lines_a_page : page * self.lines_a_page],
        }
        return self._signed(statement, STATEMENT, mode)

    def receipt(self, payment: dict[str, Any], mode: str) -> web.Response:
        """What was done, signed."""
        receipt = {
            "iss": "bank",
            "jti": payment["payment_id"],
            "iat": int(time.time()),
            "refunded_fen": self._ledger.refunded_fen(payment["payment_id"]),
            **{name: payment[name] for name in SAID},
        }
        return self._signed(receipt, RECEIPT, mode)

    def _signed(self, claims: dict[str, Any], kind: str, mode: str) -> web.Response:
        signer = self._stranger if mode == "wrong-signature" else self._signer
        return web.Response(text=signer.sign(claims, kind), content_type=JOSE)

    def checked(self, signed: str, *kinds: str) -> tuple[str, dict[str, Any]]:
        """What citybrain signed as one of these, perhaps with a new key.

        Raises `SignatureWrong`.
        """
        try:
            return self._signed_as(signed, kinds)
        except SignatureWrong:
            self._client = None
            return self._signed_as(signed, kinds)

    def _signed_as(self, signed: str, kinds: Sequence[str]) -> tuple[str, dict[str, Any]]:
        for kind in kinds:
            try:
                return kind, self._verifier().claims(signed, kind)[0]
            except SignatureWrong:
                continue
        raise SignatureWrong("not an instruction of citybrain")

    def _verifier(self) -> Verifier:
        """Of citybrain's instructions; its key is there once it has started."""
        if self._client is None:
            self._client = Verifier([orjson.loads((self._data_dir / PUBLIC_FILE).read_bytes())])
        return self._client
