"""Kafka to Tuzhan (兔展): a consumer group that maps business events and delivers them in micro-batches."""

__version__ = "0.1.0"
