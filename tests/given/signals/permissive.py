"""A junction whose left turns yield to the opposite direction, one of which may go alone.

Any stage may follow any other, so that a yellow trap is for whoever changes its lamps to avoid.
"""

from typing import Any

PERMISSIVE: dict[str, Any] = {
    "valid_from": "2026-01-01",
    "junction": "x1",
    "name": "left turns that yield",
    "source": "made up",
    "groups": {
        "N": {"kind": "vehicle", "maximum": 60, "longest_wait": 120},
        "S": {"kind": "vehicle", "yellow": 4, "maximum": 60, "longest_wait": 120},
        "W": {"kind": "vehicle", "maximum": 60, "longest_wait": 120},
    },
    "conflicts": [["N", "W"], ["S", "W"]],
    "intergreens": {"N": {"W": 5}, "S": {"W": 5}, "W": {"N": 5, "S": 5}},
    "permissive": [{"turn": "N", "against": "S"}, {"turn": "S", "against": "N"}],
    "yellow_traps_by_plan": True,
    "stages": {"A": ["N", "S"], "B": ["N"], "C": ["S"], "D": ["W"]},
    "plans": {
        "day": {
            "cycle": 60,
            "splits": [{"stage": "A", "seconds": 40}, {"stage": "D", "seconds": 20}],
        }
    },
    "start": {"stage": "A"},
}
