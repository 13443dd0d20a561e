"""Paying before leaving: at a kiosk, by the plate that somebody names there, or in the app."""

from datetime import timedelta

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.actor import Actor
from citybrain.domain.parking import prepaying
from citybrain.domain.parking.claim_events import Channel
from citybrain.domain.parking.refusals import NotYourSession
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.times import moment
from citybrain.eventstore import StreamNotFound
from commands.handling import CommandContext
from commands.parking.claim import raise_claim
from commands.parking.looking import holders_of
from commands.parking.paying import ByPlate, channel_of, request_id_of, vehicle_of
from commands.parking.payment import Asked, request_payment
from commands.parking.pricing import OtherStays, Priced, price_of
from commands.parking.session import change_session
from commands.services import Services


class SearchStays(ByPlate):
    """Stays that go on: at a kiosk of a vehicle, in the app of one's own."""


class PayStay(ByPlate):
    """Pay what a stay comes to so far, and leave within the grace."""


async def pay_stay(
    session_id: str,
    command: PayStay,
    context: CommandContext,
    services: Services,
    others: OtherStays,
) -> Asked:
    """An order for what the stay comes to until now, less what was paid.

    It can be paid as long as the grace is, because the price goes on. Raises `NotYourSession`,
    also where there is no such session, and as `prepaying.ask` and `price` do.
    """
    actor = context.actor
    plate_id = await vehicle_of(command, actor, services)
    try:
        session = await services.store.load(ParkingSession, session_id)
    except StreamNotFound:
        raise NotYourSession("the session is of a vehicle that is not yours") from None
    if not await may_pay_stay(session, plate_id, actor, services):
        raise NotYourSession("the session is of a vehicle that is not yours")
    request_id = await request_id_of(command, session_id, context, services)
    priced = await price_of(session, services, others)
    payer = actor.subject if channel_of(actor) is Channel.APP else None
    said = priced.as_event()
    await change_session(
        session_id,
        services,
        lambda each, now: prepaying.ask(
            each,
            now,
            request_id=str(request_id),
            priced_until=priced.stay.end,
            price_fen=priced.amount_fen,
            already_fen=priced.already_fen,
            payer=payer,
            lines=said["lines"],
            stay=said["stay"],
            tariff_versions=said["tariff_versions"],
        ),
        context._replace(idempotency_key=None),
    )
    claim_id = await _raised(session_id, str(request_id), priced, context, services)
    return await request_payment(
        claim_id,
        context,
        services,
        request_id=request_id,
        channel=channel_of(actor),
        command=command,
        good_for=good_for(priced, services),
    )


async def _raised(
    session_id: str, request_id: str, priced: Priced, context: CommandContext, services: Services
) -> str:
    """The claim that the session speaks of; a crash before it is made good by asking again."""
    session = await services.store.load(ParkingSession, session_id)
    claim_id = prepaying.asked_for(session, request_id)
    assert claim_id is not None
    claim = session.claims[claim_id]
    prepaid = claim["prepaid"]
    return await raise_claim(
        context,
        services,
        subject=session_id,
        number=prepaid["number"],
        citizen_id=claim["payer"],
        amount_fen=claim["amount_fen"],
        due_at=moment(prepaid["priced_until"]) + good_for(priced, services),
        decision_sha256=prepaid["decision_sha256"],
        plate_id=claim["plate_id"],
    )


def good_for(priced: Priced, services: Services) -> timedelta:
    """How long an order can be paid: as long as the grace, where there is one."""
    return priced.grace_for or parking_rules_at(services.definitions, services.clock()).order_for


async def may_pay_stay(
    session: ParkingSession, plate_id: str | None, actor: Actor, services: Services
) -> bool:
    """Whether a stay is theirs, or at a kiosk of the vehicle that they name."""
    if channel_of(actor) is Channel.APP:
        return actor.subject in await holders_of(session, services)
    return plate_id is not None and session.plate_id == plate_id
