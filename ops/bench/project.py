"""`citybrain bench project`: events into read models, and the memory of a large rebuild."""

from collections.abc import Mapping

from ops.bench.lines import AtLeast, AtMost, Line
from ops.bench.project_live import live
from ops.bench.project_ours import projected, replayed
from ops.bench.project_stock import stock_projection
from ops.bench.rebuild_process import rebuilt
from ops.bench.rounds import Contender

BENCH = "project"
STOCK = "stock_projection_runner"

CONTENDERS: Mapping[str, Contender] = {
    "case_timeline": projected("case_timeline"),
    "case_desk": projected("case_desk"),
    "case_days": projected("case_days"),
    "streams": projected("streams"),
    "inspection_board": projected("inspection_board"),
    "log_minutes": projected("log_minutes"),
    "all_at_once": projected(),
    "live_500": live(500),
    "rebuild_1m": rebuilt("case_desk", "case_timeline", "case_days", "streams"),
    "replay_only": replayed,
    STOCK: stock_projection,
}
ONCE = frozenset({"rebuild_1m"})

AS_FAST = (AtLeast(100, STOCK),)
LINES = (
    Line("case_timeline", "case_timeline", "replay_only", (STOCK,), AS_FAST),
    Line("case_desk", "case_desk", "replay_only", (STOCK,), AS_FAST),
    Line("case_days", "case_days", "replay_only", (STOCK,), AS_FAST),
    Line("streams", "streams", "replay_only", (STOCK,), AS_FAST),
    Line("inspection_board", "inspection_board", "replay_only", (STOCK,), AS_FAST),
    Line("log_minutes", "log_minutes", "replay_only", (STOCK,), AS_FAST),
    Line("all_at_once", "all_at_once", "replay_only", (STOCK,)),
    Line("live_500", "live_500", None, (), (AtMost("p99_ms", 500),)),
    Line("rebuild_1m", "rebuild_1m", "replay_only", (), (AtMost("rss_mb", 300),)),
)
