"""What a projection is: a name, a version, its tables, and how it applies a batch of events."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, Protocol

import asyncpg

from citybrain.eventstore import RecordedEvent


class Order(Enum):
    """In which order a projection has to see events."""

    LOG = "log"
    """As the log has them."""
    STREAM = "stream"
    """Each stream's own, whatever comes in between; and in several transactions side by side."""


class Projection(Protocol):
    """A read model built from the log.

    Its tables live in a PostgreSQL schema named `name`; `apply` runs with that schema first in
    the search path, inside the transaction that also moves the checkpoint. Raise `version`
    when tables or meaning change: the model is then rebuilt beside the old one and swapped in.
    One that needs no more than the order of each stream says `order = Order.STREAM`.
    """

    @property
    def name(self) -> str:
        """The schema and checkpoint name."""

    @property
    def version(self) -> int:
        """The version of tables and meaning."""

    @property
    def topics(self) -> frozenset[str] | None:
        """The topics it applies; all where None."""

    @property
    def tables(self) -> str:
        """DDL, with unqualified names."""

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Apply events in log order, set-wise; raises on what it cannot understand."""


def order_of(projection: Projection) -> Order:
    """The order that a projection needs: that of the log, unless it says otherwise."""
    return getattr(projection, "order", Order.LOG)


def wants(projection: Projection, topic: str) -> bool:
    """Whether a projection applies events of a topic."""
    return projection.topics is None or topic in projection.topics
