"""X1 as it is defined."""

import pytest

from citybrain.definitions.signals.junctions import DatedJunction
from tests.given.signals.attack import CITY
from tests.given.signals.x1 import loaded


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> DatedJunction:
    return loaded(tmp_path_factory.mktemp("city"), CITY)
