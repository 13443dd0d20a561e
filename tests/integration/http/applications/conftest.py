"""A server on which what concerns applications is at work."""

from collections.abc import Sequence

import pytest

from citybrain.systems.system import System
from tests.given.at_work import FOR_APPLICATIONS


@pytest.fixture
def at_work() -> Sequence[System]:
    return FOR_APPLICATIONS
