"""A day compared with the bank's statement, to the fen, and what was found recorded.

Our side is read from the log itself: the events that instruct and those that hold the bank's
receipts. It is read after the statement, so that what was under way is not missing here.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import structlog
from prometheus_client import Gauge

from citybrain.city_day import CITY_ZONE, city_day
from citybrain.domain.actor import system_actor
from citybrain.domain.payment_steps import Stage, booked_at
from citybrain.domain.treasury.payment_steps import PAYMENT_STEPS
from citybrain.domain.treasury.reconciliation import Compared, Differing, Reconciliation
from citybrain.eventstore import EventStore, RecordedEvent, StreamNotFound, WrongExpectedVersion
from citybrain.payments import PaymentUnknown
from citybrain.payments.instructions import Kind
from citybrain.payments.reconciling import Comparison, Ours, compare
from commands.handling import CommandContext
from commands.services import Services

log = structlog.get_logger(__name__)

ENDS = [topic for topic, step in PAYMENT_STEPS.items() if step.stage is not Stage.INSTRUCTED]
CLOCKS_DIFFER = timedelta(hours=1)
DAYS_LOOKED_AFTER = 7
STREAMS_AT_ONCE = 500
PAGE = 1000

DIFFERENCES = Gauge(
    "citybrain_payment_differences",
    "Payments that differ from the bank's statement, of the days that were compared last",
)


async def reconcile(day: date, context: CommandContext, services: Services) -> Comparison:
    """Compare a day, and record it; raises `PaymentUnknown` where the bank gives no statement."""
    statement = await services.payments.statement_of(day)
    named = {line.reference for line in statement.lines if line.reference is not None}
    streams = named | await _streams_booked_on(day, services.store)
    ours = await _payments_of(sorted(streams), services.store)
    found = compare(day, ours, statement.lines)
    await _record(found, statement.sha256, context, services)
    return found


async def reconcile_lately(services: Services) -> None:
    """Compare the last days that have not been, or that differed; once an hour, by whoever."""
    if not services.payments.has_bank:
        return
    today, differences = city_day(services.clock()), 0
    for back in range(DAYS_LOOKED_AFTER, 0, -1):
        day = today - timedelta(days=back)
        if await _is_balanced(day, services.store):
            continue
        try:
            found = await reconcile(day, _context(), services)
        except PaymentUnknown as unknown:
            log.warning("payments_not_reconciled", day=str(day), code=unknown.code)
            return
        differences += len(found.differences)
        if found.differences:
            log.error("payments_differ", day=str(day), differences=len(found.differences))
    DIFFERENCES.set(differences)


async def _is_balanced(day: date, store: EventStore) -> bool:
    try:
        return (await store.load(Reconciliation, Reconciliation.id_of(day))).balanced
    except StreamNotFound:
        return False


async def _record(
    found: Comparison, statement_sha256: str, context: CommandContext, services: Services
) -> None:
    """Append what was found; another comparison of the day that was faster is looked at first."""
    while True:
        try:
            stream = await services.store.load(Reconciliation, Reconciliation.id_of(found.day))
        except StreamNotFound:
            stream = Reconciliation.begin(services.clock(), day=found.day)
        stream.compare(services.clock(), _compared(found, statement_sha256))
        try:
            await services.store.save(stream, metadata=context.metadata())
        except WrongExpectedVersion:
            continue
        return


def _compared(found: Comparison, statement_sha256: str) -> Compared:
    return Compared(
        payments=found.ours.payments,
        fen=found.ours.fen,
        bank_payments=found.bank.payments,
        bank_fen=found.bank.fen,
        difference_fen=found.difference_fen,
        differences=len(found.differences),
        differing=[
            Differing(
                payment_id=str(each.payment_id),
                reference=each.reference,
                finding=each.finding.value,
                ours_fen=each.ours_fen,
                bank_fen=each.bank_fen,
            )
            for each in found.differences
        ],
        statement_sha256=statement_sha256,
    )


# --- our side -----------------------------------------------------------------------------


async def _streams_booked_on(day: date, store: EventStore) -> set[str]:
    """The streams with a payment that the bank handled on a day, by its receipts.

    A receipt comes after the payment, perhaps days after it: it is looked for up to the head.
    """
    begins = datetime(day.year, day.month, day.day, tzinfo=CITY_ZONE) - CLOCKS_DIFFER
    position, head = await position_at(begins, store), await store.head()
    found: set[str] = set()
    while position < head:
        events = await store.read_all(position, topics=ENDS, limit=PAGE, up_to=head)
        for event in events:
            at = booked_at(event.data)
            if at is not None and city_day(at) == day:
                found.add(event.stream_id)
        position = events[-1].position if len(events) == PAGE else head
    return found


async def position_at(moment: datetime, store: EventStore) -> int:
    """The last position that was recorded before a moment: positions follow time."""
    least, most = 0, await store.head()
    while least < most:
        middle = (least + most + 1) // 2
        (event,) = await store.read_all(middle - 1, limit=1)
        if event.recorded_at < moment:
            least = middle
        else:
            most = middle - 1
    return least


async def _payments_of(stream_ids: Sequence[str], store: EventStore) -> dict[UUID, Ours]:
    """All payments of these streams, as their events have them."""
    found: dict[UUID, Ours] = {}
    for first in range(0, len(stream_ids), STREAMS_AT_ONCE):
        some = stream_ids[first : first + STREAMS_AT_ONCE]
        for event in await store.read_streams(some, topics=list(PAYMENT_STEPS)):
            ours = _after(event, found.get(UUID(event.data["payment_id"])))
            if ours is not None:
                found[ours.payment_id] = ours
    return found


def _after(event: RecordedEvent, before: Ours | None) -> Ours | None:
    """A payment after an event of it."""
    step, data = PAYMENT_STEPS[event.topic], event.data
    payment_id, at = UUID(data["payment_id"]), booked_at(data)
    if step.stage is Stage.INSTRUCTED:
        return Ours(payment_id, Kind(step.kind), event.stream_id, data["amount_fen"], "instructed")
    if step.stage is Stage.TAKEN:
        before = Ours(payment_id, Kind(step.kind), event.stream_id, data["amount_fen"], "success")
    if before is None:
        return None
    return Ours(
        payment_id,
        before.kind,
        before.reference,
        before.told_fen,
        "failed" if step.stage is Stage.FAILED else "success",
        data.get("amount_fen"),
        None if at is None else city_day(at),
    )


def _context() -> CommandContext:
    command_id = uuid4()
    return CommandContext(system_actor("reconciliation"), "upkeep", command_id, command_id)
