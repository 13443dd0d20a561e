"""Limits fit each other: whatever is taken of a department can be kept."""

from datetime import UTC, datetime

from citybrain.domain.applications.application import Application
from citybrain.eventstore import EventStore
from citybrain.exchange.answers import answer_bytes
from tests.given.applications import ANNA, CITIZEN_ID, answer, ask, identify, submitted
from tests.given.services import context, services_over


async def test_the_longest_answer_that_is_taken_fits_into_an_event_sealed(
    store: EventStore,
) -> None:
    services = services_over(store)
    await services.vault.create_key(CITIZEN_ID)
    application = submitted()
    identify(application)
    ask(application)
    longest = answer_bytes(services.settings)
    sealed = await services.vault.seal_text(CITIZEN_ID, "evidence:police", "x" * longest)
    spare = services.settings.event_size_limit_bytes - len(sealed)
    assert spare >= 16 * 1024
    application.collect(datetime.now(UTC), [answer("police") | {"signed_sealed": sealed}])
    await store.save(application, metadata=context(ANNA).metadata())
    assert (await store.load(Application, application.id)).missing == ["bank"]
