"""One application's money: the bank is told, with the same id, until it says what it did.

What the bank says in its own words may name people: it is kept sealed, in its receipt. Events
have our codes, amounts and times.
"""

from uuid import UUID

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.paying import authorised
from citybrain.domain.citizens import Citizen
from citybrain.payments import Instruction, PaymentUnknown, Receipt, payout
from citybrain.vault import InStream
from commands.applications.application import change_application
from commands.applications.unsealed import RECEIPT
from commands.handling import Command, CommandContext
from commands.services import Services


class Paying:
    """One application on its way to its money."""

    def __init__(self, application_id: str, context: CommandContext, services: Services) -> None:
        self._id, self._context, self._services = application_id, context, services
        self._unanswered = 0

    async def tell(self, application: Application) -> None:
        """Tell the bank, and record what it says, where it says something."""
        try:
            receipt = await self._services.payments.instruct(await self._instruction(application))
        except PaymentUnknown:
            self._unanswered += 1
            return
        self._unanswered = 0
        await self._record(application, receipt)

    async def pause(self, application: Application) -> bool:
        """Wait before a bank is told again that did not answer; never beyond the time it has.

        Whether it waited.
        """
        if not self._unanswered:
            return False
        due_at = application.payout_due_at
        left = 0.0
        if due_at is not None:
            left = (due_at - self._services.clock()).total_seconds()
        await self._services.payments.pause(self._unanswered, left if left > 0 else None)
        return True

    async def _instruction(self, application: Application) -> Instruction:
        """What the bank is told: the same as the first time, whatever was corrected since."""
        sealed = application.payee_sealed or await self._payee_of_before(application)
        payee = await self._services.vault.open_text(application.citizen_id, "id_number", sealed)
        allowed = authorised(application)
        assert application.payment_id is not None
        assert application.from_account is not None
        return payout(
            UUID(application.payment_id),
            reference=self._id,
            amount_fen=allowed.amount_fen,
            from_account=application.from_account,
            payee_id_number=payee,
            authorised=allowed,
        )

    async def _payee_of_before(self, application: Application) -> str:
        """The number of now, where it was instructed before payees were fixed."""
        citizen = await self._services.store.load(Citizen, application.citizen_id)
        return citizen.id_number_sealed

    async def _record(self, application: Application, receipt: Receipt) -> None:
        payment_id = str(receipt.payment_id)
        sealed = await self._services.vault.seal_text(
            application.citizen_id, InStream(RECEIPT, application.id), receipt.signed
        )
        said = {
            "payment_id": payment_id,
            "receipt_sha256": receipt.sha256,
            "receipt_sealed": sealed,
        }
        if receipt.status == "failed":
            await change_application(
                self._id,
                Command(),
                self._context,
                self._services,
                lambda application, now: application.fail_payout(
                    now, reason=receipt.code, booked_at=receipt.booked_at, **said
                ),
            )
            return
        await change_application(
            self._id,
            Command(),
            self._context,
            self._services,
            lambda application, now: application.confirm_payout(
                now,
                amount_fen=receipt.amount_fen,
                settled_at=receipt.settled_at,
                booked_at=receipt.booked_at,
                **said,
            ),
        )
