"""Several writer processes on one database, each with a store of its own.

As a module it is one of them: `python -m ops.bench.writer_process`.
"""

import asyncio
import time
from pathlib import Path

import uvloop

from citybrain.eventstore import open_event_store
from ops.bench import child
from ops.bench.append_ours import appended, new_streams, verify
from ops.bench.child import Child
from ops.bench.figures import Sample
from ops.bench.meter import per_unit
from ops.bench.rounds import Contender
from ops.bench.tally import Tally
from ops.bench.workbench import Workbench, bench_settings


def writer_processes(processes: int, concurrency: int) -> Contender:
    """The contender: `concurrency` clients spread over processes, one fresh database."""

    async def contender(bench: Workbench) -> Sample:
        async with bench.database() as url:
            orders = {
                "url": url,
                "folder": str(bench.folder),
                "seconds": bench.seconds,
                "concurrency": concurrency // processes,
            }
            writers = [
                await Child.start("ops.bench.writer_process", orders) for _ in range(processes)
            ]
            for writer in writers:
                await writer.ready()
            total = Tally(bench.seconds)
            spent, computed = 0.0, bench.postgres_cpu_seconds()
            for answer in await asyncio.gather(*(writer.go() for writer in writers)):
                total.acknowledged += answer["acknowledged"]
                total.counted += answer["counted"]
                total.latencies += answer["latencies"]
                spent += answer["cpu_seconds"]
            computed = bench.postgres_cpu_seconds() - computed
            await verify(url, total.acknowledged)
        return per_unit(total.sample(), total.acknowledged, spent, computed)

    return contender


async def _write() -> None:
    orders = child.orders()
    settings = bench_settings(orders["url"], Path(orders["folder"]))
    async with open_event_store(settings) as store:
        child.say_ready()
        child.wait_for_go()
        cpu = time.process_time()
        tally = await appended(store, new_streams(1), orders["concurrency"], orders["seconds"])
        spent = time.process_time() - cpu
    child.answer(
        {
            "acknowledged": tally.acknowledged,
            "counted": tally.counted,
            "latencies": tally.latencies,
            "cpu_seconds": spent,
        }
    )


if __name__ == "__main__":
    uvloop.run(_write())
