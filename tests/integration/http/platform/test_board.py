"""The board over HTTP: what waits for a person, how all stands, and as it was."""

from datetime import timedelta

from tests.given.api import REPORT_NOW, Api
from tests.given.read_models import caught_up


async def test_what_waits_is_said_in_codes_and_its_time_is_found_when_asked(api: Api) -> None:
    reported = await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)
    case, runtime = reported.json["case_id"], api.runtime
    path = f"/v1/board?min_position={reported.headers['X-Position']}"
    await caught_up(runtime.store, "case_desk")
    before = (await api.call("GET", path, "operator")).json
    assert (before["live"], before["now"], before["limited"]) == (True, 0, 0)
    assert before["systems"]["inspection"]["open"] == 1
    assert before["position"] >= int(reported.headers["X-Position"])
    real, later = runtime.services.clock, timedelta(days=30)
    runtime.services.clock = lambda: real() + later
    found = (await api.call("GET", "/v1/board", "operator")).json
    (exception,) = found["exceptions"]
    assert exception["id"] == f"case-deadline:{case}"
    assert exception["severity"] == "now"
    assert exception["due_at"] == exception["since"]
    assert exception["about"] == REPORT_NOW["class_code"]
    assert exception["place"]["latitude"] == REPORT_NOW["latitude"]
    assert exception["simulated"] is found["simulated"] is True
    assert found["systems"]["inspection"]["overdue"] >= 1
    same = (await api.call("GET", "/v1/board/exceptions", "auditor")).json
    assert same["exceptions"] == found["exceptions"]
