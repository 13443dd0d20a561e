"""`citybrain bench kafka`: the log into Kafka, and from there into read models.

Beside it stand a bare aiokafka producer and consumer of the same bytes. `live`: each writer waits
until its event has arrived, so latency is what it tells; `flow`: at most a thousand are under way,
to a reader of Kafka or into a read model.
With `--events 1000000` workers catch up on a million.
"""

from collections.abc import Mapping

from ops.bench.kafka_bare import bare_catch_up, bare_live
from ops.bench.kafka_ground import AHEAD, WRITERS
from ops.bench.kafka_models import bare_consumer, caught_up_by, into_model
from ops.bench.kafka_ours import catch_up, live
from ops.bench.lines import AtLeast, Line
from ops.bench.rounds import Contender
from ops.kafka.jars import NoKafka, jars, java

BENCH = "kafka"
WORKERS = (1, 2, 4)
ONCE = frozenset(f"workers_{number}" for number in WORKERS)

CONTENDERS: Mapping[str, Contender] = {
    "catch_up": catch_up,
    "live": live(WRITERS),
    "flow": live(AHEAD),
    "read_model": into_model(WRITERS),
    "read_model_flow": into_model(AHEAD),
    **{f"workers_{number}": caught_up_by(number) for number in WORKERS},
    "bare_producer": bare_catch_up,
    "bare_live": bare_live(WRITERS),
    "bare_flow": bare_live(AHEAD),
    "bare_consumer": bare_consumer,
}
LINES = (
    Line("catch_up", "catch_up", "bare_producer", (), (AtLeast(0.6, "bare_producer"),)),
    Line("live", "live", "bare_live"),
    Line("flow", "flow", "bare_flow", (), (AtLeast(0.6, "bare_flow"),)),
    Line("read_model", "read_model", "bare_live"),
    Line("read_model_flow", "read_model_flow", "bare_flow", (), (AtLeast(0.6, "bare_flow"),)),
    *(Line(f"workers_{n}", f"workers_{n}", "bare_consumer") for n in WORKERS),
)


def missing() -> str | None:
    """Why there is no broker here; None where there can be one."""
    try:
        java()
        jars()
    except NoKafka as error:
        return f"no Kafka broker: {error}"
    return None
