"""SUMO's own controllers, under the same safety times: the scenario's fixed plan, and two adaptive.

They run in the simulator from a copy of the network. Where the times differ from the network's own,
each green before a change gives or gets the difference, so that cycles and offsets stay.
"""

import xml.etree.ElementTree as ET
from copy import deepcopy
from pathlib import Path

from citybrain.definitions.signals.sumo_import import SafetyTimes

KINDS = {"sumo-static": "static", "sumo-actuated": "actuated", "sumo-delay": "delay_based"}
LONGEST_GREEN = 50.0


def with_programs(net: Path, controller: str, times: SafetyTimes, to: Path) -> None:
    """Write a copy of a network whose lights are run by one of SUMO's controllers."""
    tree = ET.parse(net)
    for program in tree.getroot().iter("tlLogic"):
        program.set("type", KINDS[controller])
        phases = _timed(program.findall("phase"), times)
        for phase in program.findall("phase"):
            program.remove(phase)
        for phase in phases:
            if controller != "sumo-static" and _is_green(phase):
                least = max(times.minimum, float(phase.get("minDur", "0")))
                phase.set("minDur", f"{least:g}")
                phase.set("maxDur", f"{max(least, float(phase.get('maxDur', LONGEST_GREEN))):g}")
            program.append(phase)
    tree.write(to, encoding="utf-8")


def _timed(phases: list[ET.Element], times: SafetyTimes) -> list[ET.Element]:
    """The phases with the yellow and all-red that is asked for.

    All red follows a yellow only where somebody becomes green; a left turn that goes on needs none.
    """
    said = times.all_red if isinstance(times.all_red, float) else None
    found: list[ET.Element] = []
    for place, phase in enumerate(phases):
        state, own = phase.get("state", ""), float(phase.get("duration", "0"))
        if "y" not in state:
            if said is not None and "g" not in state.lower():
                _give(found, own, times)  # the network's own all-red
            else:
                found.append(deepcopy(phase))
            continue
        all_red = (said or 0.0) if _starts(phases, place) else 0.0
        length = own if times.yellow is None else times.yellow
        for seconds, letters in ((length, state), (all_red, state.replace("y", "r"))):
            if seconds:
                part = deepcopy(phase)
                part.set("state", letters)
                part.set("duration", f"{seconds:g}")
                found.append(part)
        _give(found, own - length - all_red, times)
    return found


def _starts(phases: list[ET.Element], place: int) -> bool:
    """Whether the green phase after this one has a link that the green before it had not."""
    around = phases[place:] + phases[:place]
    after = next((each.get("state", "") for each in around if _is_green(each)), "")
    before = next((each.get("state", "") for each in reversed(around) if _is_green(each)), "")
    return any(now in "Gg" and then not in "Gg" for then, now in zip(before, after, strict=False))


def _give(phases: list[ET.Element], seconds: float, times: SafetyTimes) -> None:
    """The green before a change gets what the change needs less; it keeps its minimum."""
    green = next((each for each in reversed(phases) if _is_green(each)), None)
    if green is not None:
        length = float(green.get("duration", "0")) + seconds
        green.set("duration", f"{max(times.minimum, length):g}")


def _is_green(phase: ET.Element) -> bool:
    state = phase.get("state", "")
    return "y" not in state and "g" in state.lower()
