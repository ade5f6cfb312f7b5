"""The Kafka edge: consumes records, commits offsets and produces dead letters.

Together with the demo's embedded cluster this is the only code that uses confluent_kafka.
"""
