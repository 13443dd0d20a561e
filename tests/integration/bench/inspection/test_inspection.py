"""The benchmark of inspection measures on a small city, and fails where something got lost."""

import asyncio
from pathlib import Path

import pytest

from commands.inspection.processes.detections import DetectionMerging
from ops.bench.inspection import cases, cases_and_detections, reads
from ops.bench.workbench import BenchFailed, open_workbench


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "CASES", 1000)
    monkeypatch.setattr(cases, "BATCH_SIZE", 50)
    monkeypatch.setattr(reads, "CASES", 2000)
    monkeypatch.setattr(reads, "RADIUS_M", 5000.0)
    monkeypatch.setattr(cases_and_detections, "BATCH", 20)
    monkeypatch.setattr(cases_and_detections, "HTTP_BATCH", 10)


async def test_recording_merging_and_searching_measure(disk_path: Path) -> None:
    async with open_workbench(0.1, disk_path) as workbench:
        for name, contender in cases_and_detections.CONTENDERS.items():
            workbench.seconds = 1.0 if name.startswith("http") else 0.1
            found = await contender(workbench)
            assert found.rate > 0, name
            assert found.p99_ms is not None, name


async def test_detections_that_became_no_case_fail_the_benchmark(
    disk_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    async def nothing(*_: object) -> None:
        await asyncio.sleep(0.02)  # longer than the measurement: one batch is enough

    monkeypatch.setattr(DetectionMerging, "react_all", nothing)
    async with open_workbench(0.01, disk_path) as workbench:
        with pytest.raises(BenchFailed, match="batches of 50 detections became"):
            await cases_and_detections.CONTENDERS["merge_new"](workbench)


def test_every_line_has_its_contenders() -> None:
    for line in cases_and_detections.LINES:
        assert set(line.contenders()) <= set(cases_and_detections.CONTENDERS)
