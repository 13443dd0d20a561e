"""A status that is added in the domain is answered by the API, Open311 and the live board."""

import pytest

from tests.given.api import Api
from tests.given.case_lives import living, saved
from tests.given.later_release import CaseFrozen, CaseWashedAway, add_events, took


@pytest.fixture(autouse=True)
def later_release(monkeypatch: pytest.MonkeyPatch) -> None:
    add_events(monkeypatch)


async def test_a_new_status_is_answered_everywhere(api: Api) -> None:
    store = api.runtime.store
    frozen = await saved(store, took(living("accepted"), CaseFrozen, until="spring"))
    gone = await saved(store, took(living("accepted"), CaseWashedAway))
    position = await store.head()
    state = await api.call("GET", f"/v1/cases/{frozen}", "operator")
    assert state.json["status"] == "frozen"
    path = f"/v1/cases?min_position={position}"
    listed = await api.call("GET", f"{path}&status=frozen", "operator")
    assert [row["case_id"] for row in listed.json["cases"]] == [frozen]
    still_open = await api.call("GET", path, "operator")
    assert [row["case_id"] for row in still_open.json["cases"]] == [frozen]
    counts = await api.call("GET", "/v1/statistics/open", "operator")
    assert [row["open"] for row in counts.json["counts"]] == [1]
    for case_id, status in ((frozen, "open"), (gone, "closed")):
        told = await api.call("GET", f"/open311/v2/requests/{case_id}.json")
        assert told.json[0]["status"] == status
    boards = [await part.members(api.runtime) for part in api.runtime.board_parts]
    assert [board["open_total"] for board in boards if "open_total" in board] == [1]
