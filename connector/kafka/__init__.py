"""The Kafka edge: the only place that knows confluent_kafka."""
