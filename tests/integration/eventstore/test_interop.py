"""Our rows and the stock `eventsourcing` library: both read and write the same log."""

import threading
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from eventsourcing.application import Application
from eventsourcing.persistence import IntegrityError, JSONTranscoder, StoredEvent

from citybrain.eventstore import ANY, EventStore, Metadata, NewEvent
from citybrain.settings import Settings
from tests.given.counter import Counter


def stock_application(url: str) -> Application[str]:
    """A stock application on our database; all it knows of us are the registered topics."""
    parts = urlsplit(url)
    host = parts.hostname or parse_qs(parts.query)["host"][0]

    class Audit(Application[str]):
        name = ""
        snapshotting_intervals = {Counter: 1000}  # noqa: RUF012

    return Audit(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parts.path.lstrip("/"),
            "POSTGRES_HOST": host,
            "POSTGRES_PORT": str(parts.port or 5432),
            "POSTGRES_USER": parts.username or "postgres",
            "POSTGRES_PASSWORD": parts.password or "none",
            "ORIGINATOR_ID_TYPE": "text",
        }
    )


def metadata() -> Metadata:
    return Metadata("tester", "system", "test", uuid4(), uuid4())


async def test_stock_library_reads_extends_and_follows_our_log(
    store: EventStore, settings: Settings
) -> None:
    counter = Counter.open("城市", uuid4())
    counter.add(Decimal("12.50"))
    await store.save(counter, metadata=metadata())

    assert settings.database_url is not None
    app = stock_application(settings.database_url.get_secret_value())
    try:
        theirs: Counter = app.repository.get(counter.id)
        assert vars(theirs) == vars(await store.load(Counter, counter.id))
        ours = [(e.position, e.version, e.topic, e.state) for e in await store.read_all()]
        notes = app.notification_log.select(start=1, limit=10)
        assert [(n.id, n.originator_version, n.topic, n.state) for n in notes] == ours

        theirs.add(Decimal("1"))
        saved = app.save(theirs)
        assert [record.notification.id for record in saved] == [3]

        mine = await store.load(Counter, counter.id)
        assert mine.total == Decimal("13.50")
        mine.add(Decimal("2"))
        assert (await store.save(mine, metadata=metadata())).position == 4

        positions = []
        with app.recorder.subscribe(gt=0) as subscription:
            for note in subscription:
                positions.append(note.id)
                if len(positions) == 4:
                    break
        assert positions == [1, 2, 3, 4]
        assert app.repository.get(counter.id).total == Decimal("15.50")
    finally:
        app.close()


async def test_bytes_are_those_of_the_stock_writer(store: EventStore, settings: Settings) -> None:
    counter = Counter.open("same", uuid4())
    counter.add(Decimal("3"))
    events = counter.pending_events[:]
    await store.save(counter, metadata=metadata())
    assert settings.database_url is not None
    app = stock_application(settings.database_url.get_secret_value())
    try:
        assert type(app.mapper.transcoder) is JSONTranscoder
        theirs = [app.mapper.to_stored_event(event).state for event in events]
        assert theirs == [event.state for event in await store.read(counter.id)]
    finally:
        app.close()


async def test_old_event_versions_are_upcast(store: EventStore) -> None:
    counter = Counter.open("old", uuid4())
    await store.save(counter, metadata=metadata())
    first_version = (
        b'{"timestamp":{"_type_":"datetime_iso","_data_":"2026-03-01T08:15:30+00:00"},'
        b'"n":{"_type_":"decimal_str","_data_":"7"}}'
    )
    await store.append(
        counter.id, 1, [NewEvent("counter.added", first_version)], metadata=metadata()
    )
    assert (await store.load(Counter, counter.id)).total == Decimal("7")


async def test_stock_and_our_writers_together_leave_no_gap(
    store: EventStore, settings: Settings
) -> None:
    """A stock writer's conflicts burn no positions, and it may write while we do."""
    assert settings.database_url is not None
    app = stock_application(settings.database_url.get_secret_value())
    failures: list[Exception] = []

    def stock_writer() -> None:
        for number in range(60):
            stream = f"stock-{number // 2}"  # every second write conflicts
            try:
                app.recorder.insert_events([StoredEvent(stream, 1, "t", b"{}")])
            except IntegrityError as error:
                failures.append(error)

    thread = threading.Thread(target=stock_writer)
    try:
        thread.start()
        written = 0
        while thread.is_alive() or written < 60:
            await store.append(f"ours-{written}", ANY, [NewEvent("t", b"{}")], metadata=metadata())
            written += 1
        thread.join()
    finally:
        app.close()
    assert len(failures) == 30
    head = await store.head()
    events = await store.read_all(limit=100_000)
    assert head == written + 30
    assert [event.position for event in events] == list(range(1, head + 1))
    assert events[-1].recorded_at >= events[0].recorded_at


@pytest.mark.parametrize(
    "statement",
    ["UPDATE stored_events SET topic = 'x'", "DELETE FROM stored_events", "TRUNCATE stored_events"],
)
async def test_recorded_events_cannot_be_changed(store: EventStore, statement: str) -> None:
    await store.append("case-1", ANY, [NewEvent("t", b"{}")], metadata=metadata())
    with pytest.raises(Exception, match="forbidden"):
        await store.pool.execute(statement)
