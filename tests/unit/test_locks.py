"""What is installed is pinned with hashes, wherever it is fetched from."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,_-]+\])?==\S+ \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-sumo.lock"])
def test_a_lock_has_pins_and_their_hashes_and_no_place_to_fetch_them_from(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    said = [line for line in lines if not line.lstrip().startswith("#")]
    pins = [place for place, line in enumerate(said) if PIN.fullmatch(line)]
    assert pins
    assert pins[0] == 0
    for begin, end in zip(pins, [*pins[1:], len(said)], strict=True):
        hashes = said[begin + 1 : end]
        assert hashes, said[begin]
        assert all(HASH.fullmatch(line) for line in hashes), said[begin]
    assert not any("://" in line for line in lines)


def test_the_lock_of_the_page_has_hashes_and_no_place_either() -> None:
    lock = (ROOT / "src" / "web" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/')
