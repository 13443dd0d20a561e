"""A server of which X1 is a junction, and a street whose decisions the test puts into the log.

Nothing controls the junction but the test: no process runs, and read models follow when told.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from citybrain.settings import Settings
from tests.given.api import Api
from tests.given.signals.attack import CITY
from tests.given.signals.told import Told
from tests.given.signals.x1 import Street, loaded, written


@pytest.fixture
def with_workers() -> bool:
    return False


@pytest.fixture
def definition() -> dict[str, Any]:
    """What X1's file says; override for another one."""
    return CITY | {"number": 1234}


@pytest.fixture
def change_settings(tmp_path: Path, definition: dict[str, Any]) -> Callable[[Settings], None]:
    folder = tmp_path / "city"
    written(folder, definition)

    def change(settings: Settings) -> None:
        settings.definitions_dir = folder

    return change


@pytest.fixture
async def told(api: Api, tmp_path: Path, definition: dict[str, Any]) -> Told:
    """X1 with A green since t = 0, in the hand of the centre; it is t = 0."""
    told = Told(api, Street.green(loaded(tmp_path / "city", definition), "A"))
    told.clock(0)
    await told.tell()
    return told
