"""The benchmark of parking measures on a small street, and fails where something got lost."""

from pathlib import Path

import pytest

from commands.parking.processes.sessions import ParkingSessions
from ops.bench.parking import board, crowd, lives, parking, rebuild, signs, street
from ops.bench.workbench import BenchFailed, open_workbench


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process; the clients of HTTP have the whole street."""
    for module in (street, signs):
        monkeypatch.setattr(module, "BERTHS", 20)
    monkeypatch.setattr(signs, "BATCH", 20)


async def test_signs_over_http_are_measured_beside_those_that_are_only_parsed(
    disk_path: Path,
) -> None:
    async with open_workbench(0.2, disk_path) as workbench:
        for name in ("http_1", "http_1000", "bare_aiohttp_1", "bare_aiohttp_1000"):
            found = await parking.CONTENDERS[name](workbench)
            assert found.cpu_us, name
            assert (found.db_cpu_us is None) == name.startswith("bare"), name


@pytest.mark.usefixtures("small")
async def test_signs_by_command_sessions_and_prices_are_measured(disk_path: Path) -> None:
    async with open_workbench(0.1, disk_path) as workbench:
        for name in ("record_1000", "sessions", "price", "plain_loop"):
            found = await parking.CONTENDERS[name](workbench)
            assert found.rate > 0, name
            assert found.cpu_us is not None, name
        for name in ("append_1000", "insert_1000", "insert_1"):
            assert (await parking.CONTENDERS[name](workbench)).rate > 0, name
        event = await signs.stored_sign(workbench)  # the bytes that those beside it write
    assert event.topic == "parking.detected"
    assert b'"place_id":"B-0000"' in event.state


@pytest.mark.usefixtures("small")
async def test_signs_that_became_no_session_fail_the_benchmark(
    disk_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        pass

    monkeypatch.setattr(ParkingSessions, "react_all", nothing)
    async with open_workbench(1e-9, disk_path) as workbench:  # one batch is enough
        with pytest.raises(BenchFailed, match="40 signs became 0 sessions that ended"):
            await parking.CONTENDERS["sessions"](workbench)


async def test_exactly_as_many_win_as_there_are_berths_and_two_winners_of_one_fail(
    disk_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "CITIZENS", 24)
    monkeypatch.setattr(crowd, "WANTED", 3)
    right = {crowd.HELD: 3, crowd.TAKEN: 21}
    async with open_workbench(0.2, disk_path) as workbench:
        for name in ("crowd", "bare_aiohttp_crowd", "one_key"):
            assert (await parking.CONTENDERS[name](workbench)).rate > 0, name
        async with workbench.database() as url:
            with pytest.raises(BenchFailed, match=r"were answered \{'201': 4"):
                await crowd.check_winners(url, {crowd.HELD: 4, crowd.TAKEN: 20})
            with pytest.raises(BenchFailed, match=r"3 berths have \(0, 0, 0\) holders"):
                await crowd.check_winners(url, right)


async def test_the_board_is_read_while_signs_come_in(
    disk_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "CITY_BERTHS", 1200)
    async with open_workbench(0.1, disk_path) as workbench:
        for name in ("board_100k", "static_page", "berth_by_key"):
            found = await parking.CONTENDERS[name](workbench)
            assert found.rate > 0, name
            assert found.p99_ms is not None, name


async def test_sessions_are_rebuilt_into_all_read_models(disk_path: Path) -> None:
    async with open_workbench(0.1, disk_path, {"sessions": 60}) as workbench:
        found = await parking.CONTENDERS["rebuild"](workbench)
        assert found.rss_mb is not None
        assert found.seconds
        assert found.cpu_us
        for name in ("read_log", "copy_log"):
            assert (await parking.CONTENDERS[name](workbench)).rate > 0, name


async def test_a_session_that_is_missing_fails_the_benchmark(
    disk_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_less(url: str, sessions: int) -> int:
        return await lives.load(url, sessions - 1)

    monkeypatch.setattr(rebuild, "load", one_less)
    async with open_workbench(0.1, disk_path, {"sessions": 20}) as workbench:
        with pytest.raises(BenchFailed, match="19 of 20 sessions, 0 events parked"):
            await parking.CONTENDERS["rebuild"](workbench)
