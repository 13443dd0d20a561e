"""`citybrain bench kafka`: the log into Kafka, beside a bare producer of the same bytes."""

from collections.abc import Mapping

from ops.bench.kafka_bare import bare_catch_up, bare_live
from ops.bench.kafka_ours import catch_up, live
from ops.bench.lines import AtLeast, Line
from ops.bench.rounds import Contender

BENCH = "kafka"

CONTENDERS: Mapping[str, Contender] = {
    "catch_up": catch_up,
    "live": live,
    "bare_producer": bare_catch_up,
    "bare_live": bare_live,
}
LINES = (
    Line("catch_up", "catch_up", "bare_producer", (), (AtLeast(0.6, "bare_producer"),)),
    Line("live", "live", "bare_live"),
)
