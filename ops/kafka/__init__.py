"""A real Apache Kafka on this machine, for development and tests: one broker, or three."""

from ops.kafka.cluster import Cluster, kafka_broker
from ops.kafka.jars import NoKafka

__all__ = ["Cluster", "NoKafka", "kafka_broker"]
