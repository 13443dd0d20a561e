"""Messages: nobody waits for a message to somebody else; each has its tries, its order, its end."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import pytest
import structlog

from citybrain.errors import Unavailable
from citybrain.eventstore import EventStore, RecordedEvent, StoreUnavailable
from citybrain.mail import MailRefused
from citybrain.notifications import NoNotifier
from citybrain.vault import NoSuchKey, PersonErased, SealBroken
from commands.processes import telling as module
from commands.processes.patience import LONGEST, pause_after
from commands.processes.runner import context_of, read_checkpoint
from commands.processes.telling import NEWS, Message, Teller, telling
from commands.services import Services
from tests.given.services import services_over
from tests.given.sleepers import come, move
from tests.given.waiting import holds, working

ANNA, BERT = "anna", "bert"
SECOND = timedelta(seconds=1)
PASSING = [
    Unavailable("the provider is away"),
    ConnectionResetError("138 0000 0000"),
    TimeoutError(),
    asyncpg.TooManyConnectionsError("x"),
    asyncpg.LockNotAvailableError("x"),
]
LASTING = [
    ValueError("no number: 138 0000 0000"),
    MailRefused("x"),
    SealBroken("x"),
    asyncpg.DataError("138 0000 0000"),
]
NOBODY = [NoNotifier("x"), PersonErased("x"), NoSuchKey("x")]


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


class Callers(Teller):
    """Tells two people of each move of a sleeper; `wrong` is what a message to one ends with."""

    name: ClassVar[str] = "callers"
    topics: ClassVar[tuple[str, ...]] = ("sleeper.came", "sleeper.moved")
    send_seconds: ClassVar[float] = 0.05

    def __init__(self) -> None:
        super().__init__()
        self.wrong: dict[str, Exception | None] = {}
        self.told: list[tuple[str, str, int]] = []
        self.ids: list[UUID] = []
        self.tries = 0

    async def messages(self, event: RecordedEvent, services: Services) -> Sequence[Message]:
        return [Message(whom, partial(self.say, whom, event)) for whom in (ANNA, BERT)]

    async def say(self, whom: str, event: RecordedEvent, message_id: UUID) -> None:
        self.tries += 1
        if whom in self.wrong:
            if (error := self.wrong[whom]) is not None:
                raise error
            await asyncio.Event().wait()
        self.told.append((whom, event.stream_id, event.version))
        self.ids.append(message_id)


@pytest.fixture
def services(store: EventStore) -> Services:
    services = services_over(store)
    services.clock = Clock()
    return services


async def react(teller: Callers, services: Services, after: int = 0) -> None:
    """Give it what is in the log."""
    for event in await services.store.read_all(after, topics=teller.topics, limit=100):
        await teller.react(event, services, partial(context_of, teller, event))


async def later(teller: Callers, services: Services, time: timedelta) -> None:
    """Try what is due so much later."""
    assert isinstance(services.clock, Clock)
    services.clock.now += time
    await teller.tell_due(services)


async def left(services: Services) -> int:
    """How many messages are put off."""
    return int(await services.store.pool.fetchval("SELECT count(*) FROM messages_put_off"))


@pytest.mark.parametrize("error", [*PASSING, None], ids=lambda error: type(error).__name__)
async def test_one_that_cannot_be_told_now_holds_up_nobody_and_is_told_later(
    services: Services, error: Exception | None
) -> None:
    teller, one = Callers(), await come(services, None)
    teller.wrong = {ANNA: error}
    await react(teller, services)
    assert teller.told == [(BERT, one, 1)]
    await later(teller, services, SECOND)
    assert (len(teller.told), await left(services)) == (1, 1)
    teller.wrong = {}
    await later(teller, services, 2 * SECOND)
    assert teller.told == [(BERT, one, 1), (ANNA, one, 1)]
    assert await left(services) == 0
    await later(teller, services, NEWS)
    assert len(teller.told) == 2


async def test_its_number_is_in_no_log_and_its_tries_grow_rarer_and_end(services: Services) -> None:
    teller = Callers()
    await come(services, None)
    teller.wrong = {ANNA: ConnectionResetError("138 0000 0000")}
    tried: list[float] = []
    assert isinstance(services.clock, Clock)
    begun = services.clock.now
    with structlog.testing.capture_logs() as logs:
        await react(teller, services)
        while await left(services):
            due = teller._next_at
            assert due is not None
            await later(teller, services, due - services.clock.now)
            tried.append((services.clock.now - begun) / SECOND)
    assert tried[:6] == pytest.approx([1, 2, 4, 8, 16, 32])
    assert tried[-1] <= NEWS / SECOND < tried[-1] + LONGEST / SECOND + 1
    assert len(tried) < 120
    assert logs[-1]["event"] == "message_not_sent"
    assert "138" not in str(logs)


async def test_what_one_person_is_told_of_one_stream_comes_in_order(services: Services) -> None:
    teller, one, other = Callers(), await come(services, None), await come(services, None)
    teller.wrong = {ANNA: Unavailable("the provider is away")}
    await react(teller, services)
    teller.wrong = {}
    await move(services, one, None)
    await react(teller, services, 2)
    assert (ANNA, one, 2) not in teller.told, "the first is to reach her before"
    assert (BERT, one, 2) in teller.told
    for _ in range(3):
        await later(teller, services, 2 * SECOND)
    hers = [(stream, version) for whom, stream, version in teller.told if whom == ANNA]
    assert sorted(hers) == sorted([(one, 1), (one, 2), (other, 1)])
    assert hers.index((one, 1)) < hers.index((one, 2))
    assert len(set(teller.ids)) == len(teller.ids) == 6


@pytest.mark.parametrize("error", LASTING, ids=lambda error: type(error).__name__)
async def test_what_stays_is_left_out_and_said(services: Services, error: Exception) -> None:
    teller = Callers()
    await come(services, None)
    teller.wrong = {ANNA: error}
    with structlog.testing.capture_logs() as logs:
        await react(teller, services)
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("message_not_sent", "warning")
    assert "138" not in str(line)
    assert [whom for whom, *_ in teller.told] == [BERT]
    assert await left(services) == 0


@pytest.mark.parametrize("error", NOBODY, ids=lambda error: type(error).__name__)
async def test_where_none_is_sent_or_nobody_is_left_it_is_no_fault(
    services: Services, error: Exception
) -> None:
    teller = Callers()
    await come(services, None)
    teller.wrong = {ANNA: error}
    with structlog.testing.capture_logs() as logs:
        await react(teller, services)
    assert [line for line in logs if line["log_level"] == "warning"] == []
    assert await left(services) == 0


async def test_what_was_no_news_any_more_is_tried_once(services: Services) -> None:
    teller = Callers()
    await come(services, None)
    teller.wrong = {ANNA: Unavailable("the provider is away")}
    assert isinstance(services.clock, Clock)
    services.clock.now += 2 * NEWS
    await react(teller, services)
    assert ([whom for whom, *_ in teller.told], await left(services)) == ([BERT], 0)


async def test_who_cannot_be_told_is_passed_and_whoever_leads_next_tells_them(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    services, first, second = services_over(store), Callers(), Callers()
    first.wrong = {ANNA: None}
    sleepers = [await come(services, None) for _ in range(3)]
    async with working(telling(first).run(store, services)):
        await holds(lambda: len(first.told) == 3)
        head = await store.head()
        while await read_checkpoint(store, "callers") < head:
            await asyncio.sleep(0.01)
    assert await left(services) == 3
    async with working(telling(second).run(store, services)):
        await holds(lambda: len(second.told) == 3)
    assert {(whom, one) for whom, one, _ in second.told} == {(ANNA, one) for one in sleepers}
    await move(services, sleepers[0], None)


async def test_where_our_own_store_is_away_the_event_is_not_passed(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = Callers()
    await come(services, None)
    teller.wrong = {ANNA: Unavailable("the provider is away")}

    async def away(*_: Any) -> None:
        raise StoreUnavailable("PostgreSQL does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(Teller, "_put_off", away)
        with pytest.raises(StoreUnavailable):
            await react(teller, services)
    await react(teller, services)
    assert await left(services) == 1


def test_each_pause_is_as_long_as_all_before() -> None:
    waits = [timedelta(0), SECOND, 5 * SECOND, timedelta(days=3)]
    assert [pause_after(each, SECOND) for each in waits] == [SECOND, SECOND, 5 * SECOND, LONGEST]
