"""What is personal goes to members of the directory only, whatever something on the way says."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from aiohttp import web

from citybrain.exchange import EvidenceRequest, Exchange, SourceFailed, open_exchange
from citybrain.exchange.signing import make_key_once, read_signer
from citybrain.payments import PaymentUnknown, open_payments, payout
from citybrain.settings import Settings
from tests.given.payments import allowed

NUMBER = "410102199501010000"


class Elsewhere:
    """Sends everybody to `/elsewhere`, and remembers who came; `/lost` finds nothing."""

    def __init__(self) -> None:
        self.came: list[str] = []

    async def serve(self, request: web.Request) -> web.Response:
        if request.path.startswith("/elsewhere"):
            self.came.append(await request.text())
            return web.Response(status=200)
        if request.path.startswith("/lost"):
            return web.Response(status=404, text="not found")
        return web.Response(status=307, headers={"Location": "/elsewhere"})


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[tuple[Elsewhere, Exchange]]:
    place, app = Elsewhere(), web.Application()
    app.router.add_route("*", "/{path:.*}", place.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    make_key_once(tmp_path / "member.pem")
    keys = [read_signer(tmp_path / "member.pem", "member-1").public_key]
    path = tmp_path / "directory.json"
    path.write_bytes(
        orjson.dumps(
            {
                "departments": [
                    {"code": "police", "url": f"{url}/here", "public_keys": keys},
                    {"code": "tax", "url": f"{url}/lost", "public_keys": keys},
                ],
                "bank": {"code": "bank", "url": f"{url}/here", "public_keys": keys},
            }
        )
    )
    settings = Settings(mode="development", data_dir=tmp_path, exchange_directory=path)
    async with open_exchange(settings) as exchange:
        yield place, exchange
    await runner.cleanup()


async def refused(exchange: Exchange, department: str) -> str:
    request = EvidenceRequest(
        uuid4(), "application-1", department, "identity", NUMBER, {}, user_id="system"
    )
    with pytest.raises(SourceFailed) as failed:
        await exchange.fetch(request, datetime.now(UTC) + timedelta(seconds=10))
    return failed.value.code


async def test_an_identity_number_does_not_follow_a_redirect(
    elsewhere: tuple[Elsewhere, Exchange],
) -> None:
    place, exchange = elsewhere
    assert await refused(exchange, "police") == "source-refused"
    assert place.came == []


async def test_an_instruction_to_pay_does_not_follow_a_redirect(
    elsewhere: tuple[Elsewhere, Exchange], tmp_path: Path
) -> None:
    place, _ = elsewhere
    settings = Settings(
        mode="development", data_dir=tmp_path, exchange_directory=tmp_path / "directory.json"
    )
    instruction = payout(
        uuid4(),
        reference="application-1",
        amount_fen=700,
        from_account="housing-fund",
        payee_id_number=NUMBER,
        authorised=allowed("application-1", 700),
    )
    async with open_payments(settings) as payments:
        with pytest.raises(PaymentUnknown):
            await payments.instruct(instruction)
    assert place.came == []


async def test_a_path_that_is_not_found_is_no_absent_record(
    elsewhere: tuple[Elsewhere, Exchange],
) -> None:
    _, exchange = elsewhere
    assert await refused(exchange, "tax") == "source-refused"
