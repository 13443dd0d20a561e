"""A terminal in which a test types commands."""

from pathlib import Path

import pytest

from citybrain.settings import Settings
from citybrain.vault import open_key_wrapper
from tests.given.terminal import Terminal


@pytest.fixture
def terminal(settings: Settings, tmp_path: Path) -> Terminal:
    """A terminal over data that `citybrain run` has made: there is a master key."""
    open_key_wrapper(settings)
    return Terminal(settings, tmp_path / "terminal")
