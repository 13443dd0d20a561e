"""Where CPU time goes: stacks as a flame graph reads them, and what they come to by module."""

import time
from pathlib import Path

import pytest

from ops.bench.stacks import WANTED, Share, shares, stacks_taken


def test_a_module_has_what_it_computes_itself_and_what_it_calls() -> None:
    lines = ["a:f;b:g 6", "a:f;b:g;a:h 3", "c:f 1"]
    assert shares(lines) == [Share("a", 0.3, 0.9), Share("b", 0.6, 0.9), Share("c", 0.1, 0.1)]


def test_a_module_that_calls_itself_counts_once() -> None:
    assert shares(["a:f;a:f;a:f 5"]) == [Share("a", 1.0, 1.0)]


def test_nothing_was_met() -> None:
    assert shares([]) == []


def test_nobody_looks_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WANTED, raising=False)
    with stacks_taken():
        pass


def test_what_computes_is_met(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "stacks with 空格"
    monkeypatch.setenv(WANTED, str(path))
    with stacks_taken():
        compute()
    (found,) = [each for each in shares(path.read_text().splitlines()) if each.module == __name__]
    assert 0 < found.own <= found.cumulative <= 1


def compute() -> None:
    """A quarter of a second of CPU, however long that takes."""
    ends = time.process_time() + 0.25
    while time.process_time() < ends:
        pass
