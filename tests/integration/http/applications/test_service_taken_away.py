"""An application goes on when the file of its service is taken away."""

from pathlib import Path

from citybrain.settings import Settings
from tests.given.applying import applied, applying, identify, registered, submit, until
from tests.given.green_roof import green_roof


async def test_an_application_goes_on_when_the_file_of_its_service_is_taken_away(
    settings: Settings, tmp_path: Path
) -> None:
    file = green_roof(settings, tmp_path)
    async with applying(settings) as (api, _):
        citizen = await registered(api)
        waiting = await applied(api, citizen, "green-roof-grant", form={"area": 12})
    file.unlink()
    async with applying(settings) as (api, departments):
        another = await submit(api, await registered(api), "green-roof-grant", form={"area": 12})
        assert another.is_problem(422, "service-retired")
        assert (await api.call("GET", "/v1/services/green-roof-grant")).status == 404
        await identify(api, citizen, "green-roof-grant")
        paid = await until(api, waiting, "paid")
        assert paid.amount_fen == departments.ledger()[0]["amount_fen"] == 60_000
        path = f"/v1/applications/{waiting}/explanation"
        found = await api.call("GET", path, "citizen", subject=citizen)
        assert (found.json["definition"], found.json["recomputed"]["same"]) == ("kept", True)
