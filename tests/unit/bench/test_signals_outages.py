"""What the bench of outages rests on: a wire that is cut loses bytes, and greens are in step."""

import asyncio

from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.junctions import load_signals
from citybrain.domain.signals.lamps import Lamp
from ops.bench.signals.cabinet import Cabinet
from ops.bench.signals.wire import Wire
from tests.given.waiting import holds


async def test_a_wire_that_is_cut_loses_what_is_sent() -> None:
    heard = asyncio.Queue[bytes]()

    async def hear(near: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while piece := await near.read(9):
            heard.put_nowait(piece)

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with server, Wire(server.sockets[0].getsockname()[1]).laid() as wire:
        _, out = await asyncio.open_connection("127.0.0.1", int(wire.url.rpartition(":")[2]))
        out.write(b"one")
        assert await heard.get() == b"one"
        wire.cut = True
        out.write(b"two")
        await holds(lambda: wire.lost_bytes == len(b"two"))
        wire.cut = False
        out.write(b"three")
        assert await heard.get() == b"three"
        assert heard.empty()
        out.close()


async def nobody() -> str:
    return ""


async def test_a_cabinet_notes_what_it_shows_and_how_far_from_its_plan() -> None:
    dated = load_signals(Files(), Definitions()).junctions["renmin_1"][-1]
    cabinet = Cabinet(dated, nobody, "")
    plan = dated.followed("")
    begins = 20_000 * plan.cycle_ms + plan.offset_ms
    first = dated.junction.stages[plan.splits[0][0]]
    cabinet.controller.remote = True
    cabinet.controller.lamps = {
        code: Lamp(begins + 700 if code in first else None, None, begins - 9000)
        for code in dated.junction.groups
    }
    cabinet._looked_at = begins - 1000
    cabinet._look(begins + 2000)
    assert [each.text for each in cabinet.moments] == ["red", " ".join(sorted(first))]
    assert [(each.off_ms, each.remote) for each in cabinet.starts] == [(700, True)]
    assert cabinet.monitor.found == []
