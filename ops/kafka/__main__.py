"""`python -m ops.kafka`: Apache Kafka on this machine, in the background.

    python -m ops.kafka fetch                   # the jars, once; offline after that
    python -m ops.kafka start --brokers 3       # goes on with the data of the folder
    python -m ops.kafka stop

`start` prints what goes into CITYBRAIN_KAFKA_BOOTSTRAP_SERVERS.
"""

import argparse
import sys
from pathlib import Path

from ops.kafka.cluster import Cluster, fetch
from ops.kafka.jars import NoKafka

DATA = Path("data/kafka")


def main() -> int:
    """Exit status 1 where there can be no broker."""
    parser = argparse.ArgumentParser(prog="python -m ops.kafka", description=__doc__)
    parser.add_argument("action", choices=("fetch", "start", "stop"))
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1, help="of a new folder")
    parser.add_argument("--secure", action="store_true", help="also a listener with TLS and SASL")
    parser.add_argument("--data", type=Path, default=DATA, help=f"folder; {DATA} where absent")
    asked = parser.parse_args()
    try:
        if asked.action == "fetch":
            print(fetch())
        elif asked.action == "start":
            cluster = Cluster.at(asked.data, brokers=asked.brokers, secure=asked.secure)
            cluster.start()
            print(cluster.bootstrap_servers)
        elif asked.data.is_dir():
            Cluster.at(asked.data).stop()
    except NoKafka as error:
        print(f"no Kafka broker: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
