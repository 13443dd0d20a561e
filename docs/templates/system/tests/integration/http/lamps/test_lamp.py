"""A lamp over HTTP, on a real server: from the command to the read model."""

from citybrain.systems import projection_named
from projections.rebuild import compare
from tests.given.api import Api


async def test_from_a_report_to_the_list_and_back(api: Api) -> None:
    lamp = await api.call("POST", "/v1/lamps", "operator", json={"place": "East Gate"})
    assert (lamp.status, lamp.headers["ETag"]) == (201, '"1"')
    path = lamp.headers["Location"]

    broken = await api.call("POST", f"{path}/report", "citizen", json={"what": "broken"})
    assert (broken.status, broken.json["status"]) == (200, "broken")
    listed = await api.call(
        "GET", f"/v1/lamps?status=broken&min_position={broken.headers['X-Position']}", "citizen"
    )
    assert [row["lamp_id"] for row in listed.json["lamps"]] == [lamp.json["lamp_id"]]

    stale = {"If-Match": lamp.headers["ETag"]}
    unseen = await api.call("POST", f"{path}/mend", "official", json={}, headers=stale)
    assert unseen.is_problem(412, "stale-version")
    seen = {"If-Match": broken.headers["ETag"]}
    assert (await api.call("POST", f"{path}/mend", "official", json={}, headers=seen)).status == 200
    shown = await api.call("GET", path, "citizen")
    assert (shown.json["status"], shown.headers["ETag"]) == ("working", '"3"')


async def test_pages_show_every_one_once(api: Api) -> None:
    ids, last = [], ""
    for place in ("East Gate", "West Gate", "North Gate"):
        lamp = await api.call("POST", "/v1/lamps", "operator", json={"place": place})
        ids.append(lamp.json["lamp_id"])
        last = lamp.headers["X-Position"]
    first = await api.call("GET", f"/v1/lamps?limit=2&min_position={last}", "citizen")
    rest = await api.call("GET", f"/v1/lamps?limit=2&after={first.json['next']}", "citizen")
    shown = [row["lamp_id"] for answer in (first, rest) for row in answer.json["lamps"]]
    assert (shown, rest.json["next"]) == (ids, None)


async def test_the_read_model_is_what_the_log_says(api: Api) -> None:
    lamp = await api.call("POST", "/v1/lamps", "operator", json={"place": "East Gate"})
    path = lamp.headers["Location"]
    broken = await api.call("POST", f"{path}/report", "citizen", json={"what": "broken"})
    await api.call("GET", f"/v1/lamps?min_position={broken.headers['X-Position']}", "citizen")
    assert (await compare(api.runtime.store, projection_named("lamps"))).equal
