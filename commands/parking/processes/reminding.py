"""Left first, paid later: who owes it is told, a few times, and then it is overdue.

Nobody is told of what is disputed, looked into or not known to be theirs. A notice that cannot be
sent now is sent later, for a week. One that could not be sent was not delivered: nothing is overdue
by it, and the next one comes in its time. The id of a message follows from the claim and its
number: sent again after a crash, it is one message.
"""

import asyncio
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.citizens import Citizen
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.reminding import alarm_at, note_overdue, put_off, remind
from citybrain.domain.parking.session import ParkingSession
from citybrain.errors import CitybrainError
from citybrain.notifications import SEND_SECONDS, NoNotifier
from citybrain.vault.vault import NoSuchKey, PersonErased
from commands.handling import CommandContext
from commands.parking.session import change_session
from commands.processes.alarms import StreamAlarms
from commands.processes.batches import AWAY
from commands.services import Services

log = structlog.get_logger(__name__)

TEXT = (
    "您有一笔停车费 {yuan} 元尚未支付，请在郑好办中查看并支付。 / "
    "A parking fee of {yuan} yuan is not paid yet: see the city's app."
)
AGAIN = timedelta(hours=1)
TRIED_FOR = timedelta(days=7)
LOOKED_INTO = timedelta(days=1)  # until it is asked again whether they may be told


class ParkingReminders(StreamAlarms[ParkingSession]):
    """The process manager of sessions that are paid later."""

    name: ClassVar[str] = "parking-reminders"
    stream = ParkingSession
    topics: ClassVar[tuple[str, ...]] = (
        "parking.claimed",
        "parking.deferred",
        "parking.reminded",
        "parking.notice_delivered",
        "parking.overdue",
        "parking.settled",
        "parking.reopened",
        "parking.disputed",
        "parking.dispute_decided",
        "parking.voided",
        "parking.plate_corrected",
        "parking.claim_lowered",
        "parking.stray_found",
        "parking.stray_decided",
    )

    def alarm_at(self, session: ParkingSession) -> datetime | None:
        """The next notice, or when it is overdue."""
        return alarm_at(session)

    async def ring(
        self, session: ParkingSession, context: CommandContext, services: Services
    ) -> None:
        """Tell who owes it, or say that it is overdue."""
        now = services.clock()
        if session.remind_at is not None and session.remind_at <= now:
            await _remind(session, now, context, services)
            return
        await change_session(session.id, services, note_overdue, context)


async def _remind(
    session: ParkingSession, now: datetime, context: CommandContext, services: Services
) -> None:
    """Tell them, then say that they were told: a crash in between tells nobody twice."""
    claim_id, payer, number = session.claim, session.payer, session.reminders + 1
    if claim_id is None or payer is None:
        return
    claim = await services.store.load(Claim, claim_id)
    if not claim.may_be_collected:
        later_at = now + LOOKED_INTO
        await change_session(
            session.id, services, lambda each, at: put_off(each, at, remind_at=later_at), context
        )
        return
    message_id = uuid5(NAMESPACE_URL, f"citybrain:{claim_id}:reminder:{number}")
    try:
        delivered = await _told(payer, claim.open_fen, message_id, services)
    except AWAY as error:
        if now - (session.remind_at or now) < TRIED_FOR:
            log.info("parking_notice_put_off", session_id=session.id, error=type(error).__name__)
            return  # it is woken again
        delivered = False
        log.warning("parking_notice_not_sent", session_id=session.id, error=type(error).__name__)
    rules = parking_rules_at(services.definitions, now)
    later = rules.reminders_after[number:]
    next_at = max(now + AGAIN, (session.due_at or now) + later[0]) if later else None
    overdue_at = services.clock() + rules.overdue_after if delivered else None
    await change_session(
        session.id,
        services,
        lambda each, at: remind(each, at, number, next_at=next_at, overdue_at=overdue_at),
        context,
    )


async def _told(citizen_id: str, open_fen: int, message_id: UUID, services: Services) -> bool:
    """Whether a message went out; who has no phone is told by the list of what they owe.

    Raises one of `AWAY` where it may go out later.
    """
    citizen = await services.store.load(Citizen, citizen_id)
    if citizen.phone_sealed is None:
        return True
    try:
        phone = await services.vault.open_text(citizen.id, "phone", citizen.phone_sealed)
        text = TEXT.format(yuan=f"{open_fen / 100:.2f}")
        async with asyncio.timeout(SEND_SECONDS):
            await services.notifier.send(phone, text, message_id)
    except (NoNotifier, PersonErased, NoSuchKey) as error:
        log.info("parking_notice_not_sent", code=error.code)
        return False
    except AWAY:
        raise
    except Exception as error:
        code = error.code if isinstance(error, CitybrainError) else type(error).__name__
        log.warning("parking_notice_not_sent", code=code)
        return False
    return True
