"""What devices send through Kafka, as commands: an edge beside HTTP."""
