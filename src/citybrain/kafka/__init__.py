"""The log in Apache Kafka: what a record is, and how it comes there."""
