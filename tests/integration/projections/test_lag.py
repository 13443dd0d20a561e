"""K34: how far models are behind is what PostgreSQL says now, or not known."""

import pytest
from prometheus_client import REGISTRY

from citybrain.eventstore import EventStore
from projections import lag
from projections.feeder import Feeder
from projections.runner import prepare
from tests.given.feeding import all_received
from tests.given.read_models import append, caught_up, running
from tests.given.seen import Seen

EVENTS, SECONDS = "citybrain_projection_lag_events", "citybrain_projection_lag_seconds"


def said(gauge: str) -> float | None:
    """What it says of the model; nothing where there is no series."""
    return REGISTRY.get_sample_value(gauge, {"projection": "seen"})


async def test_k34_lag_that_lies(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Seen()
    await prepare(store, [model])
    await lag.measure(store)
    assert (said(EVENTS), said(SECONDS)) == (0, 0)  # an empty log
    for stream in range(3):
        await append(store, f"test-{stream}")
    await lag.measure(store)
    assert said(EVENTS) == 3  # nobody has ever kept it
    assert (await lag.behind(store, 0.0))[1] == ["seen"]
    assert (await lag.behind(store, 3600.0))[1] == []
    first = said(SECONDS)
    assert first is not None
    assert first > 0
    await Feeder(store, model).apply((await all_received(store))[1:])
    await lag.measure(store)
    assert said(EVENTS) == 3  # what is ahead does not make the first one complete
    later = said(SECONDS)
    assert later is not None
    assert later > first  # it grows, whoever hangs
    async with running(store, model):
        await caught_up(store, model.name)
    await lag.measure(store)
    assert (said(EVENTS), said(SECONDS)) == (0, 0)
    assert await lag.behind(store, 0.0) == (0.0, [])

    async def away(_: str) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(store.pool, "fetch", away)
    await lag.measure(store)
    assert (said(EVENTS), said(SECONDS)) == (None, None)
