"""The catalogue over HTTP: open to everybody, as of any day."""

from tests.given.api import Api


async def test_the_catalogue_is_open_and_dated(api: Api) -> None:
    listed = (await api.call("GET", "/v1/services")).json["services"]
    assert len(listed) == 8
    row = next(row for row in listed if row["code"] == "housing-fund-repayment")
    assert row["channels"] == ["web", "app", "counter", "kiosk"]

    shown = (await api.call("GET", "/v1/services/housing-fund-repayment")).json
    assert shown["version"] == row["version"]
    assert shown["parameters"]["months_between"] == 12
    assert {rule["code"] for rule in shown["item"]["rules"]} >= {"own-loan", "once-a-year"}

    early = (await api.call("GET", "/v1/services?on=2017-01-01")).json["services"]
    assert [row["code"] for row in early] == ["residence-permit"]
    unknown = await api.call("GET", "/v1/services/housing-fund-repayment?on=2017-01-01")
    assert unknown.is_problem(404, "unknown-service")
    assert (await api.call("GET", "/v1/services/nothing")).is_problem(404, "unknown-service")
    assert (await api.call("GET", "/v1/services?on=yesterday")).status == 400
