"""Deadlines of applications: nobody identified in time, a payout that takes too long; said once."""

from datetime import datetime
from typing import ClassVar

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.statuses import Status
from commands.applications.application import change_application, verify_identity
from commands.handling import Command, CommandContext
from commands.processes.alarms import StreamAlarms
from commands.services import Services


class ApplicationDeadlines(StreamAlarms[Application]):
    """The process manager of applications that nobody went on with."""

    name: ClassVar[str] = "application-deadlines"
    stream = Application
    topics: ClassVar[tuple[str, ...]] = (
        "application.submitted",
        "application.identity_verified",
        "application.withdrawn",
        "application.expired",
        "application.payout_instructed",
        "application.payout_delayed",
        "application.payout_confirmed",
        "application.payout_failed",
    )

    def alarm_at(self, application: Application) -> datetime | None:
        """Until when somebody is to be identified, or the bank to answer."""
        return application.alarm_at()

    async def ring(
        self, application: Application, context: CommandContext, services: Services
    ) -> None:
        """Let it expire, unless somebody was identified just now; say that the money is late."""
        if application.status == Status.SUBMITTED:
            if not await verify_identity(application.id, context, services):
                await change_application(
                    application.id,
                    Command(),
                    context,
                    services,
                    lambda application, now: application.expire(now),
                )
            return
        payment_id = application.payment_id
        assert payment_id is not None
        await change_application(
            application.id,
            Command(),
            context,
            services,
            lambda application, now: application.delay_payout(now, payment_id=payment_id),
        )
