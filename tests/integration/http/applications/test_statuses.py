"""A status is added in the domain alone: list, queue, live steps and API then have it."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import orjson
import pytest

from citybrain.domain.applications import application_events, statuses
from citybrain.domain.applications.application_events import ApplicationOpened
from citybrain.domain.applications.statuses import Status
from tests.given.api import Api
from tests.given.applying import applied, registered, review, state


class MadeUp(StrEnum):
    """A status that there is not."""

    ON_HOLD = "on-hold"


@pytest.fixture
def on_hold(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever opens what is sealed puts it on hold, where an officer decides."""
    tables: tuple[Any, ...] = (statuses.FOR_AN_OFFICER, statuses.ENDED)
    leads_to: Any = application_events.LEADS_TO
    monkeypatch.setitem(leads_to, ApplicationOpened.TOPIC, MadeUp.ON_HOLD)
    for table in tables:
        table.add(MadeUp.ON_HOLD)
    yield
    for table in tables:
        table.discard(MadeUp.ON_HOLD)


@pytest.mark.usefixtures("on_hold")
async def test_a_new_status_is_known_to_all_that_show_one(api: Api) -> None:
    citizen = await registered(api)
    application = await applied(api, citizen)
    path = f"/v1/applications/{application}"
    opened = await api.call("POST", f"{path}/opening", "auditor", json={"purpose": "audit"})
    assert opened.status == 200, opened.body
    position = await api.runtime.store.head()
    assert (await state(api, application)).status == MadeUp.ON_HOLD

    listed = await api.call("GET", f"/v1/applications?min_position={position}", "auditor")
    shown = await api.call("GET", path, "citizen", subject=citizen)
    queue = await api.call("GET", "/v1/applications/queue", "auditor")
    rows = [*listed.json["applications"], shown.json["application"], *queue.json["applications"]]
    assert [row["status"] for row in rows] == ["on-hold"] * 3

    live = await api.call("GET", f"{path}/live", "citizen", subject=citizen)
    end = live.body.decode().partition("event: end\ndata: ")[2]
    assert orjson.loads(end.partition("\n")[0]) == {"status": "on-hold"}

    decided = await review(api, application, outcome="refused", reasons=["conditions-not-met"])
    assert decided.json["status"] == "refused"


async def test_a_list_is_asked_for_by_any_status_that_there_is(api: Api) -> None:
    for status in Status:
        found = await api.call("GET", f"/v1/applications?status={status}", "auditor")
        assert (found.status, found.json["applications"]) == (200, []), status
    unknown = await api.call("GET", "/v1/applications?status=on-hold", "auditor")
    assert unknown.status == 400, unknown.body
