"""A server of the made-up city, and what its parts compute: `python -m ops.bench.signals.serving`.

It is our server as it is, workers and all, with more junctions. What reading observations and
deciding cost is measured around the two, in the thread that does all of it.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from unittest.mock import patch

import uvloop

from citybrain import app, garbage
from citybrain.http.runtime import Runtime
from citybrain.http.server import serving
from citybrain.observability import configure_logging
from citybrain.systems import load_definitions
from commands.services import Services
from commands.signals import deciding
from ops.bench import child
from ops.bench.rebuild_process import peak_rss_mb
from ops.bench.signals import made_up
from ops.bench.signals.town_clock import TownClock
from ops.bench.workbench import bench_settings

P = ParamSpec("P")
T = TypeVar("T")
UNLIMITED = {"http_port": 0, "rate_limit_per_second": 1e9, "rate_limit_burst": 10**9}


class Spent:
    """What parts of the server computed, in seconds of the thread, and how often."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.times: Counter[str] = Counter()

    def around(self, part: str, function: Callable[P, T]) -> Callable[P, T]:
        """The function, measured."""

        @wraps(function)
        def measured(*args: P.args, **kwargs: P.kwargs) -> T:
            began = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[part] += time.thread_time() - began
                self.times[part] += 1

        return measured


async def _serve() -> None:
    orders = child.orders()
    garbage.collect_seldom()
    spent, definitions = Spent(), load_definitions().extended(made_up.city(orders["junctions"]))
    settings = bench_settings(orders["url"], Path(orders["folder"])).model_copy(update=UNLIMITED)
    configure_logging(settings.log_level, settings.log_format)
    open_services, clock = app.open_services, TownClock(**orders["clock"])

    @asynccontextmanager
    async def by_its_clock(*args: Any, **kwargs: Any) -> AsyncIterator[Services]:
        async with open_services(*args, **kwargs) as services:
            services.clock = clock.now
            yield services

    with (
        patch.object(app, "load_definitions", lambda _: definitions),
        patch.object(app, "open_services", by_its_clock),
        patch("commands.signals.control.decide", spent.around("decisions", deciding.decide)),
    ):
        async with app.open_runtime(settings, faces=False) as runtime, serving(runtime) as url:
            garbage.set_aside()
            child.say_ready({"url": url, "tokens": _tokens(runtime, orders["junctions"])})
            await asyncio.to_thread(child.word)
            before = _figures(spent)
            await asyncio.to_thread(child.word)
            after = _figures(spent)
            said = {name: after[name] - before[name] for name in after}
            child.say(said | {"rss_mb": peak_rss_mb()})
            await asyncio.to_thread(child.word)


def _tokens(runtime: Runtime, junctions: int) -> dict[str, str]:
    """Of each gateway."""
    assert runtime.development is not None
    token = runtime.development.token
    gateways = sorted({made_up.gateway_of(each) for each in range(junctions)})
    return {each: token(each, ["gateway"], acts_for=[f"signal:{each}_*"]) for each in gateways}


def _figures(spent: Spent) -> dict[str, float]:
    return {
        "decisions": spent.times["decisions"],
        "decisions_seconds": spent.seconds["decisions"],
        "cpu_seconds": time.process_time(),
    }


if __name__ == "__main__":
    uvloop.run(_serve())
