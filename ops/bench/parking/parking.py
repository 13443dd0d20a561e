"""`citybrain bench parking`: signs into the log and into sessions, a crowd for a few
berths, the board of a large city, the read models rebuilt, and prices.

Each line stands beside what does the same without any decision. `cpu_us` is what the process that
decides computed for one unit, `db_cpu_us` what PostgreSQL did.
"""

from collections.abc import Mapping

from ops.bench.http import bare_aiohttp
from ops.bench.lines import Line
from ops.bench.parking.board import board, by_key, static_page
from ops.bench.parking.crowd import bare_crowd, crowd, one_key
from ops.bench.parking.prices import plain_loop, pricing
from ops.bench.parking.rebuild import copied, read, rebuilt
from ops.bench.parking.signs import (
    BATCH,
    appended,
    in_batches,
    inserted_batches,
    inserted_one_by_one,
    into_sessions,
    over_http,
)
from ops.bench.rounds import Contender

SIGNS = "signs/s"
SENDERS, CAMERAS = 4, 64
ONCE = frozenset({"rebuild", "read_log", "copy_log", "static_page", "bare_aiohttp_crowd"})

CONTENDERS: Mapping[str, Contender] = {
    "http_1000": over_http(SENDERS, "signs", BATCH),
    "http_1": over_http(CAMERAS, "sign"),
    "bare_aiohttp_1000": bare_aiohttp(SENDERS, "signs", BATCH),
    "bare_aiohttp_1": bare_aiohttp(CAMERAS, "sign"),
    "insert_1000": inserted_batches,
    "insert_1": inserted_one_by_one(CAMERAS),
    "record_1000": in_batches,
    "append_1000": appended,
    "sessions": into_sessions,
    "crowd": crowd,
    "bare_aiohttp_crowd": bare_crowd,
    "one_key": one_key,
    "board_100k": board,
    "static_page": static_page,
    "berth_by_key": by_key,
    "rebuild": rebuilt,
    "read_log": read,
    "copy_log": copied,
    "price": pricing,
    "plain_loop": plain_loop,
}

LINES = (
    Line("http_1000", "http_1000", "bare_aiohttp_1000", ("insert_1000",), unit=SIGNS),
    Line("http_1", "http_1", "bare_aiohttp_1", ("insert_1",), unit=SIGNS),
    Line("record_1000", "record_1000", "append_1000", ("insert_1000",), unit=SIGNS),
    Line("sessions", "sessions", "append_1000", ("record_1000",), unit=SIGNS),
    Line("crowd", "crowd", "bare_aiohttp_crowd", ("one_key",), unit="asks/s"),
    Line("board_100k", "board_100k", "static_page", ("berth_by_key",), unit="questions/s"),
    Line("rebuild", "rebuild", "read_log", ("copy_log",)),
    Line("price", "price", "plain_loop", unit="prices/s"),
)
