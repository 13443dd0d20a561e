"""A worker of `bench kafka`: keeps a read model and feeds it from Kafka, in a process of its own.

As a module it is that process: `python -m ops.bench.kafka_worker`; it works until it is ended.
"""

import asyncio
from pathlib import Path

import psutil
import uvloop

from citybrain.eventstore import open_event_store
from citybrain.observability import configure_logging
from citybrain.settings import Settings
from citybrain.systems import projection_named, register_streams
from ops.bench import child
from ops.bench.child import Child
from ops.bench.workbench import bench_settings
from projections.kafka_feed import KafkaFeed
from projections.runner import ProjectionRunner

MODEL = "case_timeline"


async def start(settings: Settings) -> Child:
    """Begin one; it waits for the word before it works, and says when it has begun."""
    assert settings.database_url is not None
    return await Child.start(
        "ops.bench.kafka_worker",
        {
            "url": settings.database_url.get_secret_value(),
            "folder": str(settings.data_dir.parent),
            "servers": settings.kafka_bootstrap_servers,
            "prefix": settings.kafka_topic_prefix,
        },
    )


def cpu_seconds(worker: Child) -> float:
    """What it has computed until now."""
    times = psutil.Process(worker.pid).cpu_times()
    return float(times.user + times.system)


async def _work() -> None:
    orders = child.orders()
    register_streams()
    settings = bench_settings(orders["url"], Path(orders["folder"])).model_copy(
        update={
            "kafka_bootstrap_servers": orders["servers"],
            "kafka_topic_prefix": orders["prefix"],
        }
    )
    configure_logging(settings.log_level, settings.log_format)
    models = [projection_named(MODEL)]
    async with open_event_store(settings) as store:
        child.say_ready()
        child.wait_for_go()
        async with asyncio.TaskGroup() as group:
            group.create_task(ProjectionRunner(store, models).run())
            group.create_task(KafkaFeed(settings, store, models).run())


if __name__ == "__main__":
    uvloop.run(_work())
