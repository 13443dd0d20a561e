"""Short measurements that measure something, however slow the machine."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.bench import child
from ops.bench.tally import Tally
from ops.bench.workbench import MEMORY_FILE_SYSTEMS, file_system_of
from tests.given.warm_commands import warm_commands

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def goes_on_until_something_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing warms up, and a window in which nothing arrived is made longer."""

    def running(tally: Tally) -> bool:
        now = time.perf_counter()
        if now >= tally.closes and not tally.counted:
            tally.closes = now + (tally.closes - tally.opens)
        return now < tally.closes

    monkeypatch.setattr("ops.bench.tally.WARM_UP_SECONDS", 0.0)
    monkeypatch.setattr(Tally, "running", running)


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Python that has loaded our modules."""
    with warm_commands(tmp_path_factory.mktemp("warm")) as folder:
        yield folder / "citybrain"


@pytest.fixture(autouse=True)
def processes_are_forked(loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers and clients are processes of their own, and load nothing before they measure."""
    monkeypatch.setattr(child, "PYTHON", str(loaded))


@pytest.fixture
def disk_path(tmp_path: Path) -> Iterator[Path]:
    """A folder that is not in memory: beside the checkout where the temporary one is."""
    if file_system_of(tmp_path) not in MEMORY_FILE_SYSTEMS:
        yield tmp_path
        return
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        yield Path(folder)
