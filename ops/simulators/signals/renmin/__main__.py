"""A street that the signals of Renmin Road work on: `python -m ops.simulators.signals.renmin`.

It runs in a process of its own, because SUMO holds one simulation in a process. Where SUMO is not
installed it says so, and the city runs without it.
"""

import argparse
import asyncio
import importlib.util
import random
import sys
import tempfile
from pathlib import Path

import aiohttp

from ops.simulators.client import Client
from ops.simulators.running import until_stopped


async def main(options: argparse.Namespace) -> int:
    """Run the road until SIGTERM or SIGINT (0), or until the server is gone for good (1)."""
    if importlib.util.find_spec("libsumo") is None:
        print("SUMO has no wheel for this platform: signals run without a street", flush=True)
        return 0
    from ops.simulators.signals.renmin.road import Road

    print("a street of SUMO with four junctions reports to it too", flush=True)
    url = options.url.rstrip("/")
    timeout = aiohttp.ClientTimeout(total=20)
    with tempfile.TemporaryDirectory(prefix="citybrain-renmin-") as folder:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            client = Client(
                session,
                url,
                options.token_url or f"{url}/dev/token",
                give_up_after_seconds=options.give_up_after,
                chance=random.Random(options.seed),
            )
            road = Road(client, session, url, Path(folder), options.seed)
            return await until_stopped(road.run(), "simulated road")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.simulators.signals.renmin")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the server")
    parser.add_argument("--token-url", help="where tokens are issued; URL/dev/token where absent")
    parser.add_argument("--seed", type=int, default=2020, help="of all that is random")
    parser.add_argument(
        "--give-up-after",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="leave when the server has not answered for so long",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
