"""A short benchmark runs from end to end, and one that lost events would fail."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import orjson
import psutil
import pytest
from typer.testing import CliRunner

from citybrain.cli import bench
from citybrain.eventstore import NO_STREAM, EventStore
from ops.bench import http, project, replay
from ops.bench.append_ours import new_streams, ours, verify
from ops.bench.events import EVENT, new_metadata, new_stream_id
from ops.bench.history import load_history
from ops.bench.workbench import BenchFailed, open_workbench

MEMBERS = {"bench", "line", "value", "unit", "limit", "of_limit", "peers"}


async def test_every_acknowledged_event_must_be_found(store: EventStore) -> None:
    stream = new_stream_id()
    await store.append(stream, NO_STREAM, [EVENT] * 3, metadata=new_metadata())
    await verify(store.dsn, 3)
    with pytest.raises(BenchFailed, match="4 events were acknowledged, 3 are stored"):
        await verify(store.dsn, 4)


async def test_a_hole_in_the_positions_fails_the_benchmark(store: EventStore) -> None:
    await store.pool.execute(
        "INSERT INTO stored_events (originator_id, originator_version, topic, state, "
        "notification_id) VALUES ('bench-1', 1, 'bench.spotted', '{}', 2)"
    )
    with pytest.raises(BenchFailed, match="positions 2 to 2 hold 1 events"):
        await verify(store.dsn, 1)


async def test_a_hole_in_a_stream_fails_the_benchmark(store: EventStore) -> None:
    await store.pool.execute(
        "INSERT INTO stored_events (originator_id, originator_version, topic, state, "
        "notification_id) VALUES ('bench-1', 2, 'bench.spotted', '{}', 1)"
    )
    with pytest.raises(BenchFailed, match="1 streams have holes"):
        await verify(store.dsn, 1)


async def test_each_measurement_is_of_a_fresh_database(disk_path: Path) -> None:
    async with open_workbench(0.2, disk_path) as workbench:
        contender = ours(new_streams(2), 4)
        for _ in range(2):
            assert (await contender(workbench)).rate > 0
    assert os.listdir(disk_path) == []


async def test_a_folder_in_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = [
        SimpleNamespace(mountpoint="/", fstype="ext4"),
        SimpleNamespace(mountpoint=str(tmp_path), fstype="tmpfs"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: mounted)
    with pytest.raises(BenchFailed, match="is a tmpfs: choose a folder on a disk with --data-dir"):
        async with open_workbench(1.0, tmp_path):
            pass


async def test_replay_projection_and_http_measure(
    disk_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "LOGS", {"small": load_small_history, "cases": load_small_history})
    monkeypatch.setattr(replay, "EVENTS", SMALL)
    monkeypatch.setattr("ops.bench.project_ours.HISTORY", SMALL)
    monkeypatch.setattr("ops.bench.rebuild_process.EVENTS", SMALL)
    async with open_workbench(0.3, disk_path) as workbench:
        assert (await replay.CONTENDERS["follow_cases"](workbench)).rate > 0
        assert (await project.CONTENDERS["all_at_once"](workbench)).rate > 0
        rebuilt = await project.CONTENDERS["rebuild_1m"](workbench)
        assert rebuilt.rss_mb is not None
        assert rebuilt.rss_mb > 10
        workbench.seconds = 1.0  # of a client in a process of its own, which only counts
        reported = await http.CONTENDERS["report_16"](workbench)
        assert reported.p99_ms is not None


SMALL = 3000


async def load_small_history(url: str) -> None:
    await load_history(url, SMALL)


def test_the_command_prints_json_lines_and_a_table(disk_path: Path) -> None:
    result = CliRunner().invoke(
        bench.app,
        [
            "append",
            "--rounds",
            "1",
            "--seconds",
            "0.2",
            "--lines",
            "hot_exact_1",
            "--data-dir",
            str(disk_path),
        ],
    )
    assert result.exit_code == 0, result.output
    [line] = [orjson.loads(text) for text in result.stdout.splitlines()]
    assert set(line) >= MEMBERS
    assert line["bench"] == "append"
    assert "bench append" in result.stderr


def test_unknown_lines_are_named() -> None:
    result = CliRunner().invoke(bench.app, ["append", "--lines", "17"])
    assert result.exit_code == 1
    assert "no line 17; there are 1, 16" in result.stderr


def test_outside_a_checkout_it_says_where_benchmarks_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ops", None)
    monkeypatch.setitem(sys.modules, "ops.bench", None)
    result = CliRunner().invoke(bench.app, ["append"])
    assert result.exit_code == 2
    assert "part of a checkout" in result.stderr
