"""`citybrain bench append`: durable appends beside PostgreSQL's limits and other stores."""

from collections.abc import Mapping

from ops.bench.append_limits import copy_binary, insert_one_row, insert_unnest
from ops.bench.append_ours import hot_any, hot_exact, new_streams, ours
from ops.bench.lines import AtLeast, AtMost, Line
from ops.bench.peer_stock import stock_append, stock_hot_stream
from ops.bench.peer_umadb import umadb_append, umadb_hot_stream
from ops.bench.rounds import Contender
from ops.bench.writer_process import writer_processes

BENCH = "append"
LIMIT = "insert_unnest_1000"

CONTENDERS: Mapping[str, Contender] = {
    "1": ours(new_streams(1), 1),
    "16": ours(new_streams(1), 16),
    "128": ours(new_streams(1), 128),
    "512": ours(new_streams(1), 512),
    "16x100": ours(new_streams(100), 16),
    "hot_any_512": ours(hot_any, 512),
    "hot_exact_1": ours(hot_exact, 1),
    "2_processes": writer_processes(2, 512),
    "4_processes": writer_processes(4, 512),
    "copy_binary": copy_binary,
    LIMIT: insert_unnest,
    "insert_one_row_16": insert_one_row,
    "stock_1": stock_append(1),
    "stock_16": stock_append(16),
    "stock_16x100": stock_append(16, 100),
    "stock_hot_1": stock_hot_stream,
    "umadb_1": umadb_append(1),
    "umadb_16": umadb_append(16),
    "umadb_128": umadb_append(128),
    "umadb_512": umadb_append(512),
    "umadb_16x100": umadb_append(16, 100),
    "umadb_hot_any_512": umadb_hot_stream(512, exact=False),
    "umadb_hot_exact_1": umadb_hot_stream(1, exact=True),
}

LINES = (
    Line("1", "1", LIMIT, ("copy_binary", "stock_1", "umadb_1"), (AtLeast(1, "umadb_1"),)),
    Line(
        "16",
        "16",
        LIMIT,
        ("copy_binary", "insert_one_row_16", "stock_16", "umadb_16"),
        (AtLeast(10, "stock_16"), AtLeast(1, "umadb_16")),
    ),
    Line(
        "128",
        "128",
        LIMIT,
        ("copy_binary", "insert_one_row_16", "stock_16", "umadb_128"),
        (AtLeast(1, "umadb_128"),),
    ),
    Line(
        "512",
        "512",
        LIMIT,
        ("copy_binary", "insert_one_row_16", "stock_16", "umadb_512"),
        (
            AtLeast(0.5, LIMIT),
            AtLeast(60, "stock_16"),
            AtMost("p99_ms", 60),
            AtLeast(1, "umadb_512"),
        ),
    ),
    Line(
        "16x100",
        "16x100",
        LIMIT,
        ("copy_binary", "stock_16x100", "umadb_16x100"),
        (AtLeast(1, LIMIT), AtLeast(1, "umadb_16x100")),
    ),
    Line(
        "hot_any_512",
        "hot_any_512",
        LIMIT,
        ("stock_hot_1", "umadb_hot_any_512"),
        (AtLeast(1, "umadb_hot_any_512"),),
    ),
    Line(
        "hot_exact_1",
        "hot_exact_1",
        LIMIT,
        ("stock_hot_1", "umadb_hot_exact_1"),
        (AtLeast(1, "umadb_hot_exact_1"),),
    ),
    Line(
        "2_processes",
        "2_processes",
        LIMIT,
        ("copy_binary", "stock_16", "umadb_512"),
        (AtLeast(1, "umadb_512"),),
    ),
    Line(
        "4_processes",
        "4_processes",
        LIMIT,
        ("copy_binary", "stock_16", "umadb_512"),
        (AtLeast(1, "umadb_512"),),
    ),
)
