"""What follows where a step of an application fails: it is never left to itself.

What passes (the store away or busy) is the runner's: it waits. What lasts ends in the queue of the
department's officers, with a reason; an application of who was erased, or has died, ends. Messages
of errors are not logged: they may say what a record says.
"""

import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from citybrain.domain.applications.application import Application, Step
from citybrain.domain.applications.going_on import StepFailed, close, refer
from citybrain.domain.applications.waiting import Waits
from citybrain.domain.citizens import PersonDeceased
from citybrain.errors import CitybrainError
from citybrain.vault import NoSuchKey, PersonErased
from commands.applications.application import change_application
from commands.handling import Command, CommandContext
from commands.processes.batches import AWAY
from commands.services import Services

log = structlog.get_logger(__name__)

TRIES = 3
TRY_AGAIN_SECONDS = 0.2
GONE = (PersonErased, NoSuchKey, PersonDeceased)

Decide = Callable[[Application, datetime], None]


class Failures:
    """The failures of one application on its way."""

    def __init__(self, application_id: str, context: CommandContext, services: Services) -> None:
        self._id, self._context, self._services = application_id, context, services
        self._tries: Counter[tuple[Step, int]] = Counter()

    async def follow(
        self,
        application: Application,
        step: Step,
        error: Exception,
        release: Callable[[Application], Awaitable[object]],
    ) -> float | None:
        """Seconds until it is looked at again, None where somebody else has it now.

        Raises `error` where the application has ended: then it is the runner's.
        """
        now = await self._services.store.load(Application, self._id)
        if now.version != application.version:
            return 0.0  # somebody else was faster
        code = error.code if isinstance(error, CitybrainError) else StepFailed.code
        self._tries[step, now.version] += 1
        if not isinstance(error, GONE) and self._tries[step, now.version] < TRIES:
            return TRY_AGAIN_SECONDS
        log.error(
            "application_step_failed",
            application_id=self._id,
            step=step.value,
            code=code,
            error=type(error).__name__,
            at=_place(error),
        )
        waits = now.waits_for()
        if waits is Waits.MOVING:
            await self._released(now, release)
            await self._hand_over(code, gone=isinstance(error, GONE))
            return 0.0
        if waits is Waits.BANK:
            payment_id = now.payment_id or ""
            await self._change(
                lambda application, at: application.delay_payout(
                    at, payment_id=payment_id, reason=code
                )
            )
            return None
        if waits is Waits.PERSON or isinstance(error, GONE):
            return None  # nothing would ever change that
        raise error

    async def _hand_over(self, code: str, *, gone: bool) -> None:
        decision = close if gone else refer
        await self._change(lambda application, at: decision(application, at, reason=code))

    async def _released(
        self, application: Application, release: Callable[[Application], Awaitable[object]]
    ) -> None:
        """Free what it has claimed, so that it holds up nobody while an officer has it."""
        try:
            await release(application)
        except AWAY:
            raise
        except Exception as error:
            log.error("claim_not_released", application_id=self._id, at=_place(error))

    async def _change(self, decision: Decide) -> None:
        await change_application(self._id, Command(), self._context, self._services, decision)


def _place(error: Exception) -> str:
    """Where it happened: a file and a line, nothing of what was said."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"
