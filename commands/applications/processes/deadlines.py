"""Deadlines of applications: what stays beyond its time is expired, said to be late, taken up
again, or given to an officer; whoever should have gone on with it."""

from datetime import datetime
from typing import ClassVar

import structlog

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.going_on import wake
from citybrain.domain.applications.statuses import Status
from citybrain.errors import CitybrainError
from commands.applications.application import change_application, verify_identity
from commands.handling import Command, CommandContext
from commands.processes.alarms import StreamAlarms
from commands.processes.batches import AWAY
from commands.services import Services

log = structlog.get_logger(__name__)


class ApplicationDeadlines(StreamAlarms[Application]):
    """The process manager of applications that nobody went on with."""

    name: ClassVar[str] = "application-deadlines"
    stream = Application
    topics: ClassVar[tuple[str, ...]] = (
        "application.submitted",
        "application.identity_verified",
        "application.evidence_requested",
        "application.reviewed",
        "application.resumed",
        "application.referred",
        "application.withdrawn",
        "application.expired",
        "application.sent_back",
        "application.resubmitted",
        "application.correction_lapsed",
        "application.payout_instructed",
        "application.payout_delayed",
        "application.payout_confirmed",
        "application.payout_failed",
    )

    def alarm_at(self, application: Application) -> datetime | None:
        """By when it is woken, whoever or whatever it waits for; never in an officer's queue."""
        return application.due_at

    async def ring(
        self, application: Application, context: CommandContext, services: Services
    ) -> None:
        """Wake it, unless its applicant was identified just now."""
        if application.status == Status.SUBMITTED and await self._identified(
            application.id, context, services
        ):
            return
        await change_application(application.id, Command(), context, services, wake)

    async def _identified(
        self, application_id: str, context: CommandContext, services: Services
    ) -> bool:
        """Whether the applicant was; an identification that cannot be looked at is none."""
        try:
            return await verify_identity(application_id, context, services)
        except AWAY:
            raise
        except Exception as error:
            code = error.code if isinstance(error, CitybrainError) else type(error).__name__
            log.error("identity_not_looked_at", application_id=application_id, code=code)
            return False
