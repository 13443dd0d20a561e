"""What was paid, and whether the bank says the same: over HTTP, at the command line."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from citybrain.city_day import city_day
from citybrain.settings import Settings
from citybrain.systems import SYSTEMS
from citybrain.vault import open_key_wrapper
from ops.simulators.applications.departments import Departments
from tests.given.api import Api
from tests.given.applying import applied, applying, identified, until
from tests.given.terminal import Ended, Terminal

PATH = "/v1/statistics/payments"


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings, at_work=SYSTEMS) as started:
        yield started


async def test_a_reconciled_day_shows_a_difference_of_none_and_when_it_was_compared(
    both: tuple[Api, Departments], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    api, departments = both
    paid = await until(api, await applied(api, await identified(api)), "paid")
    open_key_wrapper(settings)
    terminal = Terminal(settings, tmp_path_factory.mktemp("terminal"))

    async def reconcile(*arguments: str) -> Ended:
        return await terminal.run("payments", "reconcile", *arguments, CITYBRAIN_MODE="development")

    today = str(city_day(datetime.now(UTC)))
    ended = await reconcile("--day", today, "--json")
    assert (ended.status, ended.json["differences"]) == (0, [])
    assert ended.json["ours"] == ended.json["bank"] == {"payments": 1, "fen": paid.amount_fen}

    async def shown() -> dict[str, object]:
        head = await api.runtime.store.head()
        answer = await api.call("GET", f"{PATH}?min_position={head}", "supervisor")
        (day,) = answer.json["days"]
        assert day["confirmed"] == {"payments": 1, "fen": paid.amount_fen}
        assert day["open"]["payments"] == 0
        assert answer.json["differences"] == day["compared"]["differences"]
        compared: dict[str, object] = day["compared"]
        return compared

    compared = await shown()
    assert (compared["difference_fen"], compared["differing"]) == (0, [])
    assert compared["compared_at"]

    departments.bank.printed = lambda lines: []
    ended = await reconcile("--day", today)
    assert ended.status == 1
    assert "missing-at-bank" in ended.out
    compared = await shown()
    assert compared["difference_fen"] == -(paid.amount_fen or 0)

    await departments.fault("bank-payments", "down")
    ended = await reconcile("--day", today)
    assert (ended.status, "(payment-unknown)" in ended.err) == (1, True)
    wrong = await reconcile("--day", "yesterday")
    assert (wrong.status, "(invalid-input)" in wrong.err) == (1, True)


async def test_auditors_and_supervisors_read_it_and_nobody_else(
    both: tuple[Api, Departments],
) -> None:
    api, _ = both
    for role, status in (
        ("auditor", 200),
        ("supervisor", 200),
        ("official", 403),
        ("clerk", 403),
        ("operator", 403),
        ("citizen", 403),
        ("kiosk", 403),
    ):
        assert (await api.call("GET", PATH, role)).status == status, role
