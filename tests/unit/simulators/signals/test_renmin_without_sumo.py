"""Renmin Road where SUMO has no wheel: it says so once, and the city runs without it."""

import argparse
import importlib.util

import pytest

from ops.simulators.signals.renmin.__main__ import main


async def test_without_sumo_it_says_so_and_ends_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert await main(argparse.Namespace()) == 0
    said = capsys.readouterr()
    assert said.out == "SUMO has no wheel for this platform: signals run without a street\n"
    assert said.err == ""
