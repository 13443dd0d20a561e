"""A read model that remembers in which order it was given each stream, and how often."""

from collections.abc import Sequence
from typing import Any, ClassVar

from citybrain.eventstore import EventStore, RecordedEvent
from projections.projection import Order

POISON = "test.poison"


class Seen:
    """The read model `seen`; it cannot apply `test.poison` until it is cured."""

    name = "seen"
    version = 1
    order = Order.STREAM
    topics: ClassVar[frozenset[str] | None] = frozenset({"test.happened", POISON})
    tables = """
    CREATE TABLE seen (
        place     bigserial PRIMARY KEY,
        stream_id text COLLATE "C" NOT NULL,
        version   bigint NOT NULL,
        UNIQUE (stream_id, version)
    );
    CREATE TABLE sums (what text PRIMARY KEY, events bigint NOT NULL);
    """
    cured = False

    async def apply(self, connection: Any, events: Sequence[RecordedEvent]) -> None:
        """Add them."""
        for event in events:
            if event.topic == POISON and not self.cured:
                raise KeyError("amount")
        await connection.execute(
            "INSERT INTO seen (stream_id, version) SELECT * FROM unnest($1::text[], $2::bigint[])",
            [event.stream_id for event in events],
            [event.version for event in events],
        )
        await connection.execute(
            "INSERT INTO sums AS s VALUES ('all', $1)"
            " ON CONFLICT (what) DO UPDATE SET events = s.events + excluded.events",
            len(events),
        )


async def seen(store: EventStore, model: str = "seen") -> dict[str, list[int]]:
    """The versions of each stream in the order in which the model had them; each once."""
    rows = await store.keeping.fetch(
        f"SELECT stream_id, version, (SELECT events FROM {model}.sums) AS events"
        f" FROM {model}.seen ORDER BY place"
    )
    assert {row["events"] for row in rows} <= {len(rows)}
    found: dict[str, list[int]] = {}
    for stream_id, version, _ in rows:
        found.setdefault(stream_id, []).append(version)
    return found
