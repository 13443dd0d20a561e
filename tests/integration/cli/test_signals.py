"""Junctions at the command line: checked, drawn, and verified from the log and from an export."""

from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import orjson

from citybrain.eventstore import NO_STREAM, EventStore, Metadata, NewEvent
from citybrain.eventstore.codec import mapper
from tests.given.signals.attack import CITY, Attack, Step
from tests.given.signals.nets import CROSSING
from tests.given.signals.x1 import Street, loaded, written
from tests.given.terminal import Terminal

STEPS: list[Step] = [
    ("call", 5.0, 4, 0, 0.0),
    ("mode", 30.0, 1, 0, 0.0),
    ("command", 1.0, 1, 1, 20.0),
    ("midnight", 20.0, 0, 0, 0.0),
    ("preempt", 10.0, 2, 0, 30.0),
]


async def recorded(store: EventStore, folder: Path) -> None:
    """Some minutes of X1 in the log, over a midnight."""
    attack = Attack(Street(loaded(folder, CITY)))
    attack.go(STEPS)
    metadata = Metadata("tester", "system", "test", uuid4(), uuid4())
    for stream_id, day in groupby(attack.street.events, key=lambda event: event.originator_id):
        stored = [mapper().to_stored_event(event) for event in day]
        events = [NewEvent(each.topic, each.state) for each in stored]
        await store.append(stream_id, NO_STREAM, events, metadata=metadata)


async def exported(store: EventStore) -> list[dict[str, Any]]:
    """What an auditor gets."""
    return [
        {
            "position": event.position,
            "stream_id": event.stream_id,
            "topic": event.topic,
            "data": orjson.loads(event.state),
        }
        for event in await store.read_all(limit=1000)
    ]


async def test_lamps_are_verified_from_the_log_and_from_an_export(
    store: EventStore, terminal: Terminal, tmp_path: Path
) -> None:
    folder = tmp_path / "city"
    city = {"CITYBRAIN_DEFINITIONS_DIR": str(folder)}
    await recorded(store, folder)
    until = ("--to", "2026-09-14T02:07:00")
    right = await terminal.run("signals", "verify", *until, **city)
    assert right.status == 0, right.err
    assert ", 0 violation(s)" in right.out

    lines = await exported(store)
    file = tmp_path / "export.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    again = await terminal.run("signals", "verify", "--export", str(file), *until, **city)
    assert (again.status, again.out) == (0, right.out)

    for line in lines:
        for times in line["data"].get("ends", {}).values():
            times[1] -= 1000  # a second less of yellow, and of clearance
    file.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    wrong = await terminal.run("signals", "verify", "--export", str(file), *until, "--json", **city)
    assert wrong.status == 1
    assert {each["rule"] for each in wrong.json["x1"]} == {3, 8}

    file.write_text('{"position": 1}')
    broken = await terminal.run("signals", "verify", "--export", str(file), **city)
    assert f"{file}:1: this is no event of a junction" in broken.err.replace("\n", "")


async def test_junctions_are_checked_and_drawn(terminal: Terminal, tmp_path: Path) -> None:
    checked = await terminal.run("signals", "check")
    assert checked.out.splitlines()[-2:] == [
        "renmin_4: 4 version(s) in order",
        "renmin: a road, 3 version(s) in order",
    ]
    bad = written(tmp_path / "city", CITY | {"start": {"stage": "Z"}})
    refused = await terminal.run("signals", "check", str(tmp_path / "city"))
    assert refused.status == 1
    assert f"{bad}:102: there is no stage 'Z'" in refused.err.replace("\n", "")

    drawn = await terminal.run("signals", "show", "renmin_1")
    picture = ElementTree.fromstring(drawn.out)
    titles = [each.text for each in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert "L1 green 42–55 s" in titles
    assert "P2 ending 76–90 s" in titles
    unknown = await terminal.run("signals", "show", "nowhere")
    assert unknown.status == 1


async def test_a_network_becomes_junctions_that_are_in_order(
    terminal: Terminal, tmp_path: Path
) -> None:
    city = tmp_path / "city"
    made = await terminal.run("signals", "import-sumo", str(CROSSING), "--out", str(city))
    assert made.out.splitlines()[0] == "c: 9 lanes, 13 movements, 11 groups, 16 stages"
    checked = await terminal.run("signals", "check", str(city))
    assert {"c: 1 version(s) in order", "e: 1 version(s) in order"} <= {*checked.out.splitlines()}
    own = await terminal.run("signals", "import-sumo", str(CROSSING), "--all-red", "network")
    assert own.status == 0
    unclear = await terminal.run("signals", "import-sumo", str(CROSSING), "--all-red", "long")
    assert unclear.status == 1
    assert "seconds, `computed` or `network`" in unclear.err.replace("\n", " ")
    nothing = await terminal.run("signals", "import-sumo", str(tmp_path / "none.net.xml"))
    assert nothing.status == 1
    assert "none.net.xml:1:" in nothing.err.replace("\n", "")


async def test_a_road_says_how_wide_its_green_waves_are(terminal: Terminal, tmp_path: Path) -> None:
    drawing = tmp_path / "road.svg"
    said = await terminal.run("signals", "corridor", "renmin", "--out", str(drawing))
    out, back = said.out.replace("\n", " ").split("renmin day back")
    assert "out: a band of 22 s in a cycle of 90 s, the shortest green is 22 s" in out
    assert "a band of 0 s in a cycle of 90 s" in back
    assert ElementTree.parse(drawing).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    unknown = await terminal.run("signals", "corridor", "nowhere")
    assert unknown.status == 1
    night = await terminal.run("signals", "corridor", "renmin", "--plan", "night")
    assert "out: a band of 16 s in a cycle of 75 s" in night.out.replace("\n", " ")
    other = await terminal.run("signals", "corridor", "renmin", "--plan", "evening")
    assert other.status == 1
