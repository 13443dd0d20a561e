"""Each event that a stream of parking declares can happen, and who follows one follows a real one.

An event can happen where something that is asked of the system leads to code that triggers it: a
route, a process manager, upkeep or an import. Who leads to whom is read from the names in the code;
so a decision that nobody takes any more is found, and with it the event that nobody writes.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from citybrain.domain.stream import StreamAggregate, StreamEvent
from citybrain.systems import SYSTEMS
from citybrain.systems.parking import PARKING

ROOT = Path(__file__).parents[4]
ROOMS = (
    "src/citybrain/domain/parking",
    "src/citybrain/http/parking",
    "src/citybrain/cli",
    "commands/parking",
)
ASKED = ("src/citybrain/systems/parking.py", "src/citybrain/cli")
"""From here everything is led to: what the descriptor names, and the command line."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def led_to(without: str = "") -> frozenset[str]:
    """The names that are used by what is asked of the system, and by all that this leads to.

    As if there were no function `without`.
    """
    bodies: dict[str, set[str]] = defaultdict(set)
    found: set[str] = set()
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        tree, asked = ast.parse(path.read_text()), str(path.relative_to(ROOT)).startswith(ASKED)
        for name, body in _parts(tree):
            if name == without:
                continue
            bodies[name] |= body
            if asked:
                found |= body
    found |= _names(ast.parse((ROOT / ASKED[0]).read_text()))
    new = set(found)
    while new:
        new = {name for each in new for name in bodies.get(each, ())} - found
        found |= new
    return frozenset(found)


def _parts(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Each function, method and constant, with the names that it uses.

    A class leads to what its methods do when it is made or run; to the others leads their name.
    """
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, Function):
                    yield node.name if part.name in RUN else part.name, _names(part)
        elif isinstance(node, Function):
            yield node.name, _names(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and target.id != "EVENTS" and node.value:
                    yield target.id, _names(node.value)


RUN = ("__init__", "__post_init__", "react", "react_all", "tick", "ring", "run", "left_out")


def _names(tree: ast.AST) -> set[str]:
    """The names that are used, but for those of which the topic alone is asked."""
    nodes = [*ast.walk(tree)]
    asked = {
        each.value for each in nodes if isinstance(each, ast.Attribute) and each.attr == "TOPIC"
    }
    return {
        each.id if isinstance(each, ast.Name) else each.attr
        for each in nodes
        if isinstance(each, ast.Name | ast.Attribute) and each not in asked
    }


def declared(streams: tuple[type[StreamAggregate], ...]) -> dict[str, type[StreamEvent]]:
    """The events of streams by their topics."""
    return {event.TOPIC: event for stream in streams for event in stream.EVENTS}


def never(without: str = "") -> set[str]:
    """The topics of parking that nothing leads to, as if there were no function `without`."""
    events = declared(PARKING.streams)
    return {topic for topic, event in events.items() if event.__name__ not in led_to(without)}


def test_each_event_of_parking_can_happen() -> None:
    assert len(declared(PARKING.streams)) > 100
    assert never() == set()


@pytest.mark.parametrize(
    ("function", "topic"),
    [
        ("_note_unseen", "parking.unseen"),
        ("leave_unmatched", "parking.detection_unmatched"),
        ("note_overdue", "parking.overdue"),
        ("charge_back", "parking.charged_back"),
    ],
)
def test_without_whoever_takes_a_decision_its_event_would_be_found(
    function: str, topic: str
) -> None:
    assert topic in never(function)


def test_whoever_follows_events_follows_those_that_there_are() -> None:
    known = set(declared(tuple(stream for system in SYSTEMS for stream in system.streams)))
    followed = {
        (process.manager.name, topic)
        for system in SYSTEMS
        for process in system.processes
        for topic in process.manager.topics
    } | {
        (model.name, topic)
        for system in SYSTEMS
        for model in system.projections
        for topic in model.topics or ()
    }
    assert {(name, topic) for name, topic in followed if topic not in known} == set()
