"""Simulators as clients of the server of a test."""

import random
from collections import Counter

from ops.simulators.client import Client
from tests.given.api import Api
from tests.given.waiting import PATIENCE_SECONDS

SEED = 7


def client_of(api: Api) -> Client:
    """A client that gives up when the test does."""
    return Client(
        api.session,
        api.url,
        f"{api.url}/dev/token",
        give_up_after_seconds=PATIENCE_SECONDS,
        chance=random.Random(SEED),
    )


async def topics(api: Api) -> Counter[str]:
    """How many events of each kind there are."""
    rows = await api.runtime.store.pool.fetch(
        "SELECT topic, count(*) AS count FROM stored_events GROUP BY topic"
    )
    return Counter({row["topic"]: row["count"] for row in rows})
