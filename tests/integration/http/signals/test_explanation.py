"""Why a light changed: who decided, what it rested on, and what was refused before; as CSV, too."""

import csv
import io

from citybrain.domain.signals.requesting import request
from citybrain.domain.signals.rules import Source, Wish
from tests.given.api import Api
from tests.given.signals.told import Told
from tests.given.signals.x1 import at

X1 = "/v1/signals/junctions/x1"


async def test_a_change_says_what_it_rested_on_in_two_languages(api: Api, told: Told) -> None:
    street = told.street
    street.call(2, "L1")
    street.wish(5, "C")  # too early
    why = {"strategy": "queues", "version": "3", "reasons": {"B": 4.5, "A": 0.0}}
    wish = Wish(street.junction.stages["B"], Source.CENTRE)
    request(street.signal, street.junction, at(20), wish, cause="strategy", why=why)
    await told.tell()
    told.clock(60)
    answer = await api.call("GET", f"{X1}/explanation?at=2026-09-14T02:00:30Z", "auditor")
    assert answer.status == 200, answer.body
    found = answer.json
    assert (found["stage_before"], found["change"]["stage"]) == ("A", "B")
    assert found["change"]["details"]["why"] == why
    assert found["served"] == [{"group": "L1", "waited_s": 38.0}]
    (refused,) = found["refused"]
    assert (refused["rule"], refused["broken"]) == (8, [8, 4])
    assert found["text_en"] == [
        "10:00:20.0 from A to B: the centre decided, because strategy",
        "P1: green until 10:00:20.0, red from 10:00:40.0",
        "V1: green until 10:00:20.0, red from 10:00:23.0",
        "L1: green from 10:00:40.0",
        "L1: waited 38 s",
        "it rested on reasons: A 0, B 4.5",
        "it rested on version: 3",
        "it rested on strategy: queues",
        "before, at 10:00:05.0, the centre wished for P2 V2:"
        " refused, people on foot, minimum green",
    ]
    assert found["text_zh"][0] == "10:00:20.0 从 A 变为 B：由中心决定，原因：strategy"
    assert found["text_zh"][-1] == "此前 10:00:05.0 中心请求 P2 V2，被拒绝：行人、最短绿灯"
    assert len(found["text_zh"]) == len(found["text_en"])
    before = await api.call("GET", f"{X1}/explanation?at=2026-09-14T02:00:19Z", "official")
    assert before.json["change"]["topic"] == "signal.powered_up"
    later = await api.call("GET", f"{X1}/explanation?at=2026-09-15T02:00:00Z", "auditor")
    assert later.is_problem(400, "malformed-request")
    never = await api.call("GET", f"{X1}/explanation?at=2026-09-13T00:00:00Z", "auditor")
    assert never.is_problem(404, "stream-not-found")


async def test_the_high_resolution_log_is_a_file(api: Api, told: Told) -> None:
    told.street.wish(10, "C")
    await told.tell()
    told.clock(60)
    answer = await api.call("GET", f"{X1}/hires.csv?since=2026-09-14T02:00:00Z", "auditor")
    assert answer.headers["Content-Type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert [tuple(each.values()) for each in lines if each["EventParam"] == "4"] == [
        ("1234", "2026-09-14 10:00:00.0", "1", "4"),
        ("1234", "2026-09-14 10:00:07.0", "3", "4"),
        ("1234", "2026-09-14 10:00:10.0", "6", "4"),
        ("1234", "2026-09-14 10:00:10.0", "7", "4"),
        ("1234", "2026-09-14 10:00:10.0", "8", "4"),
        ("1234", "2026-09-14 10:00:13.0", "9", "4"),
        ("1234", "2026-09-14 10:00:13.0", "10", "4"),
        ("1234", "2026-09-14 10:00:15.0", "11", "4"),
    ]
    long = "since=2026-09-01T00:00:00Z&until=2026-09-14T00:00:00Z"
    refused = await api.call("GET", f"{X1}/hires.csv?{long}", "auditor")
    assert refused.is_problem(400, "malformed-request")
