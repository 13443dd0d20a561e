"""A controller in the street shows what it is told, when it is told."""

from pathlib import Path
from typing import Any

from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.signal_events import milliseconds, moment
from ops.simulators.signals.controller import Controller
from tests.given.signals.x1 import ZERO, loaded

BEGIN = milliseconds(ZERO)


def told(groups: list[str], at: int, **greens: int) -> dict[str, Any]:
    """An answer of the server: these groups, and which of them are to be green from when on."""
    return {
        "at": moment(at).isoformat(),
        "centre_at": moment(at).isoformat(),
        "commands": [
            {
                "junction": "x1",
                "command": None,
                "decides": "centre",
                "groups": groups,
                "preempts": False,
                "greens": {code: moment(each).isoformat() for code, each in greens.items()},
                "sent_at": moment(at).isoformat(),
                "expires_at": moment(at + 60_000).isoformat(),
                "acknowledge": False,
                "plan": "day",
                "offset_ms": 0,
            }
        ],
    }


def test_a_green_that_is_put_off_while_it_is_to_come_comes_later(tmp_path: Path) -> None:
    controller = Controller(loaded(tmp_path))
    controller.power_up(BEGIN)
    second = BEGIN
    while controller.shown(second)["V1"] is not Shown.GREEN:
        second += 1000
        controller.step(second)
    began, leaves = second, second + 60_000
    for second in range(began, leaves, 1000):
        controller.receive(told(["V1", "P1"], second), second)
        controller.step(second)
    controller.receive(told(["L1"], leaves), leaves)
    controller.step(leaves)
    green = controller.lamps["L1"].green_from
    assert green is not None
    put_off = green + 3000
    for second in range(leaves + 1000, put_off, 1000):
        controller.receive(told(["L1"], second, L1=put_off), second)
        controller.step(second)
        assert controller.shown(second)["L1"] is Shown.RED
    controller.step(put_off)
    assert controller.shown(put_off)["L1"] is Shown.GREEN
