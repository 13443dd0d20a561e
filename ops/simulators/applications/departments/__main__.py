"""`python -m ops.simulators.applications.departments`: departments and a bank, to be controlled."""

import argparse
import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import orjson
import uvloop
from aiohttp import web

from ops.simulators.applications.departments.servers import Departments, open_departments
from ops.simulators.parking.callbacks import LATER

PARENT_SECONDS = 1.0


def control(departments: Departments) -> web.Application:
    """GET /control, POST /control, POST /gateway, GET /ledger, POST /vehicles."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(
            body=orjson.dumps(departments.faults()), content_type="application/json"
        )

    async def change(request: web.Request) -> web.Response:
        try:
            asked: dict[str, Any] = orjson.loads(await request.read())
            await departments.fault(
                asked["member"],
                asked["mode"],
                float(asked.get("seconds", 0)),
                float(asked.get("share", 1)),
            )
        except (ValueError, KeyError, TypeError) as error:
            return web.json_response({"detail": str(error)}, status=400)
        return await show(request)

    async def gateway(request: web.Request) -> web.Response:
        try:
            answer = departments.gateway.control(orjson.loads(await request.read()))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            return web.json_response({"detail": str(error)}, status=400)
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def ledger(_: web.Request) -> web.Response:
        return web.Response(
            body=orjson.dumps(departments.ledger()), content_type="application/json"
        )

    async def register(request: web.Request) -> web.Response:
        try:
            said = departments.vehicles.register(**orjson.loads(await request.read()))
        except (ValueError, TypeError) as error:
            return web.json_response({"detail": str(error)}, status=400)
        return web.json_response(said)

    app = web.Application()
    app.router.add_post("/vehicles", register)
    app.router.add_get("/control", show)
    app.router.add_post("/control", change)
    app.router.add_post("/gateway", gateway)
    app.router.add_get("/ledger", ledger)
    return app


async def _orphaned(parent: int) -> None:
    """Until whoever started this is gone."""
    while os.getppid() == parent:  # noqa: ASYNC110  nobody tells us
        await asyncio.sleep(PARENT_SECONDS)


async def main(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT, or until the parent is gone."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    first, last = options.latency
    async with open_departments(
        options.data_dir, latency=(first, last), seed=options.seed, callbacks=options.callbacks
    ) as departments:
        runner = web.AppRunner(control(departments), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", options.control_port).start()
        host, port = runner.addresses[0][:2]
        print(f"departments and bank listen; control: http://{host}:{port}/control", flush=True)
        ends = [asyncio.create_task(stopping.wait()), asyncio.create_task(_orphaned(os.getppid()))]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in ends:
            task.cancel()
        await runner.cleanup()


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.simulators.applications.departments")
    parser.add_argument("--data-dir", type=Path, required=True, help="citybrain's data folder")
    parser.add_argument(
        "--latency",
        type=float,
        nargs=2,
        default=(0.05, 0.2),
        metavar=("FROM", "TO"),
        help="seconds until an answer",
    )
    parser.add_argument("--seed", type=int, default=2020, help="of what departments know")
    parser.add_argument("--control-port", type=int, default=0, help="0 picks a free one")
    parser.add_argument(
        "--callbacks",
        metavar="URL",
        nargs="?",
        const=LATER,
        help="where payments are called back; without an address that is told later, at /gateway",
    )
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(main(arguments()))
