"""A small stream for the event store's own tests."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent, register_stream

AT = datetime(2026, 3, 1, 8, 15, 30, 123456, tzinfo=UTC)


class CounterOpened(StreamCreated):
    TOPIC: ClassVar[str] = "counter.opened"
    name: str
    owner: UUID


class CounterAdded(StreamEvent):
    """Version 2 renamed `n` to `amount`."""

    TOPIC: ClassVar[str] = "counter.added"
    class_version: ClassVar[int] = 2
    amount: Decimal

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["amount"] = state.pop("n")

    def apply(self, aggregate: Any) -> None:
        aggregate.total += self.amount
        aggregate.history.append({"amount": self.amount})


class Counter(StreamAggregate):
    """Adds up amounts."""

    TOPIC: ClassVar[str] = "counter"
    category: ClassVar[str] = "counter"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (CounterOpened, CounterAdded)
    INITIAL_VERSION = 1

    def __init__(self, name: str, owner: UUID) -> None:
        self.name = name
        self.owner = owner
        self.total = Decimal(0)
        self.history: list[dict[str, Decimal]] = []

    @classmethod
    def open(cls, name: str, owner: UUID) -> "Counter":
        return cls._create(CounterOpened, id=cls.new_id(), name=name, owner=owner, timestamp=AT)

    def add(self, amount: Decimal) -> None:
        self.trigger_event(CounterAdded, amount=amount, timestamp=AT)


register_stream(Counter)
