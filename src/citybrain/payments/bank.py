"""Tells the bank, with the patience that money needs: the same thing until it says what it did.

Nobody is followed to another address: what is personal goes to the bank of the directory only.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import aiohttp
import orjson

from citybrain.exchange.answers import JOSE, LOST, RETRIES, SECONDS, answer_bytes, signed_text
from citybrain.exchange.directory import Directory, load_directory
from citybrain.exchange.signing import PUBLIC_FILE, Signer, Verifier, open_signer
from citybrain.faults import answer_passes
from citybrain.payments.callbacks import Callback, read_callback
from citybrain.payments.instructions import CANCELLATION, ORDER, TYPES, Instruction
from citybrain.payments.patience import Patience
from citybrain.payments.receipts import (
    BankAway,
    PaymentNotThere,
    PaymentUnknown,
    Receipt,
    receipt_for,
    receipt_of,
)
from citybrain.payments.statements import Statement, read_statement
from citybrain.settings import Settings

BANK = "bank"
TRIES = 3
ANSWER_SECONDS = 3.0
FIRST_PAUSE_SECONDS = 0.05
CONNECTIONS = 128


class Payments:
    """The bank, over one pool of connections."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        directory: Directory,
        signer: Signer | None,
        answer_bytes: int,
    ) -> None:
        self._session, self._signer = session, signer
        self._answer_bytes = answer_bytes
        self._client, self._bank = directory.client, directory.bank
        self._verifier = Verifier(directory.bank.public_keys) if directory.bank else None
        self._patience = Patience()

    async def instruct(self, instruction: Instruction) -> Receipt:
        """The bank's receipt; raises `PaymentUnknown` where it says nothing that counts."""
        url, verifier = self._at_bank(instruction.payment_id)
        signed = self._signed(instruction.claims(), TYPES[instruction.kind])
        return await self._answered(instruction, url, signed, verifier)

    async def cancel(self, instruction: Instruction) -> Receipt:
        """Let this move no money any more: the receipt of the payment itself.

        It was made before, or it never will be. Raises `PaymentUnknown` as `instruct` does.
        """
        url, verifier = self._at_bank(instruction.payment_id)
        signed = self._signed(instruction.cancellation(), CANCELLATION)
        return await self._answered(instruction, f"{url}/cancellation", signed, verifier)

    def order(self, instruction: Instruction, until: datetime) -> str:
        """A signed order (compact JWS) that somebody hands to the bank with their money."""
        return self._signed(instruction.order(until), ORDER)

    def callback(self, signed: str) -> Callback:
        """What the bank tells of itself; raises `SignatureWrong`, `CallbackInvalid`,
        `PaymentUnknown`."""
        _, verifier = self._bank_known()
        return read_callback(signed, verifier)

    def _signed(self, claims: dict[str, Any], kind: str) -> str:
        if self._signer is None:
            raise PaymentUnknown("there is no key that signs payments")
        return self._signer.sign(claims, kind)

    async def _answered(
        self, instruction: Instruction, url: str, signed: str, verifier: Verifier
    ) -> Receipt:
        began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
        for attempt in range(1, TRIES + 1):
            try:
                receipt = receipt_of(instruction, await self._told("PUT", url, signed), verifier)
            except PaymentUnknown as unknown:
                if isinstance(unknown, BankAway):
                    self._patience.lost()
                SECONDS.labels(BANK, PaymentUnknown.code).observe(time.monotonic() - began)
                if attempt == TRIES:
                    raise
                RETRIES.labels(BANK).inc()
                await asyncio.sleep(random.uniform(0, pause))  # noqa: S311  spreads load only
                pause *= 2
                continue
            self._patience.answered()
            SECONDS.labels(BANK, receipt.status).observe(time.monotonic() - began)
            return receipt
        raise AssertionError("unreachable")

    async def pause(self, tries: int, most_seconds: float | None = None) -> None:
        """Wait before an instruction is told again that was not answered so many times.

        It ends within seconds, soon after the bank has answered anybody, and at the deadline.
        """
        await self._patience.pause(tries, most_seconds)

    def receipt(self, payment_id: str, signed: str) -> Receipt:
        """A receipt that was kept; raises `PaymentUnknown` where the bank did not sign it."""
        _, verifier = self._bank_known()
        return receipt_for(UUID(payment_id), signed, verifier)

    async def statement(self, payment_id: UUID) -> Receipt | None:
        """What the bank did under an id; raises `PaymentUnknown` where it says nothing.

        None where it knows none. That is not signed and no proof: the same id is sent again,
        never another.
        """
        url, verifier = self._at_bank(payment_id)
        try:
            return receipt_for(payment_id, await self._told("GET", url), verifier)
        except PaymentNotThere:
            return None

    async def statement_of(self, day: date) -> Statement:
        """All that the bank handled on a day of the city; raises `PaymentUnknown`."""
        url, verifier = self._bank_known()

        async def told(path: str) -> str:
            return await self._told("GET", f"{url}{path}")

        return await read_statement(day, told, verifier)

    @property
    def has_bank(self) -> bool:
        """Whether there is a bank in the directory."""
        return self._bank is not None

    def _at_bank(self, payment_id: UUID) -> tuple[str, Verifier]:
        url, verifier = self._bank_known()
        return f"{url}/payments/{payment_id}", verifier

    def _bank_known(self) -> tuple[str, Verifier]:
        if self._bank is None or self._verifier is None:
            raise PaymentUnknown("there is no bank in the directory")
        return self._bank.url, self._verifier

    async def _told(self, method: str, url: str, signed: str | None = None) -> str:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        headers = {"X-Road-Client": self._client} | ({"Content-Type": JOSE} if signed else {})
        try:
            async with self._session.request(
                method, url, data=signed, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                if answer.status == 404:
                    raise PaymentNotThere("the bank knows no such payment")
                if answer_passes(answer.status):
                    raise BankAway(f"the bank answered {answer.status}")
                if answer.status != 200:
                    raise PaymentUnknown(f"the bank answered {answer.status}")
                return await signed_text(answer, self._answer_bytes)
        except TimeoutError as error:
            raise BankAway("the bank did not answer in time") from error
        except LOST as error:
            raise BankAway("the bank cannot be reached") from error
        except ValueError as error:
            raise PaymentUnknown("the bank's answer is not what was agreed") from error


@asynccontextmanager
async def open_payments(settings: Settings) -> AsyncIterator[Payments]:
    """The bank of the settings' directory; none where it names none: then nothing is known."""
    directory = load_directory(settings)
    signer = open_signer(settings) if directory.bank or settings.mode == "development" else None
    if signer is not None and settings.mode == "development":
        await asyncio.to_thread(partial(_publish, settings, signer.public_key))
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Payments(session, directory, signer, answer_bytes(settings))


def _publish(settings: Settings, public_key: dict[str, Any]) -> None:
    """Where simulated members find our key."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    temporary = settings.data_dir / f"{PUBLIC_FILE}.{os.getpid()}"
    temporary.write_bytes(orjson.dumps(public_key))
    temporary.replace(settings.data_dir / PUBLIC_FILE)
