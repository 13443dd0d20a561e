"""During a roll-out a stream may have an event of the release to come: nobody misreads it."""

import asyncio
from contextlib import suppress

import pytest

from citybrain.domain import stream
from citybrain.eventstore import ANY, EventStore, NewEvent
from citybrain.eventstore.versions import NewerThanKnown
from citybrain.systems import process_named
from commands.inspection.case import DispatchCase, dispatch_case
from commands.processes.parked import parked_commands
from tests.given.publishing import metadata
from tests.given.services import OPERATOR, context, services_over, take_to_the_end
from tests.given.waiting import eventually


async def test_a_stream_with_a_newer_event_is_not_decided_on_until_it_is_known(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = services_over(store)
    filed = (await take_to_the_end(services, 1)).stream_id
    waits = (await take_to_the_end(services, 0)).stream_id
    (event,) = await store.read(filed, after_version=1)
    later = NewEvent(event.topic, event.state.replace(b"{", b'{"class_version":99,', 1))
    await store.append(waits, ANY, [later], metadata=metadata())
    routing = asyncio.create_task(process_named("case-routing").run(store, services))

    async def dispatched(case: str) -> bool:
        return "case.dispatched" in {event.topic for event in await store.read(case)}

    await eventually(lambda: dispatched(filed))  # others go on
    with pytest.raises(NewerThanKnown, match="is of version 99, known is 1"):
        await dispatch_case(waits, DispatchCase(), context(OPERATOR), services)
    assert not await dispatched(waits)
    monkeypatch.setitem(stream._VERSIONS, event.topic, 99)  # this release, at last
    await eventually(lambda: dispatched(waits))
    assert await parked_commands(store) == []
    routing.cancel()
    with suppress(asyncio.CancelledError):
        await routing


async def test_of_a_type_that_is_not_known_the_same_is_so(store: EventStore) -> None:
    services = services_over(store)
    case = (await take_to_the_end(services, 1)).stream_id
    await store.append(case, ANY, [NewEvent("case.frozen", b"{}")], metadata=metadata())
    with pytest.raises(NewerThanKnown, match=r"case\.frozen at position 3 is a type"):
        await dispatch_case(case, DispatchCase(), context(OPERATOR), services)
